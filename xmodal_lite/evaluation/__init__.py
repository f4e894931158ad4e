"""Arrays in, numbers out: how well one modality finds the other.

Nothing here knows of models, files or benchmarks, so every number can be checked by hand.
"""

from xmodal_lite.evaluation.best_sample import best_sample_metrics
from xmodal_lite.evaluation.conformal import conformal_threshold, nonconformity
from xmodal_lite.evaluation.distance import cosine_distances
from xmodal_lite.evaluation.gallery import python_draw, same_view_excluded, sysu_excluded, views
from xmodal_lite.evaluation.nearest import Neighbours, largest, nearest
from xmodal_lite.evaluation.protocols import Search, pair_scores, search_report
from xmodal_lite.evaluation.ranking import RankMetrics, RetrievalScores, rank_metrics
from xmodal_lite.evaluation.report import Report, rruff_report
from xmodal_lite.evaluation.verification import VerificationMetrics, verification_metrics

__all__ = [
    "Neighbours",
    "RankMetrics",
    "Report",
    "RetrievalScores",
    "Search",
    "VerificationMetrics",
    "best_sample_metrics",
    "conformal_threshold",
    "cosine_distances",
    "largest",
    "nearest",
    "nonconformity",
    "pair_scores",
    "python_draw",
    "rank_metrics",
    "rruff_report",
    "same_view_excluded",
    "search_report",
    "sysu_excluded",
    "verification_metrics",
    "views",
]

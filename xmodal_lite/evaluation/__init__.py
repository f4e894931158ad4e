"""Arrays in, numbers out: how well one modality finds the other.

Nothing here knows of models, files or benchmarks, so every number can be checked by hand.
"""

from xmodal_lite.evaluation.best_sample import best_sample_metrics
from xmodal_lite.evaluation.distance import cosine_distances
from xmodal_lite.evaluation.ranking import RankMetrics, RetrievalScores, rank_metrics
from xmodal_lite.evaluation.report import Report, rruff_report

__all__ = [
    "RankMetrics",
    "Report",
    "RetrievalScores",
    "best_sample_metrics",
    "cosine_distances",
    "rank_metrics",
    "rruff_report",
]

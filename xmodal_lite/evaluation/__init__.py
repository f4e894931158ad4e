"""Arrays in, numbers out: how well one modality finds the other.

Nothing here knows of models, files or benchmarks, so every number can be checked by hand.
"""

from xmodal_lite.evaluation.conformal import conformal_threshold, nonconformity
from xmodal_lite.evaluation.distance import cosine_distances
from xmodal_lite.evaluation.gallery import (
    group_by_identity_and_camera,
    same_view_excluded,
    sample_gallery,
    sysu_excluded,
)
from xmodal_lite.evaluation.nearest import Neighbours, nearest, topk
from xmodal_lite.evaluation.nearest_sample import nearest_sample_metrics, nearest_sample_report
from xmodal_lite.evaluation.protocols import RetrievalTask, pair_scores, retrieval_report
from xmodal_lite.evaluation.ranking import RankMetrics, RetrievalScores, rank_metrics
from xmodal_lite.evaluation.report import Report
from xmodal_lite.evaluation.verification import VerificationMetrics, verification_metrics

__all__ = [
    "Neighbours",
    "RankMetrics",
    "Report",
    "RetrievalScores",
    "RetrievalTask",
    "VerificationMetrics",
    "conformal_threshold",
    "cosine_distances",
    "group_by_identity_and_camera",
    "nearest",
    "nearest_sample_metrics",
    "nearest_sample_report",
    "nonconformity",
    "pair_scores",
    "rank_metrics",
    "retrieval_report",
    "same_view_excluded",
    "sample_gallery",
    "sysu_excluded",
    "topk",
    "verification_metrics",
]

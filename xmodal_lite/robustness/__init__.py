"""A trained run under change: its test again on occluded samples, and what its methods lose by it."""

from xmodal_lite.robustness.changes import Change
from xmodal_lite.robustness.corruption import Corruption
from xmodal_lite.robustness.curves import curve_frame, summary
from xmodal_lite.robustness.disguise import Disguise
from xmodal_lite.robustness.importance import pair_importance, pointing_score
from xmodal_lite.robustness.occlusion import ImageOcclusion, PeakRemoval, SpanOcclusion
from xmodal_lite.robustness.records import Level, StudyRecord, read_study, write_study
from xmodal_lite.robustness.retest import retest
from xmodal_lite.robustness.studies import check_study, study_changes, study_names
from xmodal_lite.robustness.tables import (
    StudyReport,
    publish_studies,
    run_study_table,
    stored_studies,
    stored_study_table,
)

__all__ = [
    "Change",
    "Corruption",
    "Disguise",
    "ImageOcclusion",
    "Level",
    "PeakRemoval",
    "SpanOcclusion",
    "StudyRecord",
    "StudyReport",
    "check_study",
    "curve_frame",
    "pair_importance",
    "pointing_score",
    "publish_studies",
    "read_study",
    "retest",
    "run_study_table",
    "stored_studies",
    "stored_study_table",
    "study_changes",
    "study_names",
    "summary",
    "write_study",
]

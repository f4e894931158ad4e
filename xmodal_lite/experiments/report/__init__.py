"""What the pages of a table and of a run show: Markdown and the numbers of figures, real data and synthetic apart."""

from xmodal_lite.experiments.report.differences import difference, differences, differences_markdown
from xmodal_lite.experiments.report.origin import origin_markdown, setting
from xmodal_lite.experiments.report.results import cell, headline_frame, results_markdown
from xmodal_lite.experiments.report.run_page import RunReport
from xmodal_lite.experiments.report.table_page import TableReport, stored_table

__all__ = [
    "RunReport",
    "TableReport",
    "cell",
    "difference",
    "differences",
    "differences_markdown",
    "headline_frame",
    "origin_markdown",
    "results_markdown",
    "setting",
    "stored_table",
]

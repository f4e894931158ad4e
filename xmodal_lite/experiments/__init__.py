"""Runs and tables: specification in, record out, stored under a hash."""

from xmodal_lite.evaluation.intervals import Interval, against_reported, bounds, interval, verdict
from xmodal_lite.experiments.data import open_benchmark
from xmodal_lite.experiments.export import export
from xmodal_lite.experiments.match import Retriever, open_run
from xmodal_lite.experiments.methods import method_names, profile_names, resolve
from xmodal_lite.experiments.notebook import run_notebook, shown_markdown
from xmodal_lite.experiments.page import TablePage, open_page, sweep_table
from xmodal_lite.experiments.run import embed, run, train
from xmodal_lite.experiments.run_page import RunPage, run_page
from xmodal_lite.experiments.spec import RunRecord, RunSpec, make_spec
from xmodal_lite.experiments.store import RunStore
from xmodal_lite.experiments.stored import find_run
from xmodal_lite.experiments.sweep import publish, run_all, stored_records
from xmodal_lite.experiments.tables import (
    Table,
    differences_markdown,
    headline_frame,
    load_table,
    results_markdown,
    table_names,
)

__all__ = [
    "Interval",
    "Retriever",
    "RunPage",
    "RunRecord",
    "RunSpec",
    "RunStore",
    "Table",
    "TablePage",
    "against_reported",
    "bounds",
    "differences_markdown",
    "embed",
    "export",
    "find_run",
    "headline_frame",
    "interval",
    "load_table",
    "make_spec",
    "method_names",
    "open_benchmark",
    "open_page",
    "open_run",
    "profile_names",
    "publish",
    "resolve",
    "results_markdown",
    "run",
    "run_all",
    "run_notebook",
    "run_page",
    "shown_markdown",
    "stored_records",
    "sweep_table",
    "table_names",
    "train",
    "verdict",
]

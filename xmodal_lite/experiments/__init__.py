"""Runs and tables: specification in, record out, stored under a hash."""

from xmodal_lite._lazy import lazy_names

__all__ = [
    "Calibration",
    "PreparedRun",
    "RunRecord",
    "RunReport",
    "RunSpec",
    "RunStore",
    "Table",
    "TableReport",
    "default_seeds",
    "differences_markdown",
    "embed",
    "headline_frame",
    "load_table",
    "make_spec",
    "method_names",
    "open_benchmark",
    "prepare_run",
    "publish",
    "read_parameter",
    "resolve",
    "results_markdown",
    "run",
    "run_all",
    "run_notebook",
    "run_report",
    "run_table",
    "shown_markdown",
    "stored_records",
    "stored_table",
    "sweep_table",
    "table_names",
    "train",
]

__getattr__ = lazy_names(
    __name__,
    {
        "data": "PreparedRun open_benchmark prepare_run",
        "notebook": "read_parameter run_notebook shown_markdown",
        "recipes": "method_names resolve",
        "report": "RunReport TableReport differences_markdown headline_frame results_markdown stored_table",
        "runner": "embed run train",
        "spec": "RunRecord RunSpec make_spec",
        "store": "Calibration RunStore publish",
        "sweep": "run_all run_report run_table sweep_table",
        "tables": "Table default_seeds load_table stored_records table_names",
    },
)

"""A Sphinx extension that lets autodoc read the library where torch is not installed.

The packages load what they name only when it is asked for, which autodoc does not do. So everything that they name is
loaded here once, with autodoc's mocks in place of torch and of the other packages that no docstring needs.
"""

import importlib
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.ext.autodoc.mock import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
PACKAGES = (
    "benchmarks",
    "deployment",
    "evaluation",
    "experiments",
    "losses",
    "models",
    "plots",
    "robustness",
    "synthetic",
    "training",
)


def setup(app: Sphinx) -> dict[str, bool]:
    """Load the packages when the settings are read."""
    app.connect("config-inited", lambda _, config: _load(config.autodoc_mock_imports))
    return {"parallel_read_safe": True}


def _load(absent: list[str]) -> None:
    with mock(absent):
        for name in PACKAGES:
            package = importlib.import_module(f"xmodal_lite.{name}")
            for member in package.__all__:
                setattr(package, member, getattr(package, member))

"""Settings with which plain Sphinx builds the book: those of _config.yml, without Jupyter Book.

sphinx-build -W -n --keep-going -c .ci/plain . _build/plain/html
"""

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
book = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
own = book["sphinx"]["config"]

project = html_title = book["title"]
author, copyright = book["author"], book["copyright"]
sys.path.insert(0, str(ROOT / "book" / "extensions"))
extensions = [
    *book["sphinx"]["local_extensions"],
    "sphinx_external_toc", "myst_nb", "sphinx_design", "sphinx_copybutton", "sphinx_togglebutton",
    "sphinxcontrib.bibtex", "sphinx_multitoc_numbering", *book["sphinx"]["extra_extensions"],
]  # fmt: skip
exclude_patterns = book["exclude_patterns"]
external_toc_path = str(ROOT / "_toc.yml")
external_toc_exclude_missing = book["only_build_toc_files"]
use_multitoc_numbering = numfig = True
myst_enable_extensions = book["parse"]["myst_enable_extensions"]
nb_execution_mode = book["execute"]["execute_notebooks"]
bibtex_bibfiles = [str(ROOT / name) for name in book["bibtex_bibfiles"]]
suppress_warnings = ["myst.domains"]

html_theme = "sphinx_book_theme"
html_logo = str(ROOT / book["logo"])
html_favicon = str(ROOT / book["html"]["favicon"])
html_theme_options = {
    "repository_url": book["repository"]["url"],
    "repository_branch": book["repository"]["branch"],
    "launch_buttons": book["launch_buttons"],
    "home_page_in_toc": book["html"]["home_page_in_navbar"],
    "use_repository_button": book["html"]["use_repository_button"],
    "use_issues_button": book["html"]["use_issues_button"],
    "extra_footer": book["html"]["extra_footer"],
}
globals().update(own | {"html_static_path": [str(ROOT / name) for name in own["html_static_path"]]})

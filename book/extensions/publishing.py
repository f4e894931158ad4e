"""A Sphinx extension with one switch: `published` says whether the repository has a public address.

While it is false, the book shows no launch button, no button of the repository and no link to a source file, since none
of them would lead anywhere. The buttons are those of `_config.yml`; the set-up cells of the notebooks stay.
"""

import os

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

BUTTONS = ("use_repository_button", "use_issues_button", "use_source_button", "use_edit_page_button")


def setup(app: Sphinx) -> dict[str, bool]:
    """Hide what needs the address, and write pages in parallel, for which Jupyter Book has no option."""
    app.add_config_value("published", False, "env")
    app.connect("config-inited", _hide_buttons)
    app.connect("doctree-read", _unlink_sources)
    app.connect("env-updated", lambda app, _: setattr(app, "parallel", os.cpu_count() or 1))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _hide_buttons(app: Sphinx, config: Config) -> None:
    if not config.published:
        config.html_theme_options |= dict.fromkeys(BUTTONS, False) | {
            "launch_buttons": {},
            "repository_url": "",
        }


def _unlink_sources(app: Sphinx, doctree: nodes.document) -> None:
    """Leave the text of every link to a source file, and take the link."""
    if not app.config.published:
        for link in list(doctree.findall(nodes.reference)):
            if "extlink-source" in link["classes"]:
                link.replace_self(nodes.literal(text=link.astext()))

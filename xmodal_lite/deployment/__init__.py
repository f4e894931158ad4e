"""Use of a trained run: load it, rank a gallery for queries of the other modality, export it."""

from xmodal_lite.deployment.answers import Answers, answers_at_test
from xmodal_lite.deployment.export import export
from xmodal_lite.deployment.load import LoadedRun, find_run, load_run
from xmodal_lite.deployment.match import Retriever, open_run
from xmodal_lite.deployment.results import Gallery, MatchResults

__all__ = [
    "Answers",
    "Gallery",
    "LoadedRun",
    "MatchResults",
    "Retriever",
    "answers_at_test",
    "export",
    "find_run",
    "load_run",
    "open_run",
]

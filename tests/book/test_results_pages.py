"""The pages of all results are what the stored records and the ledgers say today."""

import importlib
import sys

import pytest


@pytest.fixture(scope="module")
def make_results(repository):
    sys.path.insert(0, str(repository / "book"))
    yield importlib.import_module("make_results")
    sys.path.remove(str(repository / "book"))


def test_the_committed_pages_are_what_is_stored(make_results, repository):
    for name, text in make_results.pages().items():
        assert (repository / "book" / name).read_text(encoding="utf-8") == text, "run: make results"


def test_every_method_of_the_grid_was_run_somewhere(make_results):
    page = make_results.pages()["results.md"]
    for method in make_results.METHODS:
        assert f"| {method} |" in page, method


def test_the_average_rank_by_hand(make_results):
    from xmodal_lite.evaluation.intervals import Interval

    def column(*means):
        names = ("Two-stream", "MarrNet", "MUN")
        return {name: Interval(mean, 0.0, 5) for name, mean in zip(names, means, strict=True)}

    ranks = make_results._average_ranks({"a": column(0.1, 0.3, 0.2), "b": column(0.1, 0.2, 0.3)})
    assert ranks == {"Two-stream": 3.0, "MarrNet": 1.5, "MUN": 1.5}

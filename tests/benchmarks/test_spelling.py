import pytest

from xmodal_lite.benchmarks.spelling import check_beside, spelling_key, unify
from xmodal_lite.data.problems import Problems


@pytest.mark.parametrize(("a", "b"), [("Jos\u00e9", "Jose\u0301"), ("Quartz", "quartz "), ("a  b", "A b")])
def test_names_that_look_alike(a: str, b: str) -> None:
    assert spelling_key(a) == spelling_key(b)
    assert spelling_key(a) != spelling_key(a + "x")


def test_the_most_frequent_spelling_is_used() -> None:
    problems = Problems()
    names = ["b", "B ", "B ", "a", "A"]
    assert unify(names, "letter", problems) == {"b": "B ", "B ": "B ", "a": "A", "A": "A"}
    (note,) = problems.notes
    assert note.startswith("counted as one letter: 'B ' and 'b', which differ only in case")
    assert "'B ' is the name used (2 in all, also 'A' and 'a')" in note
    check_beside("folder", names, problems)
    assert len(problems) == 3  # a repeated name counts as itself

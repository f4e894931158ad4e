"""The pages of the tables: titles that name data and setting, verdicts from records, provenance that is up to date."""

import itertools
import re
from pathlib import Path

import nbformat
import pytest

from xmodal_lite.benchmarks import data_set, load
from xmodal_lite.evaluation.intervals import CLEAR, DOUBTFUL, verdicts
from xmodal_lite.experiments import TableReport, load_table, provenance, stored_table, table_names
from xmodal_lite.experiments.report import differences, setting
from xmodal_lite.experiments.report.origin import CHANGED, UNCHANGED, changed_markdown, data_words
from xmodal_lite.robustness import stored_study_table

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "notebooks" / "tables").glob("*.ipynb"))
RESULTS = ROOT / "results"
STORED = [
    (name, source)
    for name in table_names()
    for source in ("real", "synthetic")
    if (RESULTS / name / source).is_dir()
]


# A claim of a difference; "no", "not" and "neither" before it in the sentence deny it.
CLAIM = re.compile(
    r"\bsignificantly (higher|lower|better|worse|different)|\b(is|are|was|were) significant\b|raises? .*significantly"
)
DENIED = re.compile(r"\b(no|not|none|neither|never|nor|without|whether|list above)\b", re.IGNORECASE)


def stored(name: str) -> TableReport:
    """Report a table of runs, or of a study on runs."""
    return (stored_study_table if load_table(name).study else stored_table)(name, RESULTS)


def prose(page: Path) -> str:
    cells = nbformat.read(page, as_version=4).cells
    return "\n\n".join(c.source for c in cells if c.cell_type == "markdown")


def table_of(page: Path) -> str:
    return page.stem.replace("_", "-")


def titles(text: str) -> list[str]:
    """Return the paragraph above each Markdown table."""
    parts = text.split("\n\n")
    return [above for above, part in itertools.pairwise(parts) if part.startswith("|")]


@pytest.fixture(params=STORED, ids="/".join)
def shown(request):
    """Records of a table and source, and what its page shows of them."""
    name, source = request.param
    report = stored(name)
    return report, source, report.markdown(source)


def test_every_title_of_a_table_names_data_backbone_size_steps_and_seeds(shown):
    report, source, text = shown
    records = report.records[source]
    words = setting(records)
    found = titles(text)
    assert len(found) >= 3
    assert [title for title in found if words not in title] == []
    trained = [one.spec.recipe for one in records if hasattr(one.spec.recipe, "steps")]
    assert words.startswith(data_words(records[0])) and "seeds 0 to" in words
    for recipe in trained:
        assert f"{recipe.steps}" in words and str(recipe.model.get("backbone", "1-D")) in words
        assert recipe.image_size is None or "{} x {} pixels".format(*recipe.image_size) in words


def test_every_title_of_a_figure_names_them_too(shown):
    report, _, _ = shown
    source = "real" if report.records["real"] else "synthetic"
    for title in report.panels():
        data, _, rest = title.partition("\n")
        assert data.lower().startswith(data_words(report.records[source][0]).lower())
        assert setting(report.records[source]).endswith(rest) and "seeds" in rest


def test_a_benchmarks_name_over_synthetic_numbers_has_the_word_synthetic(shown):
    report, source, text = shown
    name = data_set(report.table.benchmark).title
    named = [line for line in text.split("\n\n") if name in line and not line.startswith("```")]
    if source == "synthetic":
        assert named and [line for line in named if "synthetic" not in line] == []
    else:
        assert "ynthetic" not in text


@pytest.mark.parametrize("page", PAGES, ids=table_of)
def test_headings_and_captions_of_a_page_name_the_data_of_its_records(page):
    report = stored(table_of(page))
    cells = nbformat.read(page, as_version=4).cells
    heading = next(c.source for c in cells if c.cell_type == "markdown" and "\n# " in c.source)
    figures = [c.metadata["mystnb"]["figure"] for c in cells if "figure" in c.metadata.get("mystnb", {})]
    caption = figures[0]["caption"]
    records = report.records["real"] or report.records["synthetic"]
    if records:
        assert setting(records).split(", seeds")[0] in caption
        title = heading.split("\n# ")[1].splitlines()[0]
        assert ("synthetic" in title) == (records[0].spec.source == "synthetic")


@pytest.mark.parametrize("page", PAGES, ids=table_of)
def test_a_page_says_truly_whether_the_source_has_changed(page):
    """The hash is computed again; where this fails, execute the page again."""
    report = stored(table_of(page))
    outputs = [
        "".join(out.data["text/markdown"])
        for c in nbformat.read(page, as_version=4).cells
        for out in c.get("outputs", [])
        if "text/markdown" in out.get("data", {})
    ]
    present = provenance.code_hash()
    for source, records in report.records.items():
        if not records:
            continue
        (text,) = [t for t in outputs if t.startswith(f"**{report.table.title}: {source} data.**")]
        assert changed_markdown(records, present) in text
        for record in records:
            assert record.code[:12] in text and record.fingerprint[:12] in text
            assert record.commit.partition("+")[0] in text and record.finished[:4] in text


@pytest.mark.parametrize("page", PAGES, ids=table_of)
def test_the_prose_of_a_page_claims_no_difference(page):
    """Verdicts are written from the records; prose beside them would stay when the records change."""
    sentences = re.split(r"(?<=[.:?])\s|\n\s*\n|\n- ", prose(page))
    claims = [" ".join(s.split()) for s in sentences if CLAIM.search(s) and not DENIED.search(s)]
    assert claims == []


@pytest.mark.parametrize("page", PAGES, ids=table_of)
def test_what_a_page_denies_of_all_comparisons_is_true(page):
    if "No comparison of the table is significant" not in (text := " ".join(prose(page).split())):
        return
    report = stored(table_of(page))
    found = differences(report.table, report.records["real"] or report.records["synthetic"])
    words = verdicts(list(found.values()))
    assert found and not set(words) & set(CLEAR)
    if "after Holm" not in text.split("No comparison of the table is significant")[1][:30]:
        assert DOUBTFUL not in words


def test_the_note_follows_the_hash(make_stored):
    records = make_stored
    assert changed_markdown(records, records[0].code) == UNCHANGED
    other = [records[0].model_copy(update={"code": "0ther"}), *records[1:]]
    assert changed_markdown(other, records[0].code).startswith(f"{CHANGED} (1 of {len(records)})")
    assert changed_markdown(records, "0ther").startswith(f"{CHANGED}:")


@pytest.fixture
def make_stored():
    records = stored_table("agw-sysu", RESULTS).records["synthetic"]
    code = records[0].code
    return [record.model_copy(update={"code": code}) for record in records]


def test_the_data_of_the_emoji_records_are_those_of_the_package():
    fingerprint = load("drawings").fingerprint
    records = stored_table("drawings", RESULTS).records["real"]
    assert {record.fingerprint for record in records} == {fingerprint}


def test_the_data_of_the_spectra_records_are_those_at_hand(rruff_real):
    fingerprint = load("rruff", rruff_real).fingerprint
    records = stored_table("marrnet-t1", RESULTS).records["real"]
    assert {record.fingerprint for record in records} == {fingerprint}


def test_deterministic_rows_print_no_interval():
    text = stored_table("marrnet-t1", RESULTS).markdown("real")
    head = "| Mean spectrum of the training minerals |"
    (row, *_) = [line for line in text.splitlines() if line.startswith(head)]
    assert re.search(r"\d", row) and "±" not in row

"""Figures of measured spectra: each says which files it was drawn from, and they are the files we have."""

import hashlib
import json
import re
from pathlib import Path

import pytest

FIGURES = Path(__file__).resolve().parents[2] / "book" / "_static" / "figures"
DRAWN = sorted(FIGURES.glob("real-*.png"))


def test_every_figure_names_its_source():
    assert DRAWN
    assert [path.stem for path in DRAWN] == [path.stem for path in sorted(FIGURES.glob("real-*.json"))]


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_a_figure_was_drawn_from_the_files_it_names(path: Path, shared_data: Path):
    note = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", note["drawn"])
    assert len(note["sha256"]) >= 2
    for name, digest in note["sha256"].items():
        folder = "raman" if "__Raman__" in name else "infrared"
        file = shared_data / "rruff-sample" / folder / name
        assert hashlib.sha256(file.read_bytes()).hexdigest() == digest

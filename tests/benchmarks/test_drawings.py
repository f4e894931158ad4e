"""The emoji that are part of the package: whole, the same each time, with splits by group and one error a fault."""

import shutil
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from xmodal_lite.benchmarks import check, drawings, load
from xmodal_lite.errors import DataError, SpecError

PROTOCOL = "unseen-groups"


@pytest.fixture(scope="module")
def emoji():
    return load("drawings")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data that a test may spoil."""
    folder = Path(shutil.copytree(drawings.FOLDER, tmp_path / "emoji"))
    monkeypatch.setattr(drawings, "FOLDER", folder)
    return folder


def groups() -> dict[str, str]:
    """Group of each emoji, by name."""
    lines = (drawings.FOLDER / "names.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == ["name", "codepoints", "group"]
    return {name: group for name, _, group in (line.split("\t") for line in lines[1:])}


def test_every_emoji_is_there_in_both_styles(emoji):
    assert emoji.samples.shape == (2040, 3, 64, 64) and emoji.samples.dtype == np.uint8
    assert emoji.table.counts()["paired identities"] == 1020
    assert emoji.modalities == ("colour", "line")
    assert emoji.source == "real" and emoji.protocols == (PROTOCOL,)
    assert emoji.table.path.tolist() == sorted(emoji.table.path.tolist())
    line = emoji.samples[emoji.table.modality == 1]
    assert (line == line[:, :1]).all()  # grey
    assert (emoji.samples[emoji.table.modality == 0] != emoji.samples[emoji.table.modality == 0][:, :1]).any()


def test_each_image_has_its_name(emoji, shared_data):
    archive = np.load(shared_data / "emoji-colour-line.npz")
    row = {path: index for index, path in enumerate(emoji.table.path.tolist())}
    for number, name in enumerate(groups()):
        colour, line = (emoji.samples[row[f"{style}/{name}"]] for style in ("colour", "line"))
        assert (colour.transpose(1, 2, 0) == archive["noto_colour"][number]).all()
        assert (line == archive["openmoji_line"][number]).all()


def test_it_is_the_same_each_time(emoji):
    again = load("drawings", "")
    assert again.fingerprint == emoji.fingerprint
    np.testing.assert_array_equal(again.samples, emoji.samples)


@pytest.mark.parametrize("seed", range(5))
def test_splits_share_no_group(emoji, seed):
    split, group = emoji.split(PROTOCOL, seed), groups()
    parts = [
        {emoji.table.identity_names[i] for i in emoji.table.identity[rows]}
        for rows in (split.train, split.test)
    ]
    train, test = parts
    listed = [set((drawings.FOLDER / f"{part}-{seed}.txt").read_text().split()) for part in ("train", "test")]
    assert parts == listed
    assert train | test == set(group) and not train & test
    assert not {group[name] for name in train} & {group[name] for name in test}
    assert 612 <= len(train) <= 614
    assert len(split.train) == 2 * len(train) and len(split.test) == 2 * len(test)


@pytest.mark.parametrize("seed", range(5))
def test_the_lists_follow_the_stated_rule(seed):
    group = {name: int(number) for name, number in groups().items()}
    sizes, taken, count = Counter(group.values()), set(), 0
    for number in np.random.default_rng(seed).permutation(sorted(sizes)):
        if count >= 612:
            break
        taken.add(number)
        count += sizes[number]
    listed = (drawings.FOLDER / f"train-{seed}.txt").read_text().split()
    assert listed == [name for name in group if group[name] in taken]


def test_the_report_names_the_data_and_perfect_features_are_perfect(emoji):
    split = emoji.split(PROTOCOL, 1)
    features = np.eye(1020, dtype=np.float32)[emoji.table.identity[split.test]]
    report = split.evaluate(features)
    assert report.protocol.startswith("emoji unseen-groups") and "split 1 of 0 to 4" in report.protocol
    assert report.metrics["r2v/rank1"] == report.metrics["v2r/map"] == 1


@pytest.mark.parametrize("seed", [5, 77])
def test_a_split_that_does_not_exist_is_refused(emoji, seed):
    with pytest.raises(SpecError, match=rf"5 splits: choose seed 0 to 4, not {seed}"):
        emoji.split(PROTOCOL, seed)


def test_another_size_or_a_folder_is_refused(tmp_path):
    assert load("drawings", size=(64, 64)).samples.shape[2:] == (64, 64)
    with pytest.raises(SpecError, match="64 x 64 pixels, not 32 x 48; leave the size out"):
        load("drawings", size=(32, 48))
    for use in (load, check):
        with pytest.raises(SpecError, match=r"part of the package, so .* is not read; leave the folder out"):
            use("drawings", tmp_path)


@pytest.mark.parametrize("name", ["colour.webp", "line.xz", "names.tsv", "train-3.txt", "SHA256SUMS"])
def test_a_missing_file_is_one_error(copied, name):
    (copied / name).unlink()
    with pytest.raises(DataError, match=rf"{name}: cannot be read .*; install xmodal-lite again"):
        load("drawings")
    assert any(name in problem for problem in check("drawings"))


@pytest.mark.parametrize("name", ["colour.webp", "line.xz", "test-0.txt"])
def test_a_damaged_file_is_one_error(copied, name):
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}: its SHA-256 is not the one in SHA256SUMS; install"):
        load("drawings")
    assert len(check("drawings")) == 1


def test_a_damaged_manifest_is_an_error(copied):
    (copied / "SHA256SUMS").write_bytes(b"\xff\x00 no list\n")
    with pytest.raises(DataError, match="SHA-256 is not the one in SHA256SUMS"):
        load("drawings")


def test_check_counts_what_is_there():
    report = check("drawings")
    assert report == []
    assert report.counts["emoji"] == 1020 and report.counts["splits"] == 5


def test_it_loads_quickly():
    started = time.process_time()
    load("drawings")
    assert time.process_time() - started < 3  # 0.4 s here; generous to a slow machine


def test_what_is_distributed_states_its_terms():
    files = {path.name for path in drawings.FOLDER.iterdir()}
    assert {"LICENSE", "LICENSE.Apache-2.0", "LICENSE.OFL-1.1", "LICENSE.CC-BY-SA-4.0"} <= files
    terms = " ".join((drawings.FOLDER / "LICENSE").read_text(encoding="utf-8").split())
    assert (
        "All emojis designed by OpenMoji - the open-source emoji and icon project. License: CC BY-SA 4.0"
        in terms
    )
    size = sum(path.stat().st_size for path in drawings.FOLDER.iterdir() if "LICENSE" not in path.name)
    assert size <= 4_000_000


def test_other_data_sets_still_need_a_folder():
    with pytest.raises(SpecError, match="'regdb' is not part of the package; give the folder"):
        load("regdb")

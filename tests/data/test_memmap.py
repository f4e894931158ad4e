"""Images left on disk come back as they are, in the order asked for, and leave no page resident."""

import mmap
from pathlib import Path

import numpy as np
import pytest
import torch

from xmodal_lite.data.memmap import MemmapSamples, mapping_of, read_rows, to_device


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (600, 3, 4, 2), dtype=np.uint8)


@pytest.fixture
def stored(images, tmp_path):
    np.save(tmp_path / "samples.npy", images)
    return np.load(tmp_path / "samples.npy", mmap_mode="r")


def test_a_batch_is_what_was_stored(images, stored):
    rows = np.random.default_rng(1).permutation(600)[:500]
    held = MemmapSamples(stored, rows)
    positions = np.array([7, 0, 499, 7])
    assert len(held) == 500
    assert held[positions].dtype == torch.uint8
    assert (held[positions].numpy() == images[rows[positions]]).all()


def test_a_batch_is_a_copy(images, stored):
    MemmapSamples(stored, np.arange(600))[np.arange(3)].zero_()
    assert (stored[:3] == images[:3]).all()


def test_all_pieces_are_loaded(images, stored):
    rows = np.arange(600)[::-1].copy()  # three pieces, the last one short
    assert (MemmapSamples(stored, rows).load(torch.device("cpu")).numpy() == images[rows]).all()


@pytest.mark.parametrize(("free", "fits"), [(2 * 400 * 24, True), (2 * 400 * 24 - 2, False)])
def test_a_gpu_holds_all_of_them_in_half_of_its_free_memory_or_none(stored, monkeypatch, free, fits):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10 * free))
    monkeypatch.setattr(MemmapSamples, "load", lambda self, device: "loaded")
    moved = MemmapSamples(stored, np.arange(400)).to(torch.device("cuda:0"))
    assert (moved == "loaded") is fits
    if not fits:
        assert moved.device == torch.device("cuda:0")


def test_the_cpu_leaves_them_on_disk(stored):
    assert isinstance(MemmapSamples(stored, np.arange(5)).to(torch.device("cpu")), MemmapSamples)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_both_ways_to_a_gpu_agree(images, stored):
    rows, device = np.arange(600)[::-1].copy(), torch.device("cuda")
    expected = torch.from_numpy(images[rows]).to(device)
    assert torch.equal(MemmapSamples(stored, rows).load(device), expected)
    assert torch.equal(MemmapSamples(stored, rows, device)[np.arange(600)], expected)
    assert torch.equal(to_device(rows, device).cpu(), torch.from_numpy(rows))


def test_only_a_whole_file_mapped_to_be_read_counts(stored, tmp_path):
    assert isinstance(mapping_of(stored), mmap.mmap)
    assert mapping_of(stored[2:]) is None
    assert mapping_of(np.asarray(stored)[:]) is None
    assert (
        mapping_of(np.load(tmp_path / "samples.npy", mmap_mode="c")) is None
    )  # what it changed would be lost


def test_a_cache_deleted_meanwhile_can_still_be_read(images, stored, tmp_path):
    (tmp_path / "samples.npy").unlink()
    assert (read_rows(stored, np.array([3])) == images[[3]]).all()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory where Linux tells it")
def test_touched_pages_are_given_back(tmp_path):
    np.save(tmp_path / "samples.npy", np.ones((400, 3, 288, 144), np.uint8))  # 50 MB
    stored, order = (
        np.load(tmp_path / "samples.npy", mmap_mode="r"),
        np.random.default_rng(0).permutation(400),
    )

    def grown(read):
        before = resident()
        for rows in order.reshape(25, 16):
            read(rows)
        return resident() - before

    assert grown(lambda rows: read_rows(stored, rows)) < 8
    assert grown(lambda rows: stored[rows]) > 30  # what happens without


def resident():
    """Resident memory of this process, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

"""A training set gives the same batches from memory and from disk, at any step, in any order of asking."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from xmodal_lite.data.augment_images import ImageAugmentation
from xmodal_lite.data.memmap import MemmapSamples
from xmodal_lite.data.table import SampleTable
from xmodal_lite.models.matcher import Matcher
from xmodal_lite.training import Recipe, TrainingSet, fit

CHANGES = ImageAugmentation(pad=1, flip=0.5, erase=0.5, colour="exchange")
RECIPE = Recipe(steps=12, num_identities=4, num_instances=2, lr=0.01, log_every=2, checkpoint_every=3)


def table(identity, modality):
    n = len(identity)
    return SampleTable(
        path=np.array([f"{i}.png" for i in range(n)]),
        identity=np.asarray(identity, dtype=np.int64),
        camera=np.ones(n, dtype=np.int64),
        modality=np.asarray(modality, dtype=np.int8),
        pair=np.full(n, -1, dtype=np.int64),
        identity_names=tuple(map(str, range(20))),
    )


@pytest.fixture
def people():
    """Ten identities with four images in each modality, in no order."""
    order = np.random.default_rng(0).permutation(80)
    return table(np.tile(np.arange(10), 8)[order], np.repeat([0, 1], 40)[order])


@pytest.fixture
def stored(tmp_path):
    """Images that show their own row number, memory-mapped."""
    images = np.arange(80, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 6, 4), np.uint8)
    np.save(tmp_path / "samples.npy", images)
    return np.load(tmp_path / "samples.npy", mmap_mode="r")


def plain(people, samples, rows=None, seed=3):
    rows = np.arange(80) if rows is None else rows
    data = TrainingSet.from_split(people, samples, rows, RECIPE, seed=seed)
    return replace(data, augmentation=ImageAugmentation())


def test_images_stay_on_disk_and_anything_else_is_copied(people, stored, tmp_path):
    assert isinstance(plain(people, stored).v, MemmapSamples)
    assert isinstance(plain(people, np.array(stored)).v, torch.Tensor)
    np.save(tmp_path / "spectra.npy", np.zeros((80, 1, 5), np.float32))
    spectra = TrainingSet.from_split(
        people, np.load(tmp_path / "spectra.npy", mmap_mode="r"), np.arange(80), RECIPE, seed=0
    )
    assert isinstance(spectra.r, torch.Tensor)
    assert spectra.r.dtype == torch.float32


def test_a_batch_shows_training_rows_of_its_labels_and_modalities(people, stored):
    rows = np.flatnonzero(people.identity >= 4)
    data = plain(people, stored, rows)
    names = np.unique(people.identity[rows])
    assert (data.num_classes, data.steps_per_epoch) == (6, 2)
    for step in range(7):
        batch = data.batch(step)
        for modality, images in enumerate((batch.v, batch.r)):
            assert images.shape == (8, 3, 6, 4)
            assert images.dtype == torch.uint8
            shown = images[:, 0, 0, 0].numpy().astype(int)
            assert np.isin(shown, rows).all()
            assert (people.modality[shown] == modality).all()
            assert (people.identity[shown] == names[batch.labels]).all()
        assert not batch.aligned.any()


def equal(a, b):
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("v", "r", "labels", "aligned"))


def test_the_recipe_says_how_many_pairs_are_of_one_specimen(people, stored):
    pair = np.empty(80, dtype=np.int64)
    for modality in (0, 1):  # each identity has four specimens, each seen once in each modality
        rows = np.flatnonzero(people.modality == modality)
        pair[rows[np.argsort(people.identity[rows], kind="stable")]] = np.arange(40)
    people = replace(people, pair=pair)

    def aligned(share):
        recipe = RECIPE.model_copy(update={"aligned_fraction": share})
        data = TrainingSet.from_split(people, stored, np.arange(80), recipe, seed=3)
        return float(torch.cat([data.batch(step).aligned for step in range(60)]).float().mean())

    by_chance = aligned(0.0)
    assert by_chance < 0.5
    assert aligned(0.5) == pytest.approx((1 + by_chance) / 2, abs=0.08)
    assert aligned(1.0) == 1.0


def test_memory_and_disk_give_the_same_batches(people, stored):
    on_disk, in_memory = plain(people, stored), plain(people, np.array(stored))
    assert all(equal(on_disk.batch(step), in_memory.batch(step)) for step in range(6))


def test_a_step_has_one_batch_whenever_it_is_asked_for(people, stored):
    data = plain(people, stored)
    batches = [data.batch(step) for step in range(9)]
    fresh = plain(people, stored)
    assert all(equal(fresh.batch(step), batches[step]) for step in (8, 2, 5, 2, 0))
    assert not equal(plain(people, stored, seed=4).batch(0), batches[0])


class Toy(Matcher):
    """Two linear maps of the pixels."""

    def __init__(self, fail_at=None):
        super().__init__()
        self.maps = torch.nn.ModuleList([torch.nn.Linear(72, 4), torch.nn.Linear(72, 4)])
        self.fail_at, self.calls = fail_at, 0

    def embed(self, x, modality):
        return F.normalize(self.maps[modality](x.flatten(1) / 255), dim=1)

    def losses(self, batch):
        self.calls += 1
        if self.calls == self.fail_at:
            raise KeyboardInterrupt
        return {"gap": (self.embed(batch.v, 0) - self.embed(batch.r, 1)).square().sum(1).mean()}


def test_a_killed_run_on_images_ends_bit_for_bit_where_the_whole_one_does(people, stored, tmp_path):
    def train(folder, **options):
        torch.manual_seed(1)
        data = replace(plain(people, stored), augmentation=CHANGES)
        return fit(Toy(**options), data, RECIPE, seed=2, folder=folder, owner="me")

    whole = train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", fail_at=8)
    resumed = train(tmp_path / "killed")
    assert resumed.history == whole.history
    for name, value in whole.matcher.state_dict().items():
        assert torch.equal(value, resumed.matcher.state_dict()[name])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_sees_the_same_batches(people, stored, monkeypatch):
    expected = plain(people, stored)
    held = plain(people, stored).to(torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0, 0))
    sent = plain(people, stored).to(torch.device("cuda"))
    assert isinstance(held.v, torch.Tensor)
    assert isinstance(sent.v, MemmapSamples)
    for step in range(3):
        for data in (held, sent):
            batch = data.batch(step)
            assert batch.v.is_cuda
            assert torch.equal(batch.v.cpu(), expected.batch(step).v)
            assert torch.equal(batch.labels.cpu(), expected.batch(step).labels)


def test_identities_that_cannot_be_trained_on_are_refused(people, stored):
    alone = (people.identity == 3) & (people.modality == 1)
    with pytest.raises(ValueError, match=r"identities \[3\] are seen in one modality only"):
        plain(people, stored, np.flatnonzero(~alone))
    with pytest.raises(ValueError, match="two identities or more"):
        plain(people, stored, np.flatnonzero(people.identity == 3))

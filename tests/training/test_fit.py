"""The loop learns, averages, resumes bit for bit, and stops at the first number that is none."""

import copy
import math
import sys
from collections import OrderedDict
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from xmodal_lite.data.sampler import PairSampler
from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments import resolve
from xmodal_lite.losses import adversarial
from xmodal_lite.models import build, model_names
from xmodal_lite.models.discriminator import PatchDiscriminator
from xmodal_lite.models.matcher import Matcher
from xmodal_lite.training import (
    DivergedError,
    Recipe,
    TrainingSet,
    draw_seed,
    fit,
    latest_checkpoint,
    load_checkpoint,
    make_accelerator,
)


class Toy(Matcher):
    """Two linear maps with dropout and batch norm, so that randomness and running statistics are in play."""

    def __init__(self, fail_at=None):
        super().__init__()
        self.maps = torch.nn.ModuleList([torch.nn.Linear(6, 4), torch.nn.Linear(6, 4)])
        self.norm = torch.nn.BatchNorm1d(4)
        self.fail_at, self.calls = fail_at, 0

    def embed(self, x, modality):
        return F.normalize(self.norm(self.maps[modality](F.dropout(x, 0.2, self.training))), dim=1)

    def losses(self, batch):
        self.calls += 1
        f, g = self.embed(batch.v, 0), self.embed(batch.r, 1)
        gap = (f - g).square().sum(1).mean()
        spread = torch.logsumexp(f @ g.T, 1).mean()
        if self.calls == self.fail_at:
            spread = spread * math.nan
        return {"gap": gap, "spread": spread}


SMALL = {"width": 2, "features": 8, "segments": 4}


def recipe(**changes):
    values = {"steps": 24, "num_identities": 5, "num_instances": 2, "lr": 0.02, "ema_decay": 0.9}
    return Recipe(**{**values, "log_every": 4, "checkpoint_every": 6, **changes})


def noise(v, r):
    return v + 0.05 * torch.randn_like(v), r + 0.05 * torch.randn_like(r)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    identity = np.repeat(np.arange(7), 3)
    v = rng.normal(size=(7, 6))[identity] + 0.1 * rng.normal(size=(21, 6))
    sampler = PairSampler(identity, identity, identity, identity, identities=5, samples=2, seed=1)
    return TrainingSet(
        torch.tensor(v).float(), torch.tensor(v @ rng.normal(size=(6, 6))).float(), sampler, noise
    )


def train(data, folder=None, changes=None, **options):
    torch.manual_seed(5)
    return fit(Toy(**options), data, recipe(**(changes or {})), seed=3, folder=folder, owner="me")


def same(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_losses_fall_and_are_logged(data):
    history = train(data, changes={"steps": 200, "log_every": 50}).history
    assert [line["step"] for line in history] == [50, 100, 150, 200]
    assert history[-1]["gap"] < 0.5 * history[0]["gap"]
    assert set(history[0]) == {"step", "rate", "gap", "spread"}


def test_the_tested_weights_are_the_moving_average(data):
    assert not same(train(data).matcher, train(data, changes={"ema_decay": 0}).matcher)
    assert not train(data).matcher.training


def test_moving_average_by_hand():
    from xmodal_lite.training.ema import MovingAverage

    model = Toy()
    average = MovingAverage(model, decay=0.15)
    expected = model.norm.weight.detach().clone()
    for step, keep in enumerate((1 / 10, 0.15, 0.15)):  # (n + 1) / (n + 10) is 0.1, 0.18, 0.25
        with torch.no_grad():
            model.norm.weight += 1.0
            model.norm.running_mean += 2.0
        expected = keep * expected + (1 - keep) * model.norm.weight.detach()
        average.update(step)
    torch.testing.assert_close(average.matcher.norm.weight.detach(), expected)
    assert not torch.equal(average.matcher.norm.running_mean, torch.zeros(4))


@pytest.mark.parametrize("stop", [3, 6, 11, 23])
def test_a_run_that_broke_off_ends_bit_for_bit_the_same(data, tmp_path, stop):
    whole = train(data, tmp_path / "whole")
    with pytest.raises(
        DivergedError
    ):  # a synthetic data set for a kill: everything since the last checkpoint is lost
        train(data, tmp_path / "broken", {"log_every": 1}, fail_at=stop)
    resumed = train(data, tmp_path / "broken")
    assert same(whole.matcher, resumed.matcher)
    if stop == 3:  # nothing had been kept yet
        assert resumed.history == whole.history


def test_a_finished_run_trains_no_further(data, tmp_path):
    first = train(data, tmp_path)
    again = train(data, tmp_path, fail_at=1)
    assert same(first.matcher, again.matcher)


def test_the_moving_average_takes_a_shared_layer_once_and_over_what_starts_as_nan():
    from xmodal_lite.training.ema import MovingAverage

    model = Toy()
    model.alias = model.norm  # one layer, two names
    model.register_buffer("late", torch.full((2,), math.nan))
    average = MovingAverage(model, decay=0.5)
    with torch.no_grad():
        model.norm.weight.fill_(2.0)
        model.late.fill_(3.0)
    average.update(0)  # keeps 1 / 10 of the ones
    torch.testing.assert_close(average.matcher.alias.weight.detach(), torch.full((4,), 0.1 * 1 + 0.9 * 2))
    assert average.matcher.late.tolist() == [3.0, 3.0]


def test_nan_stops_with_the_step_and_the_term(data, tmp_path):
    with pytest.raises(
        DivergedError, match=r"loss 'spread' is nan at step 9\. The last checkpoint is from before"
    ):
        train(data, tmp_path, fail_at=10)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-0000006"]
    with pytest.raises(DivergedError, match=r"step 7\. The last checkpoint is from before"):  # resumed
        train(data, tmp_path, fail_at=2)


def test_nan_claims_no_checkpoint_where_there_is_none(data, tmp_path):
    for folder in (None, tmp_path):
        with pytest.raises(DivergedError, match=r"at step 2\. There is no checkpoint from before it\. Lower"):
            train(data, folder, fail_at=3)


class Overflowing(Toy):
    """Adds, at one step, a root of 0 to a loss: the value stays, and the gradient is none."""

    def losses(self, batch):
        at, self.fail_at = self.fail_at, None
        terms, self.fail_at = super().losses(batch), at
        if self.calls == at:
            terms["gap"] = terms["gap"] + (0 * self.maps[0].weight.sum()).sqrt()
        return terms


def overflow(data, folder, at):
    torch.manual_seed(5)
    fit(Overflowing(fail_at=at), data, recipe(), seed=3, folder=folder, owner="me")


def test_a_broken_update_is_not_kept_though_every_loss_is_finite(data, tmp_path):
    broken = r"after step {} 'maps\.0\.weight' holds numbers that are not finite\. {}"
    with pytest.raises(DivergedError, match=broken.format(11, "The last checkpoint is from before it")):
        overflow(data, tmp_path, at=12)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-0000006"]
    with pytest.raises(DivergedError, match=broken.format(23, "There is no checkpoint")):  # in the last step
        overflow(data, None, at=24)


def test_a_checkpoint_of_another_specification_is_refused(data, tmp_path):
    train(data, tmp_path)
    with pytest.raises(CheckpointError, match="belongs to run me"):
        fit(Toy(), data, recipe(), seed=3, folder=tmp_path, owner="you")


def test_a_checkpoint_of_other_code_or_another_precision_is_refused(data, tmp_path):
    def trained(steps, code, precision):
        accelerator = make_accelerator(precision, "cpu")
        options = {"owner": "me", "code": code, "accelerator": accelerator}
        return fit(Toy(), data, recipe(steps=steps), seed=3, folder=tmp_path, **options)

    trained(6, "c0de", "bf16")
    with pytest.raises(CheckpointError, match=r"by other code \(c0de, not 0ther\)"):
        trained(12, "0ther", "bf16")
    with pytest.raises(CheckpointError, match="trained in bf16, not in float32"):
        trained(12, "c0de", "no")
    assert trained(12, "c0de", "bf16").history[-1]["step"] == 12


def test_weights_scale_the_losses(data):
    a = train(data, changes={"loss_weights": {"spread": 0.0}, "ema_decay": 0, "steps": 1, "warmup": 0})
    b = train(data, changes={"loss_weights": {"spread": 5.0}, "ema_decay": 0, "steps": 1, "warmup": 0})
    assert not same(a.matcher, b.matcher)


@pytest.fixture
def spectra(data):
    return replace(data, v=torch.rand(21, 1, 64), r=torch.rand(21, 1, 64))


def test_the_weight_of_a_loss_that_a_model_lacks_is_refused_before_anything_is_trained(spectra):
    model = build("mun", dims=1, num_classes=7, losses=["id", "tri"], **SMALL)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(SpecError, match=r"that MUN does not have: trip, adv; known: id, ia, ma, tri$"):
        fit(model, spectra, recipe(loss_weights={"trip": 100.0, "adv": 0.0, "id": 1.0}), seed=3)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    switched_off = recipe(steps=1, loss_weights={"ma": 2.0})
    assert set(fit(model, spectra, switched_off, seed=3).history[0]) >= {"id", "tri"}


def test_every_step_has_its_own_seed():
    seeds = {draw_seed(seed, step) for seed in range(20) for step in range(50)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)


class Rolling(Toy):
    """Notes one random number a step."""

    def __init__(self):
        super().__init__()
        self.rolled = []

    def losses(self, batch):
        self.rolled.append(float(torch.rand(())))
        return super().losses(batch)


def test_the_draws_of_a_step_follow_its_seed(data):
    rolling = Rolling()
    fit(rolling, replace(data, augmentation=lambda v, r: (v, r)), recipe(steps=5), seed=3)
    expected = [torch.rand((), generator=torch.Generator().manual_seed(draw_seed(3, s))) for s in range(5)]
    assert rolling.rolled == list(map(float, expected))
    assert len(set(rolling.rolled)) == 5


class Timed(Toy):
    """Takes one second a step by a clock of its own."""

    clock = 0.0

    def losses(self, batch):
        Timed.clock += 1
        return super().losses(batch)


def test_the_time_of_a_run_is_that_of_all_its_sittings(data, tmp_path, monkeypatch):
    monkeypatch.setattr(Timed, "clock", 100.0)
    clock = SimpleNamespace(perf_counter=lambda: Timed.clock)
    monkeypatch.setattr(sys.modules["xmodal_lite.training.fit"], "time", clock)
    for steps in (6, 12, 12):  # the last sitting finds nothing left to do
        fitted = fit(Timed(), data, recipe(steps=steps), seed=3, folder=tmp_path)
        assert fitted.seconds == load_checkpoint(latest_checkpoint(tmp_path), "").seconds == steps


def test_biases_and_scales_do_not_decay():
    from xmodal_lite.training.optimizer import make_optimizer

    decayed, kept = make_optimizer(Toy(), recipe(weight_decay=0.3)).param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.3, 0.0)
    assert {p.ndim for p in decayed["params"]} == {2}
    assert {p.ndim for p in kept["params"]} == {1}


def test_cmunets_offsets_decay():
    from xmodal_lite.training.optimizer import make_optimizer

    model = build("marrnet", dims=1, num_classes=3, **SMALL)
    unet = model.unet
    decayed, _ = make_optimizer(model, recipe(weight_decay=0.3)).param_groups
    assert {id(unet.modality_embedding), id(unet.bottleneck_embedding)} <= {id(p) for p in decayed["params"]}


def test_the_head_group_names_parts_that_models_have():
    from xmodal_lite.training.optimizer import param_groups

    models = [build(name, dims=1, num_classes=3, **SMALL) for name in model_names()]
    models.append(build("enhancing", dims=2, num_classes=3, backbone="resnet10"))
    for part in Matcher.lr_groups["head"]:
        assert any(part in name.split(".") for model in models for name, _ in model.named_parameters())
    for model in models:  # a rate of 1 leaves one group, in the model's own order
        (together,) = param_groups(model, recipe()).values()
        assert list(map(id, together)) == [id(p) for p in model.parameters() if p.requires_grad]


class Discriminating(Matcher):
    """MarrNet's discriminator, in front of images that no cmUNet translates."""

    def __init__(self):
        super().__init__()
        self.discriminator = PatchDiscriminator(2, channels=3)

    def losses(self, batch):
        return {"adv": adversarial(self.discriminator(batch.v), self.discriminator(batch.r))}


def test_the_discriminator_learns_at_the_rates_of_the_paper_recipe(data):
    """White against black: at the rate of pretrained stages, its loss would stay at log 2."""
    from xmodal_lite.training.optimizer import param_groups

    changes = {"steps": 200, "log_every": 200, "precision": "no", "cuda_graph": False}
    paper = resolve("marrnet", "regdb", "paper", changes)
    torch.manual_seed(0)
    model, black = Discriminating(), torch.zeros(21, 3, 16, 16)
    assert list(param_groups(model, paper)) == [paper.lr_multipliers["head"]] == [10.0]
    images = replace(data, v=black + 1, r=black, augmentation=lambda v, r: (v, r))
    assert fit(model, images, paper, seed=3).history[0]["adv"] < 0.8 * math.log(2)


class Watched(Toy):
    """Says how large its first map is, and calls its normalisation a neck."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.Sequential(OrderedDict(neck=self.norm))

    def diagnostics(self):
        return {"size": self.maps[0].weight.abs().mean()}


def test_diagnostics_are_logged_beside_the_losses_and_not_trained_on(data):
    torch.manual_seed(5)
    watched = fit(Watched(), data, recipe(), seed=3)
    assert "size" in watched.history[-1]
    assert watched.history[0]["size"] != watched.history[-1]["size"]
    plain = train(data)
    assert [line["gap"] for line in plain.history] == [line["gap"] for line in watched.history]


def test_sgd_resumes_bit_for_bit_and_trains_the_head_faster(data, tmp_path):
    changes = {
        "optimizer": "sgd",
        "ema_decay": 0,
        "warmup": 0,
        "milestones": (0.5,),
        "lr_multipliers": {"head": 10.0},
    }
    torch.manual_seed(5)
    whole = fit(Watched(), data, recipe(**changes), seed=3).matcher
    for steps in (12, 24):  # 12 steps with the schedule of 24, as a run that was stopped there
        torch.manual_seed(5)
        halves = fit(
            Watched(),
            data,
            recipe(**{**changes, "steps": steps, "milestones": (min(12 / steps, 0.99),)}),
            seed=3,
            folder=tmp_path,
        ).matcher
    assert same(whole, halves)
    torch.manual_seed(5)
    fresh = Watched()
    torch.manual_seed(5)
    slow, fast = (
        fit(
            copy.deepcopy(fresh),
            data,
            recipe(**{**changes, "steps": 1, "lr_multipliers": {"head": rate}}),
            seed=3,
        ).matcher
        for rate in (1.0, 10.0)
    )
    assert torch.equal(slow.maps[0].weight, fast.maps[0].weight)
    moved = [(model.norm.neck.weight - fresh.norm.neck.weight).norm() for model in (slow, fast)]
    assert float(moved[1] / moved[0]) == pytest.approx(10, rel=1e-3)


class Drawing(Toy):
    """The toy behind a map that stands where cmUNet does."""

    lr_groups = Toy.lr_groups | {"unet": ("unet",)}

    def __init__(self):
        super().__init__()
        self.unet = torch.nn.Linear(6, 6)

    def embed(self, x, modality):
        return super().embed(self.unet(x), modality)


def test_cmunet_learns_at_a_rate_of_its_own(data):
    torch.manual_seed(5)
    fresh = Drawing()
    changes = {"optimizer": "sgd", "ema_decay": 0, "warmup": 0, "steps": 1}
    slow, fast = (
        fit(copy.deepcopy(fresh), data, recipe(**changes, lr_multipliers={"unet": rate}), seed=3).matcher
        for rate in (1.0, 5.0)
    )
    assert torch.equal(slow.maps[0].weight, fast.maps[0].weight)
    moved = [(model.unet.weight - fresh.unet.weight).norm() for model in (slow, fast)]
    assert moved[0] > 0
    assert float(moved[1] / moved[0]) == pytest.approx(5, rel=1e-3)


class Apart(Matcher):
    """A linear map whose loss is a mean over samples: no sample has to do with another."""

    def __init__(self):
        super().__init__()
        self.map = torch.nn.Linear(6, 4)

    def embed(self, x, modality):
        return F.normalize(self.map(x), dim=1)

    def losses(self, batch):
        return {"gap": (self.embed(batch.v, 0) - self.embed(batch.r, 1)).square().sum(1).mean()}


def train_apart(data, **changes):
    torch.manual_seed(5)
    settings = {"num_identities": 4, "optimizer": "sgd", "ema_decay": 0, **changes}
    data = replace(
        data, sampler=PairSampler(*[np.repeat(np.arange(7), 3)] * 4, identities=4, samples=2, seed=1)
    )
    return fit(Apart(), data, recipe(**settings), seed=3)


def test_a_step_in_parts_has_the_gradient_of_the_whole_where_samples_do_not_meet(data):
    whole, halves = train_apart(data), train_apart(data, grad_accumulation=2)
    for name, value in whole.matcher.state_dict().items():
        torch.testing.assert_close(halves.matcher.state_dict()[name], value)
    assert halves.history[-1]["gap"] == pytest.approx(whole.history[-1]["gap"], rel=1e-5)


def test_parts_that_do_not_come_out_even_are_refused_before_anything_is_trained(data):
    with pytest.raises(SpecError, match="4 identities a step cannot be dealt out to 3 parts of 1 processes"):
        train_apart(data, grad_accumulation=3)


def test_a_compiled_run_trains_the_same(data, monkeypatch):
    """By the compiler's first stage, which needs no C++ compiler; the last stage only fuses."""
    called, compiler = [], torch.compile

    def first_stage(function, **options):
        called.append(options)
        return compiler(function, backend="eager", **options)

    monkeypatch.setattr(torch, "compile", first_stage)
    plain, compiled = train_apart(data), train_apart(data, compile=True)
    assert called == [{"dynamic": False}]
    for name, value in plain.matcher.state_dict().items():
        torch.testing.assert_close(compiled.matcher.state_dict()[name], value)


def test_the_scale_of_fp16_is_kept_for_a_resumed_run(data, tmp_path):
    def trained(steps, scale):
        accelerator = make_accelerator(device="cpu")
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        torch.manual_seed(5)
        fit(Toy(), data, recipe(steps=steps), seed=3, folder=tmp_path, accelerator=accelerator)
        return accelerator.scaler

    trained(6, 8.0)
    state = load_checkpoint(latest_checkpoint(tmp_path), "").scaler
    assert state["scale"] == 8.0
    assert trained(12, 4.0).get_scale() == 8.0

"""MUN: its auxiliary modality and its losses by hand, what each piece does to the gradient, what is refused."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from xmodal_lite.losses import identity_alignment, modality_alignment, weighted_triplet
from xmodal_lite.models import Batch, build
from xmodal_lite.models.auxiliary import Mixup, Unify, make_auxiliary

SMALL = {1: {"width": 4, "features": 16, "segments": 16, "dropout": 0.0}, 2: {"backbone": "resnet10"}}
SPECTRA, IMAGES = ("unify", "none", "mixup"), ("unify", "none", "mixup", "grey", "x", "middle")
OFFERED = [(1, name) for name in SPECTRA] + [(2, name) for name in IMAGES]
CONVOLVE = {1: F.conv1d, 2: F.conv2d}
HALVE = {1: F.avg_pool1d, 2: F.avg_pool2d}
POOL = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d}


def make(dims=2, seed=0, **options):
    torch.manual_seed(seed)
    return build("mun", dims=dims, num_classes=3, **SMALL[dims], **options)


def pairs(dims=2, identities=3, samples=2, seed=1):
    torch.manual_seed(seed)
    labels = torch.arange(identities).repeat_interleave(samples)
    size = (len(labels), 1, 128) if dims == 1 else (len(labels), 3, 32, 16)
    v, r = (torch.rand(size) if dims == 1 else torch.randint(256, size, dtype=torch.uint8) for _ in range(2))
    return Batch(v, r, labels, torch.zeros(len(labels), dtype=torch.bool))


def gradient(model, batch):
    """Return what reaches the first shared weights in the first step."""
    sum(model(batch).values()).backward()
    return next(p for p in model.extractor.backbone.last.parameters()).grad


@pytest.mark.parametrize(("dims", "auxiliary"), OFFERED)
def test_shapes_names_and_no_dead_parameter(dims, auxiliary):
    model, batch = make(dims, auxiliary=auxiliary), pairs(dims)
    f = model.features(batch)
    parts = 2 if auxiliary == "none" else 3
    assert f.shape == (parts * 6, model.extractor.features)
    losses = model(batch)
    assert list(losses) == ["id", "ia", "ma", "tri"]
    assert all(loss.shape == () and loss.isfinite() for loss in losses.values())
    for modality, x in enumerate((batch.v, batch.r)):
        torch.testing.assert_close(model.embed(x, modality).norm(dim=1), torch.ones(6))
    sum(losses.values()).backward()
    assert not [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not [n for n, p in model.named_parameters() if p.ndim > 1 and not p.grad.any()]


@pytest.mark.parametrize(("dims", "size"), [(1, (9,)), (1, (16,)), (2, (7, 5)), (2, (24, 12))])
def test_auxiliary_is_the_formula(dims, size):
    """As it is written down: three convolutions a learner, and levels repeated, stacked, then mixed."""
    torch.manual_seed(0)
    unify = Unify(dims, 4).double()
    with torch.no_grad():
        for scale in (unify.alpha, unify.beta):
            scale.normal_()
    z = torch.randn(2, 3, 4, *size, dtype=torch.float64)
    y = [HALVE[dims](each, 2, ceil_mode=True) for each in z]

    def intra(y, learner):
        each = [
            CONVOLVE[dims](y, layer.weight, padding=size // 2, groups=4)
            for size, layer in zip((3, 5, 7), learner.depthwise, strict=True)
        ]
        return CONVOLVE[dims](sum(each), learner.pointwise.weight)

    u = CONVOLVE[dims](torch.cat(y, dim=1), unify.cross.mix.weight)
    levels = [F.interpolate(POOL[dims](u, cells), size=u.shape[2:]) for cells in (1, 2, 4)]
    weight = torch.cat([layer.weight for layer in [unify.cross.fuse, *unify.cross.levels]], dim=1)
    shape = (-1, *[1] * dims)
    added = unify.alpha.view(shape) * (intra(y[0], unify.intra[0]) + intra(y[1], unify.intra[1])) / 2
    added += unify.beta.view(shape) * CONVOLVE[dims](torch.cat([u, *levels], dim=1), weight)
    by_hand = (z[0] + z[1]) / 2 + F.interpolate(added, size=size)
    torch.testing.assert_close(unify(z[0], z[1]), by_hand)


def test_without_learners_it_is_the_mean_of_the_pair():
    z_v, z_r = torch.rand(2, 3, 4, 8, 4)
    assert torch.equal(Unify(2, 4, learners=())(z_v, z_r), (z_v + z_r) / 2)


def test_mixup_has_one_share_for_each_pair():
    torch.manual_seed(0)
    z_v, z_r = torch.rand(2, 50, 4, 6)
    share = (Mixup()(z_v, z_r) - z_r) / (z_v - z_r)
    torch.testing.assert_close(share, share[:, :1, :1].expand_as(share), rtol=0.01, atol=0.01)
    assert share.min() > -0.01
    assert share.max() < 1.01
    assert share[:, 0, 0].std() == pytest.approx(12**-0.5, abs=0.05)


def test_images_by_hand():
    batch = pairs()
    grey = {m: x.double() / 255 for m, x in (("v", batch.v), ("r", batch.r))}
    grey = {m: (0.299 * x[:, :1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:]).float() for m, x in grey.items()}
    with torch.no_grad():
        made = {name: make_auxiliary(name, 2, 64)(batch.v, batch.r) for name in ("grey", "x", "middle")}
    for name in ("grey", "x"):
        torch.testing.assert_close(made[name], grey["v"].expand(-1, 3, -1, -1))
    for i in range(6):
        torch.testing.assert_close(made["middle"][i], grey["v" if i % 2 == 0 else "r"][i].expand(3, -1, -1))


def test_middle_images_have_two_encoders_and_one_decoder():
    middle = make_auxiliary("middle", 2, 64)
    assert sum(p.numel() for p in middle.parameters()) == 2 * 4 + 6


@pytest.mark.parametrize("dims", [1, 2])
def test_losses_by_hand(dims):
    model, batch = make(dims), pairs(dims)
    losses, f = model(batch), model.features(batch)
    labels, modality = batch.labels.repeat(3), torch.arange(3).repeat_interleave(6)
    h = F.normalize(f, dim=1)
    q, s = h[12:].mean(dim=0), h[12:].std(dim=0, correction=0)
    by_hand = {
        "id": F.cross_entropy(model.extractor.neck(f) @ model.classifier.weight.T, labels),
        "ia": identity_alignment(f, labels, modality),
        "ma": sum(
            (x.mean(dim=0) - q).square().sum() + (x.std(dim=0, correction=0) - s).square().sum()
            for x in (h[:6], h[6:12])
        ),
        "tri": weighted_triplet(f, labels),
    }
    for name, value in by_hand.items():
        torch.testing.assert_close(losses[name], value, rtol=1e-4, atol=1e-6)


def test_prototypes_by_hand_for_three_steps():
    model = make(1)
    batches = [pairs(1, seed=seed) for seed in range(3)]
    mean = std = None
    for batch in batches:
        with torch.no_grad():
            h = F.normalize(model.features(batch), dim=1)[12:]
            model(batch)
        now = h.mean(dim=0), h.std(dim=0, correction=0)
        mean, std = now if mean is None else (0.9 * mean + 0.1 * now[0], 0.9 * std + 0.1 * now[1])
        torch.testing.assert_close(model.prototype_mean, mean)
        torch.testing.assert_close(model.prototype_std, std)
    saved = model.state_dict()
    other = make(1, seed=5)
    other.load_state_dict(saved)
    assert torch.equal(other.prototype_mean, model.prototype_mean)
    assert torch.equal(other(batches[0])["ma"], model(batches[0])["ma"])


def test_prototypes_rest_in_evaluation_and_take_no_gradient():
    model, batch = make(1), pairs(1)
    model(batch)
    before = model.prototype_mean.clone()
    model.eval()(batch)
    assert torch.equal(model.prototype_mean, before)
    assert not model.prototype_mean.requires_grad


def test_without_an_auxiliary_modality_both_together_are_the_prototype():
    model, batch = make(1, auxiliary="none"), pairs(1)
    loss, f = model(batch)["ma"], F.normalize(model.features(batch), dim=1)
    torch.testing.assert_close(model.prototype_mean, f.mean(dim=0))
    expected = modality_alignment(f[:6], f[6:], f.mean(dim=0), f.std(dim=0, correction=0))
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-6)


PIECES = [
    (1, {"losses": ("id", "ia", "tri")}),
    (1, {"losses": ("id", "ma", "tri")}),
    (1, {"losses": ("ia", "ma", "tri")}),
    (1, {"losses": ("id", "ia", "ma")}),
    (1, {"learners": ("intra",)}),
    (1, {"learners": ("cross",)}),
    (1, {"auxiliary": "none"}),
    (1, {"auxiliary": "mixup"}),
    *((2, {"auxiliary": name}) for name in ("grey", "x", "middle")),
]


@pytest.mark.parametrize(("dims", "other"), PIECES)
def test_every_piece_changes_the_gradient_of_the_backbone(dims, other):
    whole, part, batch = make(dims), make(dims, **other), pairs(dims)
    part.load_state_dict(whole.state_dict(), strict=False)
    full = gradient(whole, batch)
    assert (full - gradient(part, batch)).norm() > 1e-3 * full.norm()


def test_losses_that_are_off_cost_nothing():
    model = make(1, losses=("tri",), auxiliary="none")
    assert model.classifier is None
    assert list(model(pairs(1))) == ["tri"]
    assert not [name for name in model.state_dict() if "prototype" in name]


@pytest.mark.parametrize("dims", [1, 2])
def test_embedding_does_not_know_the_generator(dims):
    model, x = make(dims).eval(), pairs(dims).v
    before = model.embed(x, 0)
    model.auxiliary, model.classifier = None, None
    assert torch.equal(model.embed(x, 0), before)


def test_gauge_is_the_ratio_of_the_layer_scales():
    model = make(1)
    assert model.diagnostics()["ratio"].item() == pytest.approx(1)
    with torch.no_grad():
        model.auxiliary.alpha.copy_(torch.linspace(-1, 1, 32))
        model.auxiliary.beta.fill_(-0.25)
    expected = model.auxiliary.alpha.abs().mean().item() / 0.25
    assert model.diagnostics()["ratio"].item() == pytest.approx(expected)
    for options in ({"learners": ("intra",)}, {"auxiliary": "mixup"}, {"auxiliary": "none"}):
        assert make(1, **options).diagnostics() == {}


def test_generator_is_light():
    model = make()
    count = sum(p.numel() for p in model.auxiliary.parameters())
    intra = 2 * (64 * (9 + 25 + 49) + 64 * 64)
    cross = 2 * 64 * 64 + 64 * 64 + 3 * 64 * 64
    assert count == intra + cross + 2 * 64
    assert count < 0.01 * sum(p.numel() for p in model.extractor.parameters())


@pytest.mark.parametrize(("dims", "auxiliary"), [(1, "unify"), (1, "mixup"), (2, "unify")])
def test_repeats_bit_for_bit(dims, auxiliary):
    def trained():
        model, batch = make(dims, auxiliary=auxiliary), pairs(dims)
        optimizer = torch.optim.SGD(model.parameters(), 1e-2)
        for _ in range(2):
            optimizer.zero_grad()
            losses = model(batch)
            sum(losses.values()).backward()
            optimizer.step()
        return losses | model.state_dict()

    first, second = trained(), trained()
    assert all(torch.equal(first[name], second[name]) for name in first)


def broken(**changes):
    return replace(pairs(1), **changes)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (pairs(1, identities=0), "is empty"),
        (broken(v=torch.zeros(0, 1, 128)), "has no v"),
        (broken(r=torch.zeros(0, 1, 128)), "has no r"),
        (broken(r=torch.zeros(9, 1, 128)), "6 of v, 9 of r"),
        (pairs(1, identities=1), "one identity alone"),
    ],
    ids=["empty", "no v", "no r", "different K", "one identity"],
)
def test_bad_batches_are_refused(batch, words):
    with pytest.raises(ValueError, match=words):
        make(1)(batch)


def test_nan_reaches_every_loss():
    """The trainer stops at the first NaN; nothing may hide it."""
    model, batch = make(1), pairs(1)
    losses = model(replace(batch, v=torch.full_like(batch.v, torch.nan)))
    assert all(loss.isnan() for loss in losses.values())


@pytest.mark.parametrize(
    ("dims", "options", "words"),
    [
        (2, {"auxiliary": "green"}, "unknown auxiliary 'green'; known: unify, none, mixup, grey, x, middle"),
        (1, {"auxiliary": "grey"}, "recolours images, and spectra have no colours; use unify, none, mixup"),
        (1, {"auxiliary": "x"}, "spectra have no colours"),
        (1, {"auxiliary": "middle"}, "spectra have no colours"),
        (2, {"learners": ["inter"]}, r"unknown learners \['inter'\]; known: intra, cross"),
        (2, {"losses": ["id", "gan"]}, r"unknown losses \['gan'\]; known: id, ia, ma, tri"),
        (2, {"losses": ["ma"]}, "nothing would tell identities apart: switch on id or ia or tri"),
        (3, {}, "not 3"),
    ],
)
def test_bad_options_are_refused(dims, options, words):
    with pytest.raises(ValueError, match=words):
        build("mun", dims=dims, num_classes=3, **options)

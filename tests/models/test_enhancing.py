"""The enhancing network: its losses by hand, what each piece does to the gradient, what is dropped, what is refused."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from xmodal_lite.losses import batch_hard_triplet, mmd, weighted_triplet
from xmodal_lite.models import Batch, build

SMALL = {1: {"width": 4, "features": 16, "segments": 16, "dropout": 0.0}, 2: {"backbone": "resnet10"}}
NAMES = ["id", "tri", "dc", "intra"]


def make(dims=1, seed=0, **options):
    torch.manual_seed(seed)
    return build("enhancing", dims=dims, num_classes=3, **SMALL[dims], **options)


def pairs(dims=1, identities=3, samples=2):
    torch.manual_seed(1)
    labels = torch.arange(identities).repeat_interleave(samples)
    size = (len(labels), 1, 128) if dims == 1 else (len(labels), 3, 48, 16)
    v, r = (torch.rand(size) if dims == 1 else torch.randint(256, size, dtype=torch.uint8) for _ in range(2))
    return Batch(v, r, labels, torch.zeros(len(labels), dtype=torch.bool))


def trunk(model, batch):
    """Return the map before the last stage, (2N, C, ...), and f (2N, D)."""
    backbone = model.extractor.backbone
    z = backbone.trunk(torch.cat([backbone.stem(batch.v, 0), backbone.stem(batch.r, 1)]))
    return z, backbone.pool(backbone.last(z))


def moments(f):
    return f.mean(dim=0), f.std(dim=0, correction=0)


def w2(f_v, f_r):
    (mean_v, std_v), (mean_r, std_r) = moments(f_v), moments(f_r)
    return (mean_v - mean_r).square().sum() + (std_v - std_r).square().sum()


@pytest.mark.parametrize("dims", [1, 2])
def test_shapes_names_and_no_dead_parameter(dims):
    model, batch = make(dims), pairs(dims)
    losses = model(batch)
    assert list(losses) == NAMES
    assert all(loss.shape == () and loss.isfinite() for loss in losses.values())
    for modality, x in enumerate((batch.v, batch.r)):
        f = model.embed(x, modality)
        assert f.shape == (6, model.extractor.features)
        torch.testing.assert_close(f.norm(dim=1), torch.ones(6))
    sum(losses.values()).backward()
    assert not [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not [n for n, p in model.named_parameters() if p.ndim > 1 and not p.grad.any()]


@pytest.mark.parametrize(("dims", "pooled"), [(1, True), (2, True), (2, False)])
def test_losses_by_hand(dims, pooled):
    model, batch = make(dims, pooled=pooled), pairs(dims)
    losses, (z, f) = model(batch), trunk(model, batch)
    both = batch.labels.repeat(2)
    intra = 0
    for branch, part in zip(model.branches, (z[:6], z[6:]), strict=True):
        if dims == 2 and pooled:  # maps of 3 x 1: a mean of two, and one that stands alone
            part = torch.stack([part[:, :, :2].mean(dim=2), part[:, :, 2]], dim=2)
        own = model.extractor.backbone.pool(branch.last(part))
        g = (own - own.mean(dim=0)) / (own.var(dim=0, correction=0) + 1e-5).sqrt()
        intra += F.cross_entropy(g @ branch.classifier.weight.T, batch.labels)
        intra += batch_hard_triplet(own, batch.labels)
    by_hand = {
        "id": F.cross_entropy(model.extractor.neck(f) @ model.classifier.weight.T, both),
        "tri": weighted_triplet(f, both),
        "dc": w2(*F.normalize(model.extractor.neck(f), dim=1).chunk(2)),
        "intra": intra,
    }
    for name, value in by_hand.items():
        torch.testing.assert_close(losses[name], value, rtol=1e-4, atol=1e-6)


def test_consistency_by_hand():
    model, batch = make(), pairs()
    _, f = trunk(model, batch)
    f_v, f_r = F.normalize(model.extractor.neck(f), dim=1).detach().chunk(2)
    one, other = (torch.distributions.Normal(*moments(part)) for part in (f_v, f_r))
    kl = torch.distributions.kl_divergence
    by_hand = {
        "w2": w2(f_v, f_r),
        "mean": (one.mean - other.mean).square().sum(),
        "kl": (kl(one, other) + kl(other, one)).mean() / 2,
        "mmd": mmd(f_v, f_r),
        "per-identity": sum(w2(f_v[i : i + 2], f_r[i : i + 2]) for i in (0, 2, 4)) / 3,
    }
    values = {}
    for name in by_hand:
        model = make(consistency=name)
        values[name] = model(batch)["dc"].detach()
        torch.testing.assert_close(values[name], by_hand[name], rtol=1e-4, atol=1e-6)
    assert len({round(value.item(), 5) for value in values.values()}) == len(by_hand)


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("left_out", NAMES)
def test_every_piece_changes_the_gradient_of_the_backbone(dims, left_out):
    def gradient(losses):
        model = make(dims, losses=losses)
        sum(model(pairs(dims)).values()).backward()
        backbone = model.extractor.backbone
        parts = (*backbone.stems.parameters(), *backbone.trunk.parameters())
        return torch.cat([p.grad.flatten() for p in parts])

    full, without = gradient(NAMES), gradient([name for name in NAMES if name != left_out])
    assert (full - without).norm() > 1e-3 * full.norm()


def test_each_branch_sees_its_own_modality_alone():
    """The gradient of one modality's branch loss reaches that modality's stem, and not the other's."""
    model, batch = make(), pairs()
    model.eval()  # the trunk's batch statistics would tie the two
    z, _ = trunk(model, batch)
    backbone = model.extractor.backbone
    for modality, part in enumerate(z.chunk(2)):
        model.zero_grad()
        model.branches[modality](part, batch.labels, backbone.pool).backward(retain_graph=True)
        seen = [
            any(p.grad is not None and p.grad.any() for p in stem.parameters()) for stem in backbone.stems
        ]
        assert seen == [modality == 0, modality == 1]
        assert all(p.grad is None for p in backbone.last.parameters())
        assert all(p.grad is None for p in model.branches[1 - modality].parameters())


def test_branches_start_as_copies_and_go_their_own_way():
    model = make()
    shared, *own = (
        [*stage.parameters()] for stage in (model.extractor.backbone.last, *(b.last for b in model.branches))
    )
    for copy in own:
        assert all(torch.equal(a, b) for a, b in zip(shared, copy, strict=True))
    pointers = [p.data_ptr() for stage in (shared, *own) for p in stage]
    assert len(set(pointers)) == len(pointers)


@pytest.mark.parametrize("dims", [1, 2])
def test_embedding_does_not_know_the_branches(dims):
    model, x = make(dims).eval(), pairs(dims).v
    before = model.embed(x, 0)
    with torch.no_grad():
        for parameter in model.branches.parameters():
            parameter.fill_(torch.nan)
    assert torch.equal(model.embed(x, 0), before)
    model.branches, model.classifier = None, None
    assert torch.equal(model.embed(x, 0), before)


def test_the_shared_part_is_the_two_stream_network():
    """One seed gives both the same weights, so that a difference of two rows is a difference of method."""
    batch, model = pairs(2), make(2, losses=["id", "tri"])
    torch.manual_seed(0)
    baseline = build("two-stream", dims=2, num_classes=3, **SMALL[2])
    assert baseline.state_dict().keys() == model.state_dict().keys()
    for name, loss in baseline(batch).items():
        assert torch.equal(loss, model(batch)[name])


def test_losses_that_are_off_cost_nothing():
    model = make(losses=["tri"])
    assert model.classifier is None
    assert len(model.branches) == 0
    assert list(model(pairs())) == ["tri"]


def test_extra_parameters_are_two_last_stages_with_neck_and_classifier():
    model = make(2)
    last = sum(p.numel() for p in model.extractor.backbone.last.parameters())
    extra = sum(p.numel() for p in model.branches.parameters())
    assert extra == 2 * (last + 2 * 512 + 3 * 512)


@pytest.mark.parametrize("dims", [1, 2])
def test_repeats_bit_for_bit(dims):
    def trained():
        model, batch = make(dims), pairs(dims)
        optimizer = torch.optim.SGD(model.parameters(), 1e-2)
        for _ in range(2):
            optimizer.zero_grad()
            losses = model(batch)
            sum(losses.values()).backward()
            optimizer.step()
        return losses | model.state_dict()

    first, second = trained(), trained()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("dims", [1, 2])
def test_mixed_precision_keeps_the_losses_in_full(dims):
    model, batch = make(dims), pairs(dims)
    plain = model(batch)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model(batch)
    assert all(loss.dtype == torch.float32 for loss in mixed.values())
    for name, loss in plain.items():
        torch.testing.assert_close(mixed[name], loss, rtol=0.2, atol=0.05)


def broken(**changes):
    return replace(pairs(), **changes)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (pairs(identities=0), "is empty"),
        (broken(v=torch.zeros(0, 1, 128)), "has no v"),
        (broken(r=torch.zeros(0, 1, 128)), "has no r"),
        (broken(r=torch.zeros(9, 1, 128)), "6 of v, 9 of r"),
        (pairs(identities=1), "one identity alone"),
    ],
    ids=["empty", "no v", "no r", "different K", "one identity"],
)
def test_bad_batches_are_refused(batch, words):
    with pytest.raises(ValueError, match=words):
        make()(batch)


def test_nan_reaches_every_loss():
    """The trainer stops at the first NaN; nothing may hide it."""
    model, batch = make(), pairs()
    losses = model(replace(batch, v=torch.full_like(batch.v, torch.nan)))
    assert all(loss.isnan() for loss in losses.values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"losses": ["id", "gan"]}, r"unknown losses \['gan'\]; known: id, tri, dc, intra"),
        ({"losses": ["intra", "dc"]}, "nothing would tell identities apart: switch on id or tri"),
        (
            {"consistency": "wasserstein"},
            "unknown consistency 'wasserstein'; known: w2, mean, kl, mmd, per-id",
        ),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        make(**options)

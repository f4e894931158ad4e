"""What every loss across modalities has in common, whatever its formula."""

import math

import pytest
import torch

from xmodal_lite.losses import (
    batch_hard_triplet,
    gaussian_consistency,
    hetero_center,
    hetero_center_triplet,
    identity_alignment,
    mmd,
    modality_alignment,
    weighted_triplet,
)

WITHOUT_MODALITY = {"weighted_triplet": weighted_triplet, "batch_hard_triplet": batch_hard_triplet}
WITH_MODALITY = {
    "hetero_center": hetero_center,
    "hetero_center_triplet": hetero_center_triplet,
    "identity_alignment": identity_alignment,
}
OF_TWO_SETS = {  # the last argument: the labels of both
    "mmd": lambda x, y, _: mmd(x, y),
    "modality_alignment": lambda x, y, _: modality_alignment(x, y, torch.zeros(5), torch.ones(5)),
}
for kind in ("w2", "mean", "kl"):
    OF_TWO_SETS[kind] = lambda x, y, _, kind=kind: gaussian_consistency(x, y, kind)
    OF_TWO_SETS[f"{kind} per identity"] = lambda x, y, labels, kind=kind: gaussian_consistency(
        x, y, kind, labels
    )

# One form for all: embeddings, labels, modality.
LOSSES = {
    **{name: lambda e, y, m, f=f: f(e, y) for name, f in WITHOUT_MODALITY.items()},
    **WITH_MODALITY,
    **{
        name: lambda e, y, m, f=f: f(e[m == 0], e[m == 1], (y[m == 0], y[m == 1]))
        for name, f in OF_TWO_SETS.items()
    },
}
ALL = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def batch(scale=1.0, seed=0):
    """Four identities, two samples of each in each of two modalities."""
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(16, 5, generator=generator), torch.arange(4).repeat(4), torch.arange(16) // 8


@ALL
def test_order_of_the_batch_does_not_matter(loss):
    x, labels, modality = batch()
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    assert loss(x, labels, modality) > 0
    torch.testing.assert_close(loss(x[order], labels[order], modality[order]), loss(x, labels, modality))


@ALL
def test_modalities_can_be_exchanged(loss):
    x, labels, modality = batch()
    torch.testing.assert_close(loss(x, labels, 1 - modality), loss(x, labels, modality))


@ALL
def test_names_of_the_identities_do_not_matter(loss):
    x, labels, modality = batch()
    names = torch.tensor([70, -2, 10**12, 5])
    torch.testing.assert_close(loss(x, names[labels], modality), loss(x, labels, modality))


@pytest.mark.parametrize(
    "name", [name for name in LOSSES if name not in {*WITHOUT_MODALITY, "modality_alignment"}]
)
def test_is_zero_where_the_modalities_coincide(name):
    """The triplet losses also need identities further apart than the margin."""
    x, labels, modality = batch()
    x = x + 100 * torch.eye(5)[labels]
    x[8:] = x[:8]
    assert float(LOSSES[name](x, labels, modality)) == pytest.approx(0, abs=1e-6)


@ALL
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e-4, 1e4])
def test_is_finite_at_extremes(loss, scale):
    x, labels, modality = batch(scale)
    x.requires_grad_()
    value = loss(x, labels, modality)
    value.backward()
    assert value.isfinite()
    assert x.grad.isfinite().all()


@ALL
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scale", [1.0, 1e3])  # squares of the latter overflow in float16
def test_of_16_bits_is_computed_in_float32(loss, kind, scale):
    x, labels, modality = batch(scale)
    x = x.to(kind).requires_grad_()
    same = x.detach().float().requires_grad_()
    value, expected = loss(x, labels, modality), loss(same, labels, modality)
    assert torch.equal(value, expected)
    value.backward()
    expected.backward()
    assert same.grad.any()
    torch.testing.assert_close(
        x.grad, same.grad.to(kind), rtol=1e-2, atol=1e-2 * float(same.grad.abs().max())
    )


@ALL
def test_one_identity_has_a_finite_value_and_gradient(loss):
    x, _, modality = batch()
    x.requires_grad_()
    value = loss(x, torch.zeros(16, dtype=torch.long), modality)
    value.backward()
    assert value.isfinite()
    assert x.grad.isfinite().all()


@ALL
def test_nan_stays_nan(loss):
    x, labels, modality = batch()
    x[3, 1] = math.nan
    assert loss(x, labels, modality).isnan()


@ALL
@pytest.mark.parametrize("row", range(5))
def test_nan_stays_nan_where_its_sample_has_no_partner(loss, row):
    """Identity 2 is seen once, so no term of its own counts."""
    x, modality = batch()[0][:5], torch.tensor([0, 1, 0, 1, 0])
    x[row, 1] = math.nan
    assert loss(x, torch.tensor([0, 0, 1, 1, 2]), modality).isnan()


@pytest.mark.parametrize("name", ["batch_hard_triplet", "hetero_center_triplet", "identity_alignment"])
def test_triplets_of_one_identity_are_zero(name):
    x, _, modality = batch()
    x.requires_grad_()
    value = LOSSES[name](x, torch.zeros(16, dtype=torch.long), modality)
    value.backward()
    assert value.item() == 0
    assert (x.grad == 0).all()


@pytest.mark.parametrize("loss", WITH_MODALITY.values(), ids=WITH_MODALITY)
@pytest.mark.parametrize("only", [0, 1])
def test_without_a_modality_it_is_zero(loss, only):
    x, labels, _ = batch()
    x.requires_grad_()
    value = loss(x, labels, torch.full((16,), only))
    value.backward()
    assert value.item() == 0
    assert (x.grad == 0).all()


@pytest.mark.parametrize("loss", OF_TWO_SETS.values(), ids=OF_TWO_SETS)
@pytest.mark.parametrize("shapes", [((0, 5), (4, 5)), ((4, 5), (0, 5)), ((4, 5), (4, 6)), ((4,), (4,))])
def test_sets_are_checked(loss, shapes):
    with pytest.raises(ValueError, match="need"):
        loss(*(torch.zeros(shape) for shape in shapes), [torch.zeros(shape[0]) for shape in shapes])


@pytest.mark.parametrize("loss", WITH_MODALITY.values(), ids=WITH_MODALITY)
@pytest.mark.parametrize("sizes", [(0, 0, 0), (4, 3, 4), (4, 4, 3)])
def test_rows_are_checked(loss, sizes):
    x, (labels, modality) = torch.zeros(sizes[0], 5), (torch.zeros(n, dtype=torch.long) for n in sizes[1:])
    with pytest.raises(ValueError, match=r"need embeddings \(N, D\), labels \(N,\) and modality"):
        loss(x, labels, modality)


@pytest.mark.parametrize("loss", WITHOUT_MODALITY.values(), ids=WITHOUT_MODALITY)
@pytest.mark.parametrize("shapes", [((0, 5), (0,)), ((4, 5), (3,)), ((4,), (4,))])
def test_rows_without_modality_are_checked(loss, shapes):
    with pytest.raises(ValueError, match="need embeddings"):
        loss(*(torch.zeros(shape) for shape in shapes))

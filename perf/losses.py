"""Time of the losses, forward and backward, against a plain version of what public re-identification code does.

    python perf/losses.py --threads 2
    python perf/losses.py --device cuda --output results/perf/losses-cuda.json

Both versions get the same embeddings and must agree, value and gradient. The plain ones are lean versions of our own:
they walk through anchors or identities in Python, or lay all differences out at once, where public code does. The
plain weighted triplet loss does neither; its distances by a matrix product are as fast as ours, and wrong between
points that lie close together and far out. Times are the best of several runs. Takes half a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from _table import Row, compared, print_and_store, time_of
from torch import Tensor

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

MARGIN = 0.3
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]  # embeddings, labels, modality


def distances_by_product(x: Tensor) -> Tensor:
    """Euclidean distances from squares and one matrix product."""
    squares = x.square().sum(dim=1, keepdim=True)
    return torch.addmm(squares + squares.T, x, x.T, alpha=-2).clamp_min(1e-12).sqrt()


def plain_batch_hard(x: Tensor, labels: Tensor, modality: Tensor) -> Tensor:
    """Walk through the anchors."""
    distances = distances_by_product(x)
    same = labels[:, None] == labels[None, :]
    furthest = torch.stack([distances[i][same[i]].max() for i in range(len(x))])
    nearest = torch.stack([distances[i][~same[i]].min() for i in range(len(x))])
    return (furthest - nearest + MARGIN).relu().mean()


def plain_weighted(x: Tensor, labels: Tensor, modality: Tensor) -> Tensor:
    """Weigh whole rows by masked exponentials."""
    distances = distances_by_product(x)
    positive = (labels[:, None] == labels[None, :]).float() - torch.eye(len(x), device=x.device)
    negative = (labels[:, None] != labels[None, :]).float()
    sums = []
    for mask, sign in ((positive, 1), (negative, -1)):
        logits = sign * distances * mask
        weights = (logits - (logits - 1e9 * (1 - mask)).amax(dim=1, keepdim=True)).exp() * mask
        sums.append((weights / weights.sum(dim=1, keepdim=True) * distances).sum(dim=1))
    return torch.nn.functional.softplus(sums[0] - sums[1]).mean()


def plain_hetero_center(x: Tensor, labels: Tensor, modality: Tensor) -> Tensor:
    """Walk through the identities."""
    gaps = []
    for label in labels.unique():
        v, r = x[(labels == label) & (modality == 0)], x[(labels == label) & (modality == 1)]
        gaps.append((v.mean(dim=0) - r.mean(dim=0)).square().sum())
    return torch.stack(gaps).mean()


def plain_centre_triplet(x: Tensor, labels: Tensor, modality: Tensor) -> Tensor:
    """Walk through identities and modalities for their centres, then through these as anchors."""
    groups = [(label, m) for m in modality.unique() for label in labels.unique()]
    centres = torch.stack([x[(labels == label) & (modality == m)].mean(dim=0) for label, m in groups])
    identities = torch.stack([label for label, _ in groups])
    return plain_batch_hard(centres, identities, modality)


def plain_mmd(x: Tensor, labels: Tensor, modality: Tensor) -> Tensor:
    """Lay out the difference of every pair."""
    v, r = x[modality == 0], x[modality == 1]
    both, n = torch.cat([v, r]), len(v)
    squares = (both[:, None] - both[None, :]).square().sum(dim=2)  # (N, N, D) on the way
    width = squares.detach()[torch.ones_like(squares).triu(1).bool()].median()
    kernel = sum((-squares / (2.0**power * width)).exp() for power in range(-2, 3)) / 5
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - kernel[:n, n:].mean() - kernel[n:, :n].mean()


def plain_w2(x: Tensor, labels: Tensor, modality: Tensor) -> Tensor:
    """Take means and spreads of the two halves."""
    v, r = x[modality == 0], x[modality == 1]
    spread = v.std(dim=0, correction=0) - r.std(dim=0, correction=0)
    return (v.mean(dim=0) - r.mean(dim=0)).square().sum() + spread.square().sum()


def plain_w2_per_identity(x: Tensor, labels: Tensor, modality: Tensor) -> Tensor:
    """Walk through the identities."""
    rows = [labels == label for label in labels.unique()]
    return torch.stack([plain_w2(x[row], labels[row], modality[row]) for row in rows]).mean()


def plain_modality_alignment(x: Tensor, labels: Tensor, modality: Tensor) -> Tensor:
    """Compare means and spreads with a prototype of mean 0 and spread 1."""
    halves = (x[modality == 0], x[modality == 1])
    return sum(
        half.mean(dim=0).square().sum() + (half.std(dim=0, correction=0) - 1).square().sum()
        for half in halves
    )


def of_sets(loss: Callable[..., Tensor], *more: str) -> Loss:
    """Give a loss of two sets the form of the others."""
    return lambda x, labels, modality: loss(x[modality == 0], x[modality == 1], *more)


def w2_per_identity(x: Tensor, labels: Tensor, modality: Tensor) -> Tensor:
    """Our Wasserstein distance, identity by identity."""
    v, r = modality == 0, modality == 1
    return gaussian_consistency(x[v], x[r], "w2", (labels[v], labels[r]))


def to_prototype(v: Tensor, r: Tensor) -> Tensor:
    """Our modality alignment, with a prototype of mean 0 and spread 1."""
    return modality_alignment(v, r, torch.zeros_like(v[0]), torch.ones_like(v[0]))


CASES: tuple[tuple[str, Loss, Loss, int, int, int], ...] = (  # then modalities, batch, features
    ("batch-hard triplet", lambda x, y, _: batch_hard_triplet(x, y), plain_batch_hard, 2, 1024, 512),
    ("batch-hard triplet", lambda x, y, _: batch_hard_triplet(x, y), plain_batch_hard, 2, 1024, 2048),
    ("batch-hard triplet", lambda x, y, _: batch_hard_triplet(x, y), plain_batch_hard, 2, 64, 2048),
    ("weighted triplet", lambda x, y, _: weighted_triplet(x, y), plain_weighted, 2, 64, 2048),
    ("hetero-centre", hetero_center, plain_hetero_center, 2, 64, 2048),
    ("hetero-centre triplet", hetero_center_triplet, plain_centre_triplet, 2, 64, 2048),
    ("identity alignment", identity_alignment, plain_centre_triplet, 3, 96, 2048),
    ("MMD, five kernels", of_sets(mmd), plain_mmd, 2, 64, 2048),
    ("2-Wasserstein", of_sets(gaussian_consistency), plain_w2, 2, 64, 2048),
    ("2-Wasserstein per identity", w2_per_identity, plain_w2_per_identity, 2, 64, 2048),
    ("modality alignment", of_sets(to_prototype), plain_modality_alignment, 2, 64, 2048),
)


def measure(
    what: str, ours: Loss, plain: Loss, modalities: int, batch: int, features: int, device: str
) -> Row:
    """Compare one loss on normal embeddings, four samples of each identity in each modality."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch, features, generator=generator).to(device).requires_grad_()
    place = torch.arange(batch, device=device)
    labels, modality = place % (batch // modalities) // 4, place // (batch // modalities)

    def step(loss: Loss) -> tuple[Tensor, Tensor]:
        value = loss(x, labels, modality)
        return value, torch.autograd.grad(value, x)[0]

    torch.testing.assert_close(step(ours), step(plain), rtol=1e-3, atol=1e-5)
    slow, quick = time_of(lambda: step(plain), 7), time_of(lambda: step(ours), 20)
    return compared(f"{what}, batch {batch}, {features} features", slow, quick)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--output", type=Path, help="JSON file, for the book's cost page")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = [measure(*case, args.device) for case in CASES]
    print_and_store("losses", rows, args.output, args.device, args.threads)


if __name__ == "__main__":
    main()

"""Batches hold what they promise: P identities, K pairs, no needless repeats, every sample in its turn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmodal_lite.data.sampler import PairSampler


@st.composite
def tables(draw):
    """Identities with one to five samples in each modality; specimens 0..2 of each identity, or none."""
    n = draw(st.integers(2, 9))
    counts = st.lists(st.integers(1, 5), min_size=n, max_size=n)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    sides = []
    for count in (draw(counts), draw(counts)):
        identity = rng.permutation(np.repeat(np.arange(n) * 3 + 7, count))  # neither from 0 nor without gaps
        pair = np.where(
            rng.random(len(identity)) < 0.8, identity * 10 + rng.integers(0, 3, len(identity)), -1
        )
        sides.append((identity, pair))
    (v, v_pair), (r, r_pair) = sides
    return v, r, v_pair, r_pair


@given(tables(), st.integers(2, 6), st.integers(1, 4), st.integers(0, 5))
def test_a_step_is_p_times_k(table, identities, samples, number):
    v, r, v_pair, r_pair = table
    names = np.unique(v)
    sampler = PairSampler(v, r, v_pair, r_pair, identities=identities, samples=samples, seed=1)
    epoch = sampler.epoch(number)
    p = min(identities, len(names))
    assert epoch.v.shape == (-(-len(names) // p), p * samples)
    assert (names[epoch.labels] == v[epoch.v]).all()
    assert (names[epoch.labels] == r[epoch.r]).all()
    for labels in epoch.labels:
        assert (np.bincount(labels, minlength=len(names))[np.unique(labels)] == samples).all()
        assert len(np.unique(labels)) == p
    assert set(epoch.labels.ravel()) == set(range(len(names)))


@given(tables(), st.integers(1, 4))
def test_no_repeat_in_a_step_and_all_seen_in_turn(table, samples):
    v, r, v_pair, r_pair = table
    n = len(np.unique(v))
    sampler = PairSampler(v, r, v_pair, r_pair, identities=n, samples=samples, aligned=0.0, seed=2)
    epochs = [sampler.epoch(number) for number in range(5)]  # five samples at most, K = 1 at least
    for side, drawn in ((v, [e.v[0] for e in epochs]), (r, [e.r[0] for e in epochs])):
        counts = np.unique(side, return_counts=True)[1]
        if counts.min() >= samples:
            assert all(len(np.unique(step)) == len(step) for step in drawn)
        assert set(np.concatenate(drawn)) == set(range(len(side)))


@given(tables())
def test_aligned_pairs_are_of_one_specimen(table):
    v, r, v_pair, r_pair = table
    epoch = PairSampler(v, r, v_pair, r_pair, identities=2, samples=2, aligned=1.0).epoch(0)
    same = (v_pair[epoch.v] == r_pair[epoch.r]) & (r_pair[epoch.r] >= 0)
    assert (epoch.aligned == same).all()
    possible = (r_pair[epoch.r] >= 0) & np.isin(r_pair[epoch.r], v_pair)
    assert (same == possible).all()


def shown_plainly(side, names, number, samples, seed, which, rng):
    """Return K samples of each identity: in round 0 in the first order, then in one drawn from (seed, round)."""
    draw, shown = rng.random(len(side)), []
    for name in names:
        own = sorted(np.flatnonzero(side == name), key=draw.__getitem__)
        m, epoch = len(own), number
        if m > samples:
            turn, epoch = divmod(number, -(-m // samples))
            if turn > 0:
                # one number for each sample of all identities, by identity and in the first order
                first = [i for n in names for i in sorted(np.flatnonzero(side == n), key=draw.__getitem__)]
                again = dict(
                    zip(first, np.random.default_rng((seed, which, turn)).random(len(side)), strict=True)
                )
                own = sorted(own, key=again.__getitem__)
        shown.append([own[(epoch * samples + k) % m] for k in range(samples)])
    return shown


def drawn_plainly(table, number, identities, samples, aligned, seed):
    """The v and r samples of an epoch by the same draws, pair by pair: stored records depend on every one of them."""
    v, r, v_pair, r_pair = table
    names = np.unique(v)
    rng = np.random.default_rng(seed)
    shown = [
        shown_plainly(side, names, number, samples, seed, which, rng) for which, side in ((1, v), (2, r))
    ]
    rng = np.random.default_rng((seed, number))
    order = rng.permutation(len(names)).tolist()
    p = min(identities, len(names))
    steps = -(-len(names) // p)
    dealt = (order * 2)[: steps * p]  # less than a step is dealt again
    drawn = [[sample for i in dealt for sample in own[i]] for own in shown]
    which, chance = rng.random(len(drawn[0])), rng.random(len(drawn[0]))
    for place, shown_pair in enumerate(r_pair[drawn[1]]):
        partners = np.flatnonzero(v_pair == shown_pair)
        if shown_pair >= 0 and len(partners) and chance[place] < aligned:
            drawn[0][place] = partners[int(which[place] * len(partners))]
    return drawn


@given(tables(), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 9), st.sampled_from(["as it is", "v", "r"]))
def test_the_draws_are_those_of_a_plain_loop(table, aligned, number, unknown):
    v, r, v_pair, r_pair = table
    if unknown == "v":
        v_pair = np.full_like(v_pair, -1)
    if unknown == "r":
        r_pair = np.full_like(r_pair, -1)
    options = {"identities": 3, "samples": 2, "aligned": aligned, "seed": 5}
    epoch = PairSampler(v, r, v_pair, r_pair, **options).epoch(number)
    plain_v, plain_r = drawn_plainly((v, r, v_pair, r_pair), number, **options)
    assert epoch.v.ravel().tolist() == plain_v
    assert epoch.r.ravel().tolist() == plain_r


@given(tables(), st.integers(1, 4), st.integers(0, 20))
def test_images_are_all_seen_in_every_round(table, samples, number):
    """A round of an identity with m images takes ceil(m / K) epochs; the first one begins with epoch 0."""
    v, r, *_ = table
    alone = np.full(len(v), -1), np.full(len(r), -1)
    sampler = PairSampler(v, r, *alone, identities=3, samples=samples, seed=2)
    for side, name in ((v, "v"), (r, "r")):
        for identity in np.unique(side):
            own = set(np.flatnonzero(side == identity))
            takes = -(-len(own) // samples)
            epochs = [getattr(sampler.epoch(number * takes + k), name) for k in range(takes)]
            assert own <= set(np.concatenate(epochs, axis=None))


def pairs_in_steps(m, samples, epochs):
    """Return which pairs of m images of one identity were in one step, across modalities and within each."""
    side = np.repeat([0, 1, 2], m)
    alone = np.full(3 * m, -1)
    sampler = PairSampler(side, side, alone, alone, identities=3, samples=samples, seed=4)
    across, within = set(), set()
    for number in range(epochs):
        epoch = sampler.epoch(number)
        v, r = epoch.v[0][epoch.labels[0] == 1], epoch.r[0][epoch.labels[0] == 1]
        across |= {(a, b) for a in v for b in r}
        within |= {(a, b) for x in (v, r + 3 * m) for a in x for b in x if a < b}
    return len(across), len(within)


def test_over_the_rounds_every_two_images_of_an_identity_share_a_step():
    assert pairs_in_steps(10, 4, 3)[0] < 10 * 10  # in one round
    assert pairs_in_steps(10, 4, 150) == (10 * 10, 2 * 45)
    assert pairs_in_steps(5, 2, 150) == (5 * 5, 2 * 10)


def test_one_image_a_step_keeps_its_order():
    """K = 1: no two images of a modality share a step. So tables with one sample a step repeat as they were stored."""
    assert pairs_in_steps(4, 1, 200) == (4, 0)


def test_images_that_all_fit_into_a_step_keep_their_order():
    """One image has one order; K images or fewer share every step in any order. So such sets train as they did."""
    identity, alone = np.repeat([0, 1, 2], [1, 2, 4]), np.full(7, -1)
    sampler = PairSampler(identity, identity, alone, alone, identities=3, samples=4, seed=0)
    first, later = sampler.epoch(0), sampler.epoch(50)  # both m and 50 * K are even
    for label, m in enumerate((1, 2, 4)):
        shown = [epoch.v[0][epoch.labels[0] == label].tolist() for epoch in (first, later)]
        assert shown[0] == shown[1]
        assert len(set(shown[0])) == m


@given(tables(), st.integers(1, 3), st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_an_epoch_does_not_depend_on_those_drawn_before(table, samples, numbers):
    options = {"identities": 3, "samples": samples, "aligned": 0.5, "seed": 6}
    used = PairSampler(*table, **options)
    for number in numbers:
        found, fresh = used.epoch(number), PairSampler(*table, **options).epoch(number)
        assert found.v.tolist() == fresh.v.tolist()
        assert found.r.tolist() == fresh.r.tolist()


def test_an_identity_with_fewer_images_than_k_shows_each_equally_often():
    v, r = np.repeat([0, 1], [2, 3]), np.repeat([0, 1], [1, 6])
    epoch = PairSampler(
        v, r, np.full(5, -1), np.full(7, -1), identities=2, samples=6, aligned=1.0, seed=0
    ).epoch(1)
    assert np.bincount(epoch.v[0]).tolist() == [3, 3, 2, 2, 2]
    assert np.bincount(epoch.r[0]).tolist() == [6, 1, 1, 1, 1, 1, 1]


def test_the_share_of_aligned_pairs():
    identity = np.repeat(np.arange(500), 10)
    pair = np.arange(5000)
    sampler = PairSampler(identity, identity, pair, pair, identities=500, samples=2, aligned=0.6)
    assert sampler.epoch(0).aligned.mean() == pytest.approx(0.6 + 0.4 * 0.1, abs=0.05)


def test_the_same_seed_and_epoch_give_the_same_batches():
    identity = np.repeat(np.arange(20), 4)
    options = {"identities": 8, "samples": 2, "aligned": 0.5}
    first, again, other = (
        PairSampler(identity, identity, identity, identity, seed=s, **options) for s in (3, 3, 4)
    )
    assert (first.epoch(7).v == again.epoch(7).v).all()
    assert (first.epoch(7).v != first.epoch(8).v).any()
    assert (first.epoch(7).v != other.epoch(7).v).any()


def test_an_identity_in_one_modality_only_is_named():
    with pytest.raises(ValueError, match=r"identities \[2\]"):
        PairSampler(
            np.array([0, 1, 2]), np.array([0, 1]), np.arange(3), np.arange(2), identities=2, samples=1
        )


def test_one_identity_is_refused():
    with pytest.raises(ValueError, match="two identities"):
        PairSampler(np.zeros(3, int), np.zeros(2, int), np.arange(3), np.arange(2), identities=2, samples=1)

# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# (modality-gap)=
# # The modality gap
#
# A grey stone lies on the bench. One laboratory shines a laser on it and keeps the light that comes back
# with another colour; a second sends infrared light into its powder and keeps what is missing. Each writes
# down a curve. Do the two curves belong to the same mineral?
#
# The atoms are the same, and so are their vibrations. Yet the curves hardly resemble each other. That is
# the **modality gap**, and the rest of this book is about closing it. This chapter looks at it first: in
# measured spectra, then in spectra that we draw by rule, where the gap has a knob.
#
# ```{admonition} What you will be able to do
# :class: tip
# - say what a Raman and an infrared spectrum of one mineral share, and what they do not;
# - read a mirrored pair of spectra, and a matrix of similarities;
# - explain why a cosine between the two finds so little, and show it with three pictures.
# ```
#
# Claims are marked by where they come from: **known** (textbooks, or a source we name), **second hand**
# (reported by others, not checked by us), **ours** (we made it up, for this book).

# %% tags=["hide-input"]
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has the rest already; elsewhere the package is installed
    address = "git+https://github.com/xmodal-lite/xmodal-lite@v0.1.0"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", f"xmodal-lite @ {address}"], check=True
    )

# %% tags=["parameters"]
data_root = ""  # str: folder of real spectra; empty draws a synthetic data set
gap = 0.8  # float: the knob of the synthetic data set, 0 to 1

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import load
from xmodal_lite.data.spectra import Preparation
from xmodal_lite.evaluation import cosine_distances, nearest_sample_metrics
from xmodal_lite.plots import (
    BLUE,
    GREY,
    MODALITY_COLOURS,
    ORANGE,
    plot_similarity,
    use_style,
)
from xmodal_lite.synthetic.spectra import draw_mineral, spectrum

use_style()
scratch = tempfile.TemporaryDirectory()

# %% [markdown]
# ## One crystal, two windows
#
# A crystal is masses on springs. It moves in *normal modes*: patterns $Q_k$ in which all atoms swing
# together with one frequency, written as a wavenumber $\nu_k$ in cm$^{-1}$. Both instruments listen to the
# same patterns. What differs is what a pattern must do to be heard:
#
# $$
# I_k^\text{Raman} \propto \left|\frac{\partial \alpha}{\partial Q_k}\right|^2,
# \qquad
# I_k^\text{IR} \propto \left|\frac{\partial \mu}{\partial Q_k}\right|^2 .
# $$ (eq-selection)
#
# Raman scattering needs a change of the polarisability $\alpha$, that is, of how easily the electron cloud
# gives way. Infrared absorption needs a change of the dipole moment $\mu$. Where the crystal has a centre
# of symmetry the two exclude each other: a pattern that looks the same through the centre (even) cannot
# change $\mu$, and one that turns into its opposite (odd) cannot change $\alpha$. No mode is then seen by
# both. All of this is **known**; any textbook of vibrational spectroscopy derives it.
#
# Here are four minerals, measured.
#
# ```{figure} ../book/_static/figures/real-pairs.png
# :name: fig-real-pairs
# :alt: Four panels with measured spectra from 100 to 1650 wavenumbers, Raman drawn upwards and infrared downwards. In calcite the tall Raman line at 1086 has no infrared partner, and the broad infrared band near 1400 has no Raman partner. In gypsum, quartz and forsterite, too, the strongest Raman lines and infrared bands stand at different places.
#
# Measured spectra of four specimens: Raman upwards, infrared downwards, each scaled to its own maximum.
# Data: RRUFF project {cite}`lafuente2015`; drawn by {source}`book/figures/real_spectra.py`.
# ```
#
# Look at calcite in {numref}`fig-real-pairs`. The carbonate ion stretches evenly in $\nu_1$: a needle in
# Raman, nothing in infrared. It stretches unevenly in $\nu_3$: the great band of the infrared. At 712
# cm$^{-1}$ ($\nu_4$) both show a line, and still it is not one mode: each cell of the crystal holds two
# carbonate ions, which swing in step or against each other, and one instrument hears the even version, the
# other the odd one. (Assignments of the Raman lines: [De La Pierre and others,
# 2014](https://doi.org/10.1063/1.4871900).)
#
# So a pair shares *places*, more or less, and not *heights*. Nor does it share its range:
#
# ```{figure} ../book/_static/figures/real-windows.png
# :name: fig-real-windows
# :alt: Raman and infrared spectrum of gypsum on one axis from 0 to 4000 wavenumbers. The Raman spectrum covers about 160 to 1520, the infrared spectrum 400 to 4000. The part from 400 to 1290 is shaded as seen by both. The bands of water near 3500 are in the infrared spectrum alone.
#
# Gypsum over the whole range of both instruments. The files overlap in the shaded part only; the water near
# 3500 cm$^{-1}$ is beyond the end of the Raman file. Data: RRUFF project {cite}`lafuente2015`.
# ```
#
# Below 400 cm$^{-1}$, where whole ions rattle against each other, we have Raman alone; above 1300, where
# water and hydroxyl ring, mostly infrared alone. And the shapes differ: narrow lines here, broad bands with
# a long foot there. (**Second hand**: many of the infrared files were measured by pressing powder on a
# diamond, which bends the shape of strong bands. The files do not say so.)

# %% [markdown]
# ## A world where the gap has a knob
#
# Measured minerals cannot be turned from easy to hard. So we draw some that can. Everything in this section
# is **ours**: no mineral looks exactly like this, and nothing was fitted to measured ones.
#
# A mineral is a list of modes. Mode $k$ sits at one place $\nu_k$ for both modalities $m$, and gives each a
# line:
#
# $$
# y^m(x) = \sum_k s_k^m \, V(x - \nu_k;\, \sigma_k^m, \gamma_k^m),
# $$ (eq-voigt)
#
# where $V$ is the Voigt profile, a Lorentzian (the mode fades) blurred by a Gaussian (no two grains are the
# same). The areas $s_k^m$ follow the activities $a_k^m$, and these are where the knob $g$ sits:
#
# $$
# \log a_k^m = (1 - g)\, c_k + g\, o_k^m .
# $$ (eq-blend)
#
# At $g = 0$ both modalities see the shared value $c_k$; at $g = 1$ each sees its own $o_k^m$, which is
# drawn around what is usual for such a vibration. On top comes exclusion: in a crystal with a centre of
# symmetry, a share $g$ of the modes obeys the rule and falls silent in one modality. The code says the
# same.
#
# ```{literalinclude} ../xmodal_lite/synthetic/spectra.py
# :pyobject: blend_activities
# :language: python
# :caption: Equation {eq}`eq-blend`, in `xmodal_lite/synthetic/spectra.py`
# ```
#
# ```{literalinclude} ../xmodal_lite/synthetic/spectra.py
# :pyobject: exclude
# :language: python
# :caption: Mutual exclusion
# ```
#
# ```{literalinclude} ../xmodal_lite/synthetic/spectra.py
# :pyobject: voigt_sum
# :language: python
# :caption: Equation {eq}`eq-voigt`
# ```
#
# Turn the knob on one mineral and watch.

# %% mystnb={"figure": {"caption": "One synthetic mineral at three settings of the knob: Raman upwards, infrared downwards, without noise. The modes never move; the heights do.", "name": "fig-knob"}, "image": {"alt": "Three mirrored panels of one drawn carbonate mineral. At gap 0 every Raman line has an infrared partner of the same relative height. At gap 0.5 heights disagree and some partners are gone. At gap 1 hardly a line is matched by a band."}}
x = np.arange(80.0, 1650.0)
fig, axes = plt.subplots(3, 1, figsize=(7, 6), sharex=True)
for ax, g in zip(axes, (0.0, 0.5, 1.0), strict=True):
    mineral = draw_mineral(seed=0, number=30, gap=g)
    for m, sign in ((0, 1), (1, -1)):
        y = sign * spectrum(mineral, m, x)
        ax.fill_between(x, y, color=MODALITY_COLOURS[m], alpha=0.3, linewidth=0)
        ax.plot(x, y, color=MODALITY_COLOURS[m], linewidth=1.1)
    both = (mineral.strength > 0).all(axis=0).mean()
    title = f"{mineral.name}, gap {g:.1f}: {both:.0%} of the modes active in both"
    ax.set(ylim=(-1.1, 1.1), title=title)
    ax.set_yticks([-0.6, 0.6], ["infrared", "Raman"], rotation=90, va="center")
_ = axes[-1].set_xlabel("Raman shift, infrared wavenumber (cm$^{-1}$)")

# %% [markdown]
# The lowest panel has the character of calcite above. Positions come from the usual ranges of nine
# structural groups (carbonates, sulphates, four kinds of silicate, ...). Four neighbours in number share a
# structure type, so that minerals have relatives, as they do in nature.
#
# Now instruments. The synthetic data set adds what makes files look like files: fluorescence and what its removal
# leaves, shot noise, four lasers, specimens that differ a little, a diamond's noise near 2100 cm$^{-1}$. It
# writes text files under the names that the RRUFF site uses, with the same oddities, and the library reads
# both alike.

# %%
# NBVAL_CHECK_OUTPUT
root = Path(data_root or Path(scratch.name) / "rruff")
if not data_root:
    synthetic.write("rruff", root, gap=gap)
benchmark = load("rruff", root)
print(benchmark.source, benchmark.samples.shape)
for what, number in benchmark.table.counts().items():
    print(f"{number:6d} {what}")

# %% [markdown]
# A row of `samples` is one spectrum, brought onto an axis that both modalities share: baseline off, square
# root, smoothed, at most 1, and zero where nothing was measured. In the table, modality `v` is Raman and
# `r` infrared.

# %% mystnb={"figure": {"caption": "Four pairs as a model gets them: Raman upwards, infrared downwards, prepared on one axis. The square root lifts weak lines.", "name": "fig-samples"}, "image": {"alt": "Four mirrored panels with prepared spectra of four minerals from 100 to 4000 wavenumbers. Raman spectra end near 1300 or 1500 and show narrow peaks; infrared spectra begin near 400, show fewer and broader bands, and are flat above 1700."}}
table, axis = benchmark.table, Preparation().axis()
in_v, in_r = table.modality == 0, table.modality == 1
paired = np.intersect1d(table.identity[in_v], table.identity[in_r])
fig, axes = plt.subplots(4, 1, figsize=(7, 7), sharex=True)
for ax, identity in zip(axes, paired[:: len(paired) // 4], strict=False):
    for m, sign in ((0, 1), (1, -1)):
        row = np.flatnonzero((table.identity == identity) & (table.modality == m))[0]
        y = sign * benchmark.samples[row, 0]
        ax.plot(axis, y, color=MODALITY_COLOURS[m], linewidth=1.1)
    ax.set(ylim=(-1.1, 1.1), title=table.identity_names[identity])
    ax.set_yticks([-0.6, 0.6], ["infrared", "Raman"], rotation=90, va="center")
_ = axes[-1].set_xlabel("Raman shift, infrared wavenumber (cm$^{-1}$)")

# %% [markdown]
# ## The simplest matcher: a cosine
#
# Take two spectra as vectors, over the part that both instruments see, and measure the angle between them:
#
# $$
# \cos(a, b) = \frac{a \cdot b}{\lVert a \rVert \, \lVert b \rVert} .
# $$
#
# It needs no training and does not care for scale. We ask it twice: within one modality (which Raman
# spectrum is most like this one, not counting its own specimen?), and across.


# %%
def shared_part(benchmark):
    """Samples (n, points) from 400 to 1290 cm-1, where both modalities were measured."""
    axis = Preparation().axis()
    return np.asarray(benchmark.samples[:, 0, (axis >= 400) & (axis <= 1290)])


def cosines(benchmark, queries, gallery):
    """Similarity (Q, G) of two sets of rows, and the identities of both."""
    features, identity = shared_part(benchmark), benchmark.table.identity
    similarity = 1 - cosine_distances(features[queries], features[gallery])
    return similarity, identity[queries], identity[gallery]


def rank1(similarity, query_ids, gallery_ids):
    """Share of queries whose mineral comes out ahead of all others."""
    return nearest_sample_metrics(-similarity, query_ids, gallery_ids).rank(1)


# %%
# NBVAL_CHECK_OUTPUT
within, ids, _ = cosines(benchmark, in_v, in_v)
own_specimen = table.pair[in_v][:, None] == table.pair[in_v]
other = (ids[:, None] == ids) & ~own_specimen  # the same mineral, another specimen
asked = other.any(axis=1)
within[own_specimen] = -1
print(f"Raman to Raman:    {rank1(within[asked], ids[asked], ids):.0%} first")

across = cosines(benchmark, in_v, in_r)
print(f"Raman to infrared: {rank1(*across):.0%} first")

# %% [markdown]
# The first number is why spectral libraries work. The distance to the second is the modality gap, in
# numbers. Where does it come from? Look at the similarities themselves.

# %% mystnb={"figure": {"caption": "Cosine of one Raman spectrum of each mineral (rows) with one infrared spectrum of each (columns), in the order of their names.", "name": "fig-cosine-matrix"}, "image": {"alt": "A square matrix of cosine similarities. The diagonal hardly stands out: blocks of related minerals are as bright, and some rows and columns are bright or dark all along."}}
similarity, raman_ids, infrared_ids = across
chosen = paired[:36]
rows = [np.flatnonzero(raman_ids == identity)[0] for identity in chosen]
columns = [np.flatnonzero(infrared_ids == identity)[0] for identity in chosen]
part = similarity[np.ix_(rows, columns)]
_ = plot_similarity(part, "Matches lie on the diagonal", "Raman", "infrared")

# %% [markdown]
# If the cosine did its work, {numref}`fig-cosine-matrix` would be dark with a bright diagonal. What we see
# instead are blocks, because relatives have their bands in the same places, and stripes, because some
# spectra resemble everybody and others nobody. For measured minerals the diagonal is lost altogether:
#
# ```{figure} ../book/_static/figures/real-cosine.png
# :name: fig-real-cosine
# :alt: Matrix of cosine similarities of measured spectra of 23 minerals, Raman in rows and infrared in columns, grouped by structure. The diagonal does not stand out. Epidote's and talc's rows are bright throughout, and calcite's Raman spectrum is more similar to the infrared spectrum of gypsum than to its own.
#
# The same for measured spectra of 23 minerals. Data: RRUFF project {cite}`lafuente2015`.
# ```
#
# Find calcite in {numref}`fig-real-cosine`. Its Raman spectrum is nearer to gypsum's infrared spectrum than
# to its own: the one Raman needle, at 1086 cm$^{-1}$, falls into the sulphate band of gypsum. By the rules
# above that is no accident. The strongest Raman line of a symmetric ion is the very mode that its infrared
# spectrum must not show.

# %% mystnb={"figure": {"caption": "Cosine of spectra of the same mineral and of different minerals, as shares of all such pairs.", "name": "fig-histogram"}, "image": {"alt": "Two overlapping histograms of cosine similarity. Pairs of the same mineral lie further right on average, but the histogram of different minerals reaches as far to the right."}}
same = raman_ids[:, None] == infrared_ids
bins = np.linspace(0, 1, 41)
fig, ax = plt.subplots()
sides = ((~same, "different minerals", GREY), (same, "the same mineral", BLUE))
for pairs, name, colour in sides:
    values = similarity[pairs]
    weights = np.full(len(values), 100 / len(values))
    ax.hist(values, bins, weights=weights, color=colour, alpha=0.55, label=name)
ax.set(xlabel="cosine similarity", ylabel="share of pairs (%)")
_ = ax.legend(loc="upper left")

# %%
# NBVAL_CHECK_OUTPUT
beaten = np.mean(similarity[~same] > np.median(similarity[same]))
crowd = (~same).sum() / same.sum()
print(f"pairs of different minerals for each pair of one: {crowd:.0f}")
print(f"share of them above the median of the same mineral: {beaten:.0%}")

# %% [markdown]
# Two shifted hills: the cosine knows *something*. But to find a mineral in a library, its spectrum must
# come out ahead of **all** others. There are many wrong pairs for each right one, so even a small share of
# them is company enough to push it from the first place. The share of queries that come out ahead is called
# rank-1, and {ref}`the next chapter <ranking-by-hand>` works it out by hand.
#
# ## The knob against the score
#
# Now the experiment that measured minerals do not allow. Same minerals, same specimens, same noise; only
# the knob moves.


# %%
def world(seed, gap, identities=30):
    """A small synthetic with one specimen of each mineral."""
    folder = Path(scratch.name) / f"world-{seed}-{gap}-{identities}"
    parameters = {"identities": identities, "specimens": 1, "seed": seed, "gap": gap}
    return load("rruff", synthetic.write("rruff", folder, **parameters))


def score(benchmark):
    """Rank-1 of the cosine, Raman queries and infrared gallery."""
    m = benchmark.table.modality
    return rank1(*cosines(benchmark, m == 0, m == 1))


gaps, worlds = (0.0, 0.25, 0.5, 0.75, 1.0), (0, 1, 2)
scores = np.array([[score(world(seed, g)) for g in gaps] for seed in worlds])
assert np.all(np.diff(scores.mean(axis=0)) < 0)

# %% mystnb={"figure": {"caption": "Rank-1 of the cosine against the knob, in three worlds of 30 paired minerals (thin) and their mean (thick). Nothing but the activities changes along a line.", "name": "fig-gap-curve"}, "image": {"alt": "Rank-1 in percent falls steadily on average from about 80 at gap 0 to about 15 at gap 1, in three worlds. A dashed line marks chance, about 3 percent."}}
fig, ax = plt.subplots()
ax.plot(gaps, 100 * scores.T, color=ORANGE, linewidth=0.9, alpha=0.7)
ax.plot(gaps, 100 * scores.mean(axis=0), "o-", color=ORANGE, label="cosine, synthetic")
ax.axhline(100 / 30, color=GREY, linestyle="--", label="chance")
if benchmark.source == "real":
    ax.axhline(
        100 * score(benchmark), color=BLUE, linestyle=":", label=f"cosine, your {len(paired)} minerals"
    )
ax.set(xlabel="gap", ylabel="rank-1 (%)", ylim=(0, 100))
_ = ax.legend()

# %% [markdown]
# At gap 0 the two spectra differ by noise, line width and range, and the cosine copes with all three. What
# defeats it is the activities: to the right, most right answers are gone though every mode is still where
# it was.
#
# Where are measured minerals on this curve? We cannot say in full, as they differ from ours in more than
# the knob. But the cosine's row in {ref}`the table of measured spectra <table-marrnet-t1>` tells how little
# it finds there.
#
# ## What would help
#
# Nothing at 1086 cm$^{-1}$ in calcite's infrared spectrum tells of the needle in its Raman spectrum.
# Chemistry does: who shows this needle is a carbonate, and who is a carbonate has a band near 1400. That is
# a rule about *what occurs together*. It can be learned from pairs, and it holds for minerals that were not
# among them. A cosine has nowhere to keep such a rule. A network has, and the paper of the following
# chapters {cite}`niu2024marrnet` keeps it in a particular place: in front of the comparison, in a U-Net
# that redraws both spectra until they can be compared.
#
# ```{admonition} Take-aways
# :class: important
# - Both instruments hear the same vibrations. Raman needs a changing polarisability, infrared a changing
#   dipole moment; with a centre of symmetry no mode satisfies both.
# - What a pair shares is, at best, places. Heights, widths and ranges differ: that is the modality gap.
# - A cosine compares heights place by place. It has some signal, and too little to rank by.
# - The synthetic data set has the gap as a knob, so a method can be tested on the gap alone. It is a model of ours,
#   and no substitute for measured spectra.
# ```
#
# ## Exercises

# %% [markdown]
# ```{exercise-start} Three ways to shake a molecule
# :label: ex-co2
# ```
# Carbon dioxide is a straight molecule, O=C=O, with a centre of symmetry at the carbon. It can stretch
# evenly (both oxygens out), stretch unevenly (one in, one out), and bend. Which of the three does Raman
# see, which infrared? And which change for OCS, where a sulphur replaces one oxygen?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-co2
# :class: dropdown
# ```
# The even stretch looks the same through the centre. The dipole moment stays zero, the electron cloud grows
# and shrinks: Raman only. The uneven stretch and the bend turn into their opposites through the centre.
# Both make a dipole moment that swings with the motion: infrared only. OCS has no centre, so the rule of
# exclusion no longer holds: all three are allowed in both. They stay *weak* where they were forbidden,
# which is why real heights differ even without a strict rule.
# ```{solution-end}
# ```

# %% [markdown]
# ```{exercise-start} Blur until it fits
# :label: ex-blur
# ```
# Raman lines are narrow, infrared bands broad. Perhaps the cosine only suffers from small misfits. Blur
# both sides with a Gaussian of 4, 16 and 64 points (of 4 cm$^{-1}$) before taking the cosine, at gap 0.75
# in three worlds. Does rank-1 rise?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-blur
# :class: dropdown
# ```

# %%
from scipy.ndimage import gaussian_filter1d

for width in (0, 4, 16, 64):
    found = []
    for seed in worlds:
        data = world(seed, 0.75)
        features, m = shared_part(data), data.table.modality
        if width:
            features = gaussian_filter1d(features, width)
        distances = cosine_distances(features[m == 0], features[m == 1])
        ids = data.table.identity
        found.append(nearest_sample_metrics(distances, ids[m == 0], ids[m == 1]).rank(1))
    print(f"blurred by {4 * width:3d} cm-1: rank-1 {np.mean(found):.0%}")

# %% [markdown]
# No, it falls. The preparation has already smoothed away small misfits; what is left is not a matter of a
# few points. More blur only makes all spectra alike, and with them goes what the two modalities do share:
# places.
# ```{solution-end}
# ```

# %% [markdown]
# ```{exercise-start} The longer the list
# :label: ex-list
# ```
# Same knob, larger library: compute rank-1 at gap 0.5 for worlds of 15, 30 and 60 minerals. Why does it
# fall, though no spectrum became any harder? What must a paper therefore state beside its rank-1?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-list
# :class: dropdown
# ```

# %%
for identities in (15, 30, 60):
    found = [score(world(seed, 0.5, identities)) for seed in worlds]
    print(f"{identities} minerals: rank-1 {np.mean(found):.0%}")

# %% [markdown]
# Every further mineral is one more chance for a wrong spectrum to come out ahead; the hills of
# {numref}`fig-histogram` stay as they are. So a rank-1 means little without the size of the gallery, and
# two papers with different galleries cannot be compared. Reports in this book carry their whole protocol in
# one line for that reason.
# ```{solution-end}
# ```

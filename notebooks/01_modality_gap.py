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
# Raman scattering and infrared absorption both measure the vibrations of a mineral. The two spectra of one
# mineral hardly resemble each other. That difference is the **modality gap**, and the methods of this book are
# meant to close it. This chapter shows the gap in measured spectra, and then in synthetic spectra, where one
# parameter sets its size.
#
# ```{admonition} Objectives
# :class: tip
# After this chapter you can
# - say which properties the Raman and the infrared spectrum of one mineral share;
# - read a mirrored pair of spectra and a matrix of cosine similarities;
# - explain why the cosine between the two is a weak matcher, and measure how weak.
#
# **Prerequisites:** NumPy. No spectroscopy is assumed.
# **Time:** about 20 minutes to read; about half a minute to run on one CPU core.
# ```
#
# Each claim carries its source: **known** (textbooks, or a source that we cite), **second hand** (reported by
# others, not checked by us), **ours** (our own choice or construction).

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
gap = 0.8  # float: gap parameter of the synthetic data set, 0 to 1

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
# ## Why Raman and infrared spectra differ
#
# A crystal vibrates in *normal modes*: patterns $Q_k$ in which all atoms oscillate with one frequency, written
# as a wavenumber $\nu_k$ in cm$^{-1}$. Both instruments detect these modes. The intensity of a mode depends on
# different properties:
#
# $$
# I_k^\text{Raman} \propto \left|\frac{\partial \alpha}{\partial Q_k}\right|^2,
# \qquad
# I_k^\text{IR} \propto \left|\frac{\partial \mu}{\partial Q_k}\right|^2 .
# $$ (eq-selection)
#
# A mode is Raman-active if it changes the polarisability $\alpha$, which measures how easily the electrons are
# displaced. A mode is infrared-active if it changes the dipole moment $\mu$. If the crystal has a centre of
# symmetry, the two conditions exclude each other. An even mode (unchanged by inversion) cannot change $\mu$. An
# odd mode (reversed by inversion) cannot change $\alpha$. No mode is then active in both. All of this is
# **known** and derived in textbooks of vibrational spectroscopy.
#
# {numref}`fig-real-pairs` shows four measured minerals.
#
# ```{figure} ../book/_static/figures/real-pairs.png
# :name: fig-real-pairs
# :alt: Four panels with measured spectra from 100 to 1650 wavenumbers, Raman drawn upwards and infrared downwards. In calcite the tall Raman line at 1086 has no infrared partner, and the broad infrared band near 1400 has no Raman partner. In gypsum, quartz and forsterite, too, the strongest Raman lines and infrared bands are at different wavenumbers.
#
# Measured spectra of four specimens: Raman upwards, infrared downwards, each scaled to its own maximum.
# Data: RRUFF project {cite}`lafuente2015`; drawn by {source}`book/figures/real_spectra.py`.
# ```
#
# In calcite, the symmetric stretch $\nu_1$ of the carbonate ion is the strongest Raman line, at 1086 cm$^{-1}$.
# It is absent from the infrared spectrum. The asymmetric stretch $\nu_3$ is the strongest infrared band, near
# 1400 cm$^{-1}$. At 712 cm$^{-1}$ ($\nu_4$) both spectra have a line, but it is not the same mode. The unit
# cell holds two carbonate ions, which can vibrate in phase or out of phase. Raman detects the even combination,
# infrared the odd one. (Assignments of the Raman lines: [De La Pierre and others,
# 2014](https://doi.org/10.1063/1.4871900).)
#
# So the two spectra of a mineral share line *positions*, approximately, but not line *intensities*. They also
# cover different ranges, as {numref}`fig-real-windows` shows:
#
# ```{figure} ../book/_static/figures/real-windows.png
# :name: fig-real-windows
# :alt: Raman and infrared spectrum of gypsum on one axis from 0 to 4000 wavenumbers. The Raman spectrum covers about 160 to 1520, the infrared spectrum 400 to 4000. The part from 400 to 1290 is shaded as covered by both. The bands of water near 3500 are in the infrared spectrum alone.
#
# Gypsum over the whole range of both instruments. The files overlap in the shaded part only. The bands of water
# near 3500 cm$^{-1}$ lie beyond the end of the Raman file. Data: RRUFF project {cite}`lafuente2015`.
# ```
#
# Below 400 cm$^{-1}$, where lattice modes lie, only the Raman files have data. Above 1300 cm$^{-1}$, where
# water and hydroxyl absorb, mostly the infrared files have data. Line shapes differ too: Raman lines are
# narrow, infrared bands are broad and asymmetric. (**Second hand**: many of the infrared files were measured on
# powder pressed against a diamond, which distorts strong bands. The files do not say so.)

# %% [markdown]
# ## Synthetic spectra with a gap parameter
#
# The gap of measured minerals cannot be varied. We therefore generate synthetic minerals. Everything in this
# section is **ours**: no real mineral was fitted.
#
# A synthetic mineral is a list of modes. Mode $k$ has one position $\nu_k$, common to both modalities $m$, and
# one line in each:
#
# $$
# y^m(\nu) = \sum_k A_k^m \, V(\nu - \nu_k;\, \sigma_k^m, \gamma_k^m),
# $$ (eq-voigt)
#
# where $V$ is the Voigt profile, a Lorentzian (damping of the mode) convolved with a Gaussian (variation
# between grains). The areas $A_k^m$ are proportional to the activities $a_k^m$. The **gap parameter** $\delta$,
# between 0 and 1, sets how much the activities of the two modalities differ:
#
# $$
# \log a_k^m = (1 - \delta)\, b_k + \delta\, b_k^m .
# $$ (eq-blend)
#
# At $\delta = 0$ both modalities have the shared log activity $b_k$. At $\delta = 1$ each has its own, $b_k^m$,
# sampled around the typical value for that kind of vibration. In addition, crystals with a centre of symmetry
# obey mutual exclusion: a share $\delta$ of their modes is set to zero in one modality. The code of the three
# steps:
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
# The next figure varies $\delta$ for one mineral.

# %% mystnb={"figure": {"caption": "One synthetic mineral at three values of the gap parameter: Raman upwards, infrared downwards, without noise. Line positions stay the same; intensities change.", "name": "fig-knob"}, "image": {"alt": "Three mirrored panels of one synthetic carbonate mineral. At gap 0 every Raman line has an infrared partner of the same relative height. At gap 0.5 heights differ and some partners are missing. At gap 1 few Raman lines have an infrared partner."}}
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
# The lowest panel resembles calcite in {numref}`fig-real-pairs`: the strongest lines of one modality are absent
# in the other. Line positions are sampled from the usual ranges of nine structural groups (carbonates,
# sulphates, four kinds of silicate, and others). Four consecutive numbers share a structure type, so minerals
# have similar relatives, as in nature.
#
# The synthetic data set also simulates the measurement: fluorescence and the residue of its removal, shot
# noise, four laser wavelengths, variation between specimens, and detector noise near 2100 cm$^{-1}$, where
# diamond absorbs. It writes text files with the names and irregularities of the RRUFF site, and the library
# reads both in the same way.

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
# A row of `samples` is one spectrum on the axis common to both modalities. The preparation subtracts the
# baseline, takes the square root, smooths, scales to a maximum of 1, and sets points without measurement to
# zero. In the table, modality `v` is Raman and `r` is infrared.

# %% mystnb={"figure": {"caption": "Four pairs as a model receives them: Raman upwards, infrared downwards, prepared on one axis. The square root amplifies weak lines.", "name": "fig-samples"}, "image": {"alt": "Four mirrored panels with prepared spectra of four minerals from 100 to 4000 wavenumbers. Raman spectra end near 1300 or 1500 and show narrow peaks; infrared spectra begin near 400, show fewer and broader bands, and are flat above 1700."}}
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
# ## The cosine as a matcher
#
# Treat two spectra as vectors $a$ and $b$ over the range that both instruments cover. Their cosine is
#
# $$
# \cos(a, b) = \frac{a \cdot b}{\lVert a \rVert \, \lVert b \rVert} .
# $$
#
# It needs no training and does not depend on scale. We use it for two tasks. Within one modality, the query and
# the gallery are Raman spectra, and the query's own specimen is excluded. Across modalities, the query is Raman
# and the gallery infrared.


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
    """Share of queries whose own mineral has the smallest distance."""
    return nearest_sample_metrics(-similarity, query_ids, gallery_ids).rank(1)


# %%
# NBVAL_CHECK_OUTPUT
within, ids, _ = cosines(benchmark, in_v, in_v)
own_specimen = table.pair[in_v][:, None] == table.pair[in_v]
other = (ids[:, None] == ids) & ~own_specimen  # the same mineral, another specimen
asked = other.any(axis=1)
within[own_specimen] = -1
print(f"Raman to Raman:    rank-1 {rank1(within[asked], ids[asked], ids):.0%}")

across = cosines(benchmark, in_v, in_r)
print(f"Raman to infrared: rank-1 {rank1(*across):.0%}")

# %% [markdown]
# Within one modality the cosine is a good matcher, which is why spectral libraries work. Across modalities
# rank-1 drops; the difference is the effect of the modality gap. The matrix of similarities shows the cause.

# %% mystnb={"figure": {"caption": "Cosine of one Raman spectrum of each mineral (rows) with one infrared spectrum of each (columns), ordered by name. True matches are on the diagonal.", "name": "fig-cosine-matrix"}, "image": {"alt": "A square matrix of cosine similarities. The diagonal hardly differs from its surroundings: blocks of related minerals are as bright, and some rows and columns are bright or dark throughout."}}
similarity, raman_ids, infrared_ids = across
chosen = paired[:36]
rows = [np.flatnonzero(raman_ids == identity)[0] for identity in chosen]
columns = [np.flatnonzero(infrared_ids == identity)[0] for identity in chosen]
part = similarity[np.ix_(rows, columns)]
hits = np.sum(part.argmax(axis=1) == np.arange(len(part)))
title = f"The diagonal is the largest of its row for {hits} of {len(part)}"
_ = plot_similarity(part, title, "Raman", "infrared")

# %% [markdown]
# If the cosine matched well, {numref}`fig-cosine-matrix` would be dark with a bright diagonal. It shows two
# other patterns. Blocks appear because related minerals have bands at similar positions. Stripes appear because
# some spectra are similar to most others and some to few. The next figure shows the same for measured minerals:
#
# ```{figure} ../book/_static/figures/real-cosine.png
# :name: fig-real-cosine
# :alt: Matrix of cosine similarities of measured spectra of 23 minerals, Raman in rows and infrared in columns, grouped by structure. The diagonal is the largest value of its row for 5 of the 23. The rows of epidote and talc are bright throughout, and calcite's Raman spectrum is more similar to the infrared spectrum of gypsum than to its own.
#
# The same for measured spectra of 23 minerals. The title counts the rows whose largest value is on the
# diagonal; a random order would give one such row on average. Data: RRUFF project {cite}`lafuente2015`.
# ```
#
# The diagonal in {numref}`fig-real-cosine` is the largest value of its row more often than by chance, but for a
# minority of the minerals. Calcite is one of the failures. Its Raman spectrum is more similar to the infrared
# spectrum of gypsum than to its own, because its Raman line at 1086 cm$^{-1}$ falls into the sulphate band of
# gypsum. This follows from the selection rules: the strongest Raman line of a symmetric ion is the mode that
# the infrared spectrum cannot contain.

# %% mystnb={"figure": {"caption": "Distribution of the cosine for genuine pairs (same mineral) and impostor pairs (different minerals), each in percent of its pairs.", "name": "fig-histogram"}, "image": {"alt": "Two overlapping histograms of cosine similarity. Pairs of the same mineral lie further right on average, but the histogram of different minerals reaches as far to the right."}}
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
above = np.mean(similarity[~same] > np.median(similarity[same]))
ratio = (~same).sum() / same.sum()
print(f"impostor pairs per genuine pair: {ratio:.0f}")
print(f"share of impostor pairs above the median genuine pair: {above:.0%}")

# %% [markdown]
# The two distributions are shifted, so the cosine carries information about the mineral. But a query is only
# matched correctly if its true match scores higher than **all** impostors, the spectra of other minerals. Even
# if only a few percent of the impostors score that high, there are so many that one of them usually ranks
# first. The share of queries whose true match ranks first is *rank-1*;
# {ref}`the next chapter <ranking-by-hand>` computes it by hand.
#
# ## Rank-1 as a function of the gap
#
# This experiment is not possible with measured minerals. Minerals, specimens and noise stay the same; only the
# gap parameter changes.


# %%
def synthetic_set(seed, gap, identities=30):
    """A small synthetic data set with one specimen of each mineral."""
    folder = Path(scratch.name) / f"rruff-{seed}-{gap}-{identities}"
    parameters = {"identities": identities, "specimens": 1, "seed": seed, "gap": gap}
    return load("rruff", synthetic.write("rruff", folder, **parameters))


def score(benchmark):
    """Rank-1 of the cosine, Raman queries and infrared gallery."""
    m = benchmark.table.modality
    return rank1(*cosines(benchmark, m == 0, m == 1))


gaps, seeds = (0.0, 0.25, 0.5, 0.75, 1.0), (0, 1, 2)
scores = np.array([[score(synthetic_set(seed, g)) for g in gaps] for seed in seeds])
assert np.all(np.diff(scores.mean(axis=0)) < 0)

# %% mystnb={"figure": {"caption": "Rank-1 of the cosine against the gap parameter, for three synthetic data sets of 30 paired minerals (thin) and their mean (thick). Only the activities change along a line.", "name": "fig-gap-curve"}, "image": {"alt": "Rank-1 in percent falls steadily on average from about 80 at gap 0 to about 15 at gap 1, for three data sets. A dashed line marks chance, about 3 percent."}}
fig, ax = plt.subplots()
ax.plot(gaps, 100 * scores.T, color=ORANGE, linewidth=0.9, alpha=0.7)
ax.plot(gaps, 100 * scores.mean(axis=0), "o-", color=ORANGE, label="cosine, synthetic")
ax.axhline(100 / 30, color=GREY, linestyle="--", label="chance")
if benchmark.source == "real":
    ax.axhline(
        100 * score(benchmark), color=BLUE, linestyle=":", label=f"cosine, your {len(paired)} minerals"
    )
ax.set(xlabel="gap parameter", ylabel="rank-1 (%)", ylim=(0, 100))
_ = ax.legend()

# %% [markdown]
# At $\delta = 0$ the two spectra differ by noise, line width and range, and rank-1 of the cosine is high. As
# $\delta$ grows, the activities diverge and rank-1 falls to a fraction of that, although no mode changes its
# position.
#
# Measured minerals cannot be placed on this curve, because they differ from ours in more than the gap
# parameter. The row of the cosine in {ref}`the table of measured spectra <table-marrnet-t1>` gives its rank-1
# on real data.
#
# ## What a trained matcher can use
#
# The infrared spectrum of calcite has no peak at 1086 cm$^{-1}$, so no pointwise similarity can link it to that
# Raman line. But minerals with this Raman line are carbonates, and carbonates absorb near 1400 cm$^{-1}$. A
# network can learn such co-occurrence from pairs, and the rule also holds for minerals that were not in the
# training set. A cosine has no parameters to store it. The method of the
# {ref}`following chapters <cmunet-on-spectra>` {cite}`niu2024marrnet` stores it in a U-Net that translates the
# spectra before they are compared.
#
# ## Take-aways
#
# - Raman and infrared spectroscopy measure the same modes. Raman needs a change of the polarisability, infrared
#   a change of the dipole moment. With a centre of symmetry no mode is active in both.
# - The two spectra of a mineral share line positions at best. Intensities, line widths and ranges differ.
# - The cosine compares intensities point by point. It carries some information across modalities, too little to
#   rank by.
# - In the synthetic data set a gap parameter sets this difference. The data set is our model and does not
#   replace measured spectra.
#
# ## Further reading
#
# - The RRUFF project describes its database of mineral spectra {cite}`lafuente2015`.
# - {ref}`notation` lists the symbols of this chapter that have another meaning elsewhere in the book.
# - {ref}`ranking-by-hand` defines the metrics; {ref}`cmunet-on-spectra` builds the first trained method.
#
# ## Exercises

# %% [markdown]
# ```{exercise-start} Selection rules of CO₂
# :label: ex-co2
# ```
# Carbon dioxide is a linear molecule, O=C=O, with a centre of symmetry at the carbon. It has a symmetric
# stretch (both oxygens move outwards), an asymmetric stretch (one outwards, one inwards) and a bend. Which of
# the three are Raman-active, which infrared-active? What changes for OCS, where a sulphur atom replaces one
# oxygen?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-co2
# :class: dropdown
# ```
# The symmetric stretch is even. The dipole moment stays zero and the polarisability changes, so it is
# Raman-active only. The asymmetric stretch and the bend are odd. Both produce an oscillating dipole moment, so
# they are infrared-active only. OCS has no centre of symmetry, and mutual exclusion does not apply: all three
# are allowed in both. The formerly forbidden ones remain *weak*. So intensities differ between modalities even
# where no strict rule holds.
# ```{solution-end}
# ```

# %% [markdown]
# ```{exercise-start} Does blurring help?
# :label: ex-blur
# ```
# Raman lines are narrow, infrared bands broad. Perhaps small misalignments reduce the cosine. Blur both spectra
# with a Gaussian of 4, 16 and 64 points (of 4 cm$^{-1}$) before computing the cosine, with $\delta = 0.75$ and
# three synthetic data sets. Does rank-1 rise?
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
    for seed in seeds:
        data = synthetic_set(seed, 0.75)
        features, m = shared_part(data), data.table.modality
        if width:
            features = gaussian_filter1d(features, width)
        distances = cosine_distances(features[m == 0], features[m == 1])
        ids = data.table.identity
        found.append(nearest_sample_metrics(distances, ids[m == 0], ids[m == 1]).rank(1))
    print(f"blurred by {4 * width:3d} cm-1: rank-1 {np.mean(found):.0%}")

# %% [markdown]
# No, it falls. The preparation already removes misalignments of a few points. More blur makes all spectra
# similar, and removes what the two modalities share: the line positions.
# ```{solution-end}
# ```

# %% [markdown]
# ```{exercise-start} Gallery size
# :label: ex-list
# ```
# Compute rank-1 at $\delta = 0.5$ for data sets of 15, 30 and 60 minerals. Why does it fall, although no
# spectrum became harder to match? What must a paper state together with its rank-1?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-list
# :class: dropdown
# ```

# %%
for identities in (15, 30, 60):
    found = [score(synthetic_set(seed, 0.5, identities)) for seed in seeds]
    print(f"{identities} minerals: rank-1 {np.mean(found):.0%}")

# %% [markdown]
# Every additional mineral adds impostors that can score higher than the true match. The distributions of
# {numref}`fig-histogram` stay the same. So a rank-1 needs the size of the gallery beside it, and two papers
# with different galleries cannot be compared. For that reason every report in this book prints its whole
# protocol in one line.
# ```{solution-end}
# ```

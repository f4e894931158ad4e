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
# (ranking-by-hand)=
# # Ranking metrics by hand
#
# Every table of this book reports rank-1, mAP, mINP or MRR. This chapter computes all four by hand, for four
# queries and six gallery items, and compares the results with the library. It then lists the choices that
# change these metrics without any change to the model.
#
# ```{admonition} Objectives
# :class: tip
# After this chapter you can
# - read CMC, mAP, mINP and MRR off a ranked list;
# - name five choices of the evaluation that change the metrics;
# - state the rule by which we score Raman against infrared spectra, and why ties count against the query;
# - compute how precise a rank-1 on 146 minerals is.
#
# **Prerequisites:** NumPy, and the mean and variance of a binomial variable. {ref}`modality-gap` motivates the
# task. **Time:** about 20 minutes to read; some seconds to run. No training and no data are needed.
# ```

# %% tags=["hide-input"]
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has the rest already; elsewhere the package is installed
    address = "git+https://github.com/xmodal-lite/xmodal-lite@v0.1.0"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", f"xmodal-lite @ {address}"], check=True
    )

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import binom, binomtest

from xmodal_lite import plots
from xmodal_lite.evaluation import nearest_sample_metrics, rank_metrics

plots.use_style()

# %% [markdown]
# ## Four queries and six gallery items
#
# Four Raman spectra are the *queries*. Six infrared spectra of known minerals are the *gallery*. A model has
# mapped each spectrum to a vector. The table below holds the distance of every query to every gallery item; a
# smaller distance means more similar. The numbers are invented and chosen to be easy to follow.

# %%
queries = np.array(["Quartz", "Calcite", "Gypsum", "Beryl"])
gallery = np.array(["Quartz", "Quartz", "Calcite", "Calcite", "Gypsum", "Beryl"])
distances = np.array(
    [
        [0.1, 0.3, 0.2, 0.5, 0.4, 0.6],
        [0.3, 0.2, 0.8, 0.4, 0.5, 0.6],
        [0.4, 0.5, 0.2, 0.7, 0.1, 0.6],
        [0.5, 0.9, 0.2, 0.3, 0.7, 0.6],
    ]
)
pd.DataFrame(distances, index=queries, columns=gallery)

# %% [markdown]
# Each query sorts the gallery by its row. All metrics of this chapter depend only on the ranks of the true
# matches in these four lists.

# %% mystnb={"figure": {"caption": "The gallery sorted by distance to each query, nearest first. True matches are green and ticked.", "name": "fig-ranked-lists"}, "image": {"alt": "Four rows of six cells. The true matches of the Quartz query have ranks 1 and 3, of Calcite 3 and 6, of Gypsum 1, of Beryl 4."}}
ranked = [gallery[np.argsort(row, kind="stable")] for row in distances]
_ = plots.plot_ranking(queries, ranked, "Two of the four queries have a true match at rank 1")

# %%
# NBVAL_CHECK_OUTPUT
ranks = []
for query, row in zip(queries, ranked):
    ranks.append([rank for rank, name in enumerate(row, start=1) if name == query])
    print(f"{query:8} true matches at ranks {ranks[-1]}")

# %% [markdown]
# Quartz and Calcite have two true matches in the gallery, Gypsum and Beryl have one. Write $M_q$ for the number
# of true matches of query $q$, and $\rho_{q,1} < \rho_{q,2} < \dots$ for their ranks. For Quartz $M = 2$,
# $\rho_1 = 1$ and $\rho_2 = 3$. The four lists just printed are the input of all metrics.
#
# ## Rank of the first true match: CMC and MRR
#
# The *cumulative match characteristic* (CMC) at $k$ is the share of queries with at least one true match among
# the first $k$ items. Its first value is **rank-1**, often called accuracy. The *mean reciprocal rank* (MRR)
# averages $1 / \rho_{q,1}$.
#
# $$
# \operatorname{CMC}(k) = \frac{1}{|\mathcal Q|} \sum_{q \in \mathcal Q} \mathbb 1[\rho_{q,1} \le k],
# \qquad
# \operatorname{MRR} = \frac{1}{|\mathcal Q|} \sum_{q \in \mathcal Q} \frac{1}{\rho_{q,1}}
# $$
#
# By hand: the first true matches have ranks 1, 3, 1 and 4. Two of four have rank 1, so rank-1 is 50 %. No query
# is added at $k = 2$, Calcite at $k = 3$, Beryl at $k = 4$. The mean reciprocal rank is
# $(1 + \frac13 + 1 + \frac14) / 4 = \frac{31}{48}$.

# %%
# NBVAL_CHECK_OUTPUT
first = [found[0] for found in ranks]
cmc = [sum(rank <= k for rank in first) / len(first) for k in range(1, 7)]
mrr = sum(1 / rank for rank in first) / len(first)
print("CMC(1..6):", *(f"{100 * value:.0f} %" for value in cmc))
print(f"MRR: {mrr:.3f}, and 31/48 is {31 / 48:.3f}")

# %% [markdown]
# ## Ranks of all true matches: average precision
#
# CMC ignores every true match after the first. A model that puts the second Quartz at rank 6 should score lower
# than one that puts it at rank 3. For each prefix of the list of Quartz, the next cell prints the share of true
# matches in the prefix (*precision*) and the share of all true matches that the prefix contains (*recall*).

# %%
# NBVAL_CHECK_OUTPUT
found = 0
print("rank  item     precision  recall")
for rank, name in enumerate(ranked[0], start=1):
    found += name == "Quartz"
    mark = "<- true match" if name == "Quartz" else ""
    print(f"{rank:4}  {name:8} {found}/{rank:<7} {found:>4}/2   {mark}")

# %% mystnb={"figure": {"caption": "Precision over recall for every prefix of the Quartz list. An impostor lowers precision; a true match raises recall. Average precision is the mean precision of the full dots.", "name": "fig-precision-recall"}, "image": {"alt": "Precision over recall for one list. Full dots, prefixes that end on a true match, lie at recall 50 percent, precision 100, and at recall 100, precision 67. Open dots, prefixes that end on an impostor, lie below them."}}
_ = plots.plot_precision_recall(ranks[0], len(gallery), "Every impostor lowers the precision")

# %% [markdown]
# *Average precision* (AP) is the mean of the precisions at the ranks of the true matches, here
# $(\frac11 + \frac23) / 2 = \frac56$. At the $j$-th true match, $j$ of the first $\rho_{q,j}$ items are true
# matches, so
#
# $$
# \operatorname{AP}_q = \frac{1}{M_q} \sum_{j=1}^{M_q} \frac{j}{\rho_{q,j}},
# \qquad
# \operatorname{mAP} = \frac{1}{|\mathcal Q|} \sum_{q \in \mathcal Q} \operatorname{AP}_q
# $$
#
# Person re-identification has used this definition since {cite:t}`zheng2015`. Information retrieval also has an
# interpolated AP, with other values; it is not used in this book.

# %%
# NBVAL_CHECK_OUTPUT
ap = [np.mean([j / rank for j, rank in enumerate(found, start=1)]) for found in ranks]
for query, found, value in zip(queries, ranks, ap):
    terms = " + ".join(f"{j}/{rank}" for j, rank in enumerate(found, start=1))
    print(f"{query:8} ({terms}) / {len(found)} = {value:.3f}")
print(f"mAP      {np.mean(ap):.3f}")

# %% [markdown]
# ## Rank of the last true match: mINP
#
# Some applications need *every* image of a person. They must read the list down to the last true match. The
# *inverse negative penalty* (INP) {cite}`ye2022` is the share of true matches in that part of the list; larger
# is better:
#
# $$
# \operatorname{INP}_q = \frac{M_q}{\rho_{q,M_q}},
# \qquad
# \operatorname{mINP} = \frac{1}{|\mathcal Q|} \sum_{q \in \mathcal Q} \operatorname{INP}_q
# $$
#
# INP depends only on the last true match. The second true match of Calcite has the last rank of the list, so
# its INP is $\frac26$, whatever the rank of the first.

# %%
# NBVAL_CHECK_OUTPUT
inp = [len(found) / found[-1] for found in ranks]
for query, found, value in zip(queries, ranks, inp):
    print(f"{query:8} {len(found)}/{found[-1]} = {value:.3f}")
print(f"mINP     {np.mean(inp):.3f}")

# %% [markdown]
# ## The same metrics from the library
#
# `rank_metrics` takes distances and identities of any number of queries and returns all four metrics.

# %%
# NBVAL_CHECK_OUTPUT
scores = rank_metrics(distances, queries, gallery, max_rank=6)
assert np.allclose(scores.cmc, cmc)
assert np.allclose([scores.mrr, scores.map, scores.minp], [mrr, np.mean(ap), np.mean(inp)])
print(f"rank-1 {scores.rank(1):.3f}   mAP  {scores.map:.3f}   of {scores.valid_queries} queries")
print(f"MRR    {scores.mrr:.3f}   mINP {scores.minp:.3f}")

# %% [markdown]
# The function has no loop over queries. The middle of the block below holds the formulas: `column + 1` is
# $\rho$, `number` is $j$, `matches` is $M$, and `bincount` sums within a query. The tests compare it with the
# loops above on hundreds of random tables with many ties.
#
# ```{literalinclude} ../xmodal_lite/evaluation/ranking.py
# :language: python
# :pyobject: _rank_block
# ```
#
# ## Five evaluation choices that change the metrics
#
# Two groups that evaluate the same model can publish different numbers, and both can be correct. The difference
# usually comes from one of the following five choices. Our `Report` therefore prints its protocol.
#
# ### Ties
#
# Suppose that training failed and all distances are equal. The ranked list is then the order in which the
# gallery is stored:

# %%
# NBVAL_CHECK_OUTPUT
constant = np.zeros_like(distances)
backwards = gallery[::-1]
for name, order in (("as stored", gallery), ("backwards", backwards)):
    print(f"{name}: mAP {rank_metrics(constant, queries, order).map:.3f}")

# %% [markdown]
# The same uninformative model gets two scores. A *stable* sort keeps the order of equal items and so returns
# the same result every time; `rank_metrics` uses one. Widely used re-identification code calls `np.argsort`
# with its default, which is not stable ([an example](https://github.com/mangye16/Cross-Modal-Re-ID-baseline),
# `eval_metrics.py`), so the order of ties is unspecified there. For minerals the protocol is our own, and ties
# count *against* the query ({ref}`our-rule-for-minerals`).
#
# ### Queries without a true match
#
# If Beryl is removed from the gallery, the Beryl query has no true match. It can be left out of the mean or
# counted as a failure:

# %%
# NBVAL_CHECK_OUTPUT
smaller = rank_metrics(distances[:, :5], queries, gallery[:5])
as_zero = smaller.map * smaller.valid_queries / len(queries)
print(f"left out:     mAP {smaller.map:.3f} of {smaller.valid_queries} queries")
print(f"counted as 0: mAP {as_zero:.3f} of {len(queries)} queries")

# %% [markdown]
# We leave it out, as the benchmarks do. mAP *rises* from 0.604, because the query with the lowest score is left
# out. For that reason `valid_queries` is part of the result.
#
# ### Excluded pairs
#
# Benchmarks exclude some pairs. If two cameras are in one room, the background reveals the match, so gallery
# images from such a camera are removed from the list of that query only. Here the first Quartz of the gallery
# is excluded for the Quartz query:

# %%
# NBVAL_CHECK_OUTPUT
excluded = np.zeros(distances.shape, dtype=bool)
excluded[0, 0] = True
without = rank_metrics(distances, queries, gallery, excluded)
print(f"rank-1 {100 * without.rank(1):.0f} % instead of {100 * scores.rank(1):.0f} %")

# %% [markdown]
# The list of the Quartz query now begins with Calcite, and the second Quartz has rank 2.
#
# ### Counting images or identities
#
# The list of the Calcite query begins with Quartz, Quartz, Calcite. Counting images, its first true match has
# rank 3. Counting *identities*, repeated names are removed and it has rank 2. Both versions are published under
# the name "rank-k".

# %% mystnb={"figure": {"caption": "One ranking, two CMC curves. Counting identities, repeated names are removed. Rank-1 is the same by definition; from rank-2 on the curves are not comparable.", "name": "fig-cmc-counts"}, "image": {"alt": "CMC over rank 1 to 6. Both curves start at 50 percent. Counting images: 50, 75, 100 percent at ranks 2, 3, 4. Counting identities: 75 and 100 percent at ranks 2 and 3."}}
by_identity = rank_metrics(distances, queries, gallery, count="identities", max_rank=6)
_ = plots.plot_cmc(
    {"identities count once": by_identity.cmc, "every image counts": scores.cmc},
    "Rank-2 is 75 % or 50 %, depending on what is counted",
)

# %%
# NBVAL_CHECK_OUTPUT
print("images:    ", *(f"{100 * value:3.0f}" for value in scores.cmc))
print("identities:", *(f"{100 * value:3.0f}" for value in by_identity.cmc))

# %% [markdown]
# ### The gallery
#
# A protocol must state whether the gallery has one image per identity or ten, and whether it is sampled once or
# averaged over ten trials. A larger gallery makes the task harder. Metrics from two different galleries cannot
# be compared, and no formula corrects for it afterwards.
#
# (our-rule-for-minerals)=
# ## Our rule for minerals
#
# A mineral has several spectra, from several specimens and lasers. The task is to find the *mineral*, so the
# ranked list is a list of minerals. No protocol was published for this task. We chose three rules:
#
# 1. **Nearest sample.** The distance of a query to a mineral is the distance to the nearest spectrum of that
#    mineral.
# 2. **Ties count against the query.** The rank of the true mineral is one plus the number of *other* minerals
#    that are at least as near. A constant embedding then gets the last rank.
# 3. **Equal weight per mineral.** Scores are averaged over the spectra of a mineral, then over minerals.
#    Otherwise a mineral with forty spectra would dominate the mean.
#
# ```{literalinclude} ../xmodal_lite/evaluation/nearest_sample.py
# :language: python
# :pyobject: _rank_of_own_identity
# ```
#
# By hand, for three Raman spectra of Quartz and one of Calcite:

# %%
# NBVAL_CHECK_OUTPUT
names = ["Quartz", "Quartz", "Quartz", "Calcite"]
table = np.array(
    [
        [0.1, 0.3, 0.2, 0.5, 0.4, 0.6],  # Quartz 0.1 is nearest: rank 1
        [0.9, 0.2, 0.3, 0.5, 0.4, 0.6],  # Quartz 0.2, by its other spectrum: rank 1
        [0.3, 0.4, 0.3, 0.5, 0.4, 0.6],  # Quartz 0.3 ties with Calcite: rank 2
        [0.3, 0.2, 0.8, 0.4, 0.5, 0.6],  # Calcite 0.4 after Quartz: rank 2
    ]
)
minerals = nearest_sample_metrics(table, names, gallery)
assert np.isclose(minerals.rank(1), (2 / 3 + 0) / 2)
assert np.isclose(minerals.mrr, ((1 + 1 + 1 / 2) / 3 + 1 / 2) / 2)
print(f"rank-1: 2 of 4 spectra, but {100 * minerals.rank(1):.1f} % by minerals")
print(f"rank-1 of a constant embedding: {nearest_sample_metrics(constant, queries, gallery).rank(1)}")

# %% [markdown]
# ## How precise is a rank-1?
#
# Protocol A tests on two fifths of 365 minerals, that is, on 146. Suppose a model matches 29 of them correctly.
# If the test minerals are a random sample of a large population, Wilson's interval {cite}`wilson1927` gives the
# true rates that are compatible with this result.

# %%
# NBVAL_CHECK_OUTPUT
tested = 365 - round(0.6 * 365)
for right in (15, 29, 73, 117):
    low, high = 100 * np.array(binomtest(right, tested).proportion_ci(method="wilson"))
    score = 100 * right / tested
    print(f"{right:3} of {tested}: rank-1 {score:4.1f} %, true rate {low:4.1f} to {high:4.1f} %")

# %% [markdown]
# At 20 % the interval is thirteen points wide. Now compare two models with true rates of 20 % and 25 %, each
# tested on its own 146 minerals.

# %% mystnb={"figure": {"caption": "Distribution of rank-1 on 146 minerals for two models whose true rates are 20 % and 25 %. The distributions overlap, so a single split often cannot separate the models.", "name": "fig-exam-luck"}, "image": {"alt": "Two bell-shaped distributions of rank-1, centred at 20 and 25 percent, each about 13 points wide, overlapping over half of their width."}}
counts = np.arange(tested + 1)
chances = {rate: binom.pmf(counts, tested, rate) for rate in (0.20, 0.25)}
styles = ({"color": plots.GREEN}, {"color": plots.PURPLE, "hatch": "//"})
_, ax = plt.subplots()
for (rate, chance), style in zip(chances.items(), styles):
    x, y, label = 100 * counts / tested, 100 * chance, f"true rate {100 * rate:.0f} %"
    ax.fill_between(x, y, step="mid", alpha=0.6, label=label, **style)
ax.set(xlabel="rank-1 on 146 minerals (%)", ylabel="probability of this score (%)")
ax.set(xlim=(8, 38), ylim=0, title="One test set can rank the worse model first")
_ = ax.legend()

# %%
# NBVAL_CHECK_OUTPUT
worse, better = chances[0.20], chances[0.25]
at_least = worse[::-1].cumsum()[::-1]  # probability of this many correct, or more
upset = (better * at_least).sum()
print(f"the worse model scores at least as well in {100 * upset:.0f} % of such pairs of test sets")

# %% [markdown]
# For this reason we test over five seeds, print an interval over the seeds with every mean, and compare two
# methods on the *same* splits. A split that is hard for one method is usually hard for the other, so their
# difference varies less than either score.
#
# Two limitations remain. First, each test mineral is scored by the mean over its spectra, which varies less
# than a single correct or wrong answer, so Wilson's interval is slightly too wide for it. Second, the five
# splits divide the same 365 minerals, so their training sets overlap and the five scores are not independent.
# An interval that assumes independence is too narrow {cite}`nadeau2003`; the tables of this book correct for it.
# The corrected interval describes the variation over splits and training, and not over another collection of
# minerals.
#
# ## Take-aways
#
# - Ranking metrics depend on the ranks of the true matches: CMC and MRR on the first, mAP on all, mINP on the
#   last.
# - Ties, queries without a true match, excluded pairs, counting images or identities, and the gallery change
#   the metrics. A report must state all five.
# - Our rule for minerals: nearest sample, ties against the query, equal weight per mineral.
# - At 20 %, a rank-1 on 146 minerals is uncertain by about six points in each direction. Compare methods on the
#   same splits, with an interval.
#
# ## Further reading
#
# - {cite:t}`zheng2015` introduced mAP to person re-identification, {cite:t}`ye2022` mINP.
# - {cite:t}`nadeau2003` derive intervals for overlapping training sets.
# - {ref}`protocols` applies these metrics to the benchmarks of people, with their exclusions and galleries.
#
# ## Exercises
#
# ```{exercise} By hand
# :label: ex-by-hand
# A list of ten items has true matches at ranks 2, 3 and 7. What are its reciprocal rank, AP and INP?
# ```
#
# ````{solution-start} ex-by-hand
# :class: dropdown
# ````
# The first true match has rank 2, so the reciprocal rank is $\frac12$. The precisions at the three ranks are
# $\frac12, \frac23, \frac37$, so $\operatorname{AP} = \frac{67}{126} \approx 0.532$. The last true match has
# rank 7, so $\operatorname{INP} = \frac37 \approx 0.429$. Check:

# %%
# NBVAL_CHECK_OUTPUT
right = np.isin(np.arange(1, 11), [2, 3, 7])
answer = rank_metrics([np.arange(10.0)], [True], right)
print(f"RR {answer.mrr:.3f}   AP {answer.map:.3f}   INP {answer.minp:.3f}")

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Which model is better?
# :label: ex-which
# One query has two true matches among thirty items. Model A gives them the ranks 1 and 20, model B the ranks 2
# and 3. Which model is better by rank-1, by mAP, by mINP? Which would you use to identify one stone, and which
# to find every stone of a kind?
# ```
#
# ```{solution} ex-which
# :class: dropdown
# Rank-1: A, by 1 to 0. AP: A has $(1 + \frac{2}{20})/2 = 0.55$, B has $(\frac12 + \frac23)/2 \approx 0.583$, so
# B is slightly better. INP: A has $\frac{2}{20} = 0.1$, B has $\frac23$, so B is much better. Model A suits the
# first task, model B the second. A table that prints only one metric favours one of the two tasks.
# ```
#
# ```{exercise} A constant network scores 100 %
# :label: ex-leader
# A colleague gives each query its own small gallery, the true match and nine impostors, and counts how often
# `np.argmin(distances)` is correct. A network with constant output scores 100 %. Why, and which rule of this
# chapter would have revealed the error?
# ```
#
# ````{solution-start} ex-leader
# :class: dropdown
# ````
# All distances are equal, and `argmin` returns the first of equal values. The true match was stored first in
# every gallery. A stable sort has the same flaw. If ties count against the query, the score is 0:

# %%
# NBVAL_CHECK_OUTPUT
equal = np.zeros((1, 10))
print("stable order:      ", rank_metrics(equal, [0], np.arange(10)).rank(1))
print("ties count against:", nearest_sample_metrics(equal, [0], np.arange(10)).rank(1))

# %% [markdown]
# Equal features do not always give exactly equal distances: a matrix product rounds differently for different
# positions in memory, so distances can differ in the last digit. Before ranking minerals, the library rounds
# distances to nine decimals.
#
# ````{solution-end}
# ````
#
# ```{exercise} How many test minerals?
# :label: ex-larger
# How many minerals must be tested for Wilson's interval at 20 % to be at most six points wide?
# ```
#
# ````{solution-start} ex-larger
# :class: dropdown
# ````
# The width is proportional to one over the square root of the number. For 146 minerals it is thirteen points,
# so about $146 \cdot (13/6)^2 \approx 685$ are needed. More exactly:


# %%
# NBVAL_CHECK_OUTPUT
def width(minerals):
    low, high = binomtest(minerals // 5, minerals).proportion_ci(method="wilson")
    return high - low


print(next(n for n in range(5, 2000, 5) if width(n) <= 0.06), "minerals")

# %% [markdown]
# ````{solution-end}
# ````

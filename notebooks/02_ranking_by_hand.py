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
# Every table of this book ends in the same few numbers: rank-1, mAP, mINP, MRR. This chapter computes
# all of them with pencil and paper, on four queries and six candidates, and then asks the library for
# the same.
#
# After it you can
#
# - read CMC, mAP, mINP and MRR off a ranked list,
# - name five choices that change the numbers without any change to the model,
# - state the rule by which we score Raman against infrared spectra, and why ties count against us,
# - say how far a rank-1 from 146 minerals can be trusted.
#
# It needs no training and no data, and runs in seconds.

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
# ## Four questions, six candidates
#
# Someone hands us four Raman spectra, the *queries*, and six infrared spectra whose minerals are known,
# the *gallery*. A model has turned each spectrum into a vector, and all that is left of it is this
# table: the distance of every query to every gallery item. Smaller is nearer. The numbers are made up,
# so that they are easy to follow.

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
# Each query sorts the gallery by its row. That is the whole of retrieval; everything that follows only
# looks at where, in these four lists, the right names stand.

# %% mystnb={"figure": {"caption": "The gallery as each query sees it, nearest first. Right answers are green and ticked.", "name": "fig-ranked-lists"}, "image": {"alt": "Four rows of six cells. The Quartz query finds its matches at places 1 and 3, Calcite at 3 and 6, Gypsum at 1, Beryl at 4."}}
ranked = [gallery[np.argsort(row, kind="stable")] for row in distances]
_ = plots.plot_ranking(queries, ranked, "Two of the four queries have a right answer in front")

# %%
# NBVAL_CHECK_OUTPUT
places = []
for query, row in zip(queries, ranked):
    places.append([place for place, name in enumerate(row, start=1) if name == query])
    print(f"{query:8} finds its own at {places[-1]}")

# %% [markdown]
# Quartz and Calcite have two right answers in the gallery, Gypsum and Beryl have one. Write $M_q$ for
# the number of right answers of query $q$, and $\rho_{q,1} < \rho_{q,2} < \dots$ for the places at
# which they stand: for Quartz $M = 2$, $\rho_1 = 1$, $\rho_2 = 3$. The four lists of numbers just
# printed are all that the metrics need.
#
# ## How soon comes the first right answer? CMC and MRR
#
# The *cumulative match characteristic* at $k$ is the share of queries with at least one right answer
# among the first $k$. **Rank-1** is its first value, and what most people mean by accuracy.
#
# $$
# \operatorname{CMC}(k) = \frac{1}{|\mathcal Q|} \sum_{q \in \mathcal Q} \mathbb 1[\rho_{q,1} \le k],
# \qquad
# \operatorname{MRR} = \frac{1}{|\mathcal Q|} \sum_{q \in \mathcal Q} \frac{1}{\rho_{q,1}}
# $$
#
# By hand: the first right answers stand at 1, 3, 1 and 4. Two of four are at 1, so rank-1 is 50 %.
# Nobody joins at 2, Calcite does at 3, Beryl at 4. The mean reciprocal rank is $(1 + \frac13 + 1 +
# \frac14) / 4 = \frac{31}{48}$.

# %%
# NBVAL_CHECK_OUTPUT
first = [where[0] for where in places]
cmc = [sum(place <= k for place in first) / len(first) for k in range(1, 7)]
mrr = sum(1 / place for place in first) / len(first)
print("CMC(1..6):", *(f"{100 * value:.0f} %" for value in cmc))
print(f"MRR: {mrr:.3f}, and 31/48 is {31 / 48:.3f}")

# %% [markdown]
# ## And the others? Average precision
#
# CMC stops at the first right answer. Quartz has a second one, and a model that puts it at place 6
# deserves less than one that puts it at 3. So walk down the list of Quartz and note at each place how
# pure the list is so far
# (*precision*) and how much of what there is has been found (*recall*).

# %%
# NBVAL_CHECK_OUTPUT
found = 0
print("place  item     precision  recall")
for place, name in enumerate(ranked[0], start=1):
    found += name == "Quartz"
    mark = "<- right" if name == "Quartz" else ""
    print(f"{place:5}  {name:8} {found}/{place:<7} {found:>4}/2   {mark}")

# %% mystnb={"figure": {"caption": "The walk down the Quartz list as precision over recall. On a miss precision drops; on a match recall moves right. Average precision is the mean height of the full dots.", "name": "fig-precision-recall"}, "image": {"alt": "Precision over recall for one list. Full dots, cuts that end on a match, lie at recall 50 percent, precision 100, and at recall 100, precision 67. Open dots, cuts that end on a miss, hang below them."}}
_ = plots.plot_precision_recall(places[0], len(gallery), "Every miss on the way costs precision")

# %% [markdown]
# *Average precision* is the mean of the precisions at the right answers, here $(\frac11 + \frac23) / 2 =
# \frac56$. At the $j$-th right answer, $j$ of the $\rho_{q,j}$ items so far are right, so
#
# $$
# \operatorname{AP}_q = \frac{1}{M_q} \sum_{j=1}^{M_q} \frac{j}{\rho_{q,j}},
# \qquad
# \operatorname{mAP} = \frac{1}{|\mathcal Q|} \sum_{q \in \mathcal Q} \operatorname{AP}_q
# $$
#
# as person re-identification has used it since {cite:t}`zheng2015`. (Textbooks of information retrieval
# also have an interpolated AP, with other values. Nobody here uses it.)

# %%
# NBVAL_CHECK_OUTPUT
ap = [np.mean([j / place for j, place in enumerate(where, start=1)]) for where in places]
for query, where, value in zip(queries, places, ap):
    terms = " + ".join(f"{j}/{place}" for j, place in enumerate(where, start=1))
    print(f"{query:8} ({terms}) / {len(where)} = {value:.3f}")
print(f"mAP      {np.mean(ap):.3f}")

# %% [markdown]
# ## How far to the last one? mINP
#
# A detective who must find *every* appearance of a person reads the list until the last one. The
# *inverse negative penalty* {cite}`ye2022` is the share of that reading which was worth it:
#
# $$
# \operatorname{INP}_q = \frac{M_q}{\rho_{q,M_q}},
# \qquad
# \operatorname{mINP} = \frac{1}{|\mathcal Q|} \sum_{q \in \mathcal Q} \operatorname{INP}_q
# $$
#
# It looks at nothing but the far end. The second right answer of Calcite is the very last item, so its
# INP is $\frac26$, however well the list begins.

# %%
# NBVAL_CHECK_OUTPUT
inp = [len(where) / where[-1] for where in places]
for query, where, value in zip(queries, places, inp):
    print(f"{query:8} {len(where)}/{where[-1]} = {value:.3f}")
print(f"mINP     {np.mean(inp):.3f}")

# %% [markdown]
# ## The same from the library
#
# `rank_metrics` takes distances and identities, of any number of queries, and returns all of it at once.

# %%
# NBVAL_CHECK_OUTPUT
scores = rank_metrics(distances, queries, gallery, max_rank=6)
assert np.allclose(scores.cmc, cmc)
assert np.allclose([scores.mrr, scores.map, scores.minp], [mrr, np.mean(ap), np.mean(inp)])
print(f"rank-1 {scores.rank(1):.3f}   mAP  {scores.map:.3f}   of {scores.valid_queries} queries")
print(f"MRR    {scores.mrr:.3f}   mINP {scores.minp:.3f}")

# %% [markdown]
# There is no loop over queries in it. The middle of the function below holds the formulas: `column + 1` is
# $\rho$, `number` is $j$, `matches` is $M$, and sums within a query are done by `bincount`. The loops
# above are what the tests compare it with, on hundreds of random tables full of ties.
#
# ```{literalinclude} ../xmodal_lite/evaluation/ranking.py
# :language: python
# :pyobject: _rank_block
# ```
#
# ## Five choices that are not the model's
#
# Two groups that evaluate one model can publish different numbers, and both can be right. What differs
# is mostly among the following five. A number without them is half a number, which is why our `Report`
# prints its protocol.
#
# ### Ties
#
# Suppose that training went wrong and every distance is the same. Then the "ranked list" is just the
# order in which the gallery was stored:

# %%
# NBVAL_CHECK_OUTPUT
dead = np.zeros_like(distances)
backwards = gallery[::-1]
for name, order in (("as stored", gallery), ("backwards", backwards)):
    print(f"{name}: mAP {rank_metrics(dead, queries, order).map:.3f}")

# %% [markdown]
# Two scores for one model that knows nothing. A *stable* sort, which keeps the order of equal items, at
# least gives the same answer every time, and `rank_metrics` does that, as the common protocols of
# re-identification expect. An unstable one does not promise even that. Where a protocol is ours to
# define, as for minerals, ties count *against* the query; we come to that below.
#
# ### Queries without a right answer
#
# Take Beryl out of the gallery. The Beryl query can no longer be answered. Is it left out of the mean,
# or does it count as a failure?

# %%
# NBVAL_CHECK_OUTPUT
smaller = rank_metrics(distances[:, :5], queries, gallery[:5])
as_zero = smaller.map * smaller.valid_queries / len(queries)
print(f"left out:     mAP {smaller.map:.3f} of {smaller.valid_queries} queries")
print(f"counted as 0: mAP {as_zero:.3f} of {len(queries)} queries")

# %% [markdown]
# We leave it out, as the benchmarks do. Note that mAP went *up* from 0.604: the hardest question left
# the exam. That is why `valid_queries` belongs to the result.
#
# ### Excluded pairs
#
# Some pairs are too easy to be asked. If query and candidate were photographed by two cameras in one
# room, the background gives the answer away, and benchmarks take such candidates out of that query's
# list, and of no other. Here the first Quartz of the gallery is closed to the Quartz query:

# %%
# NBVAL_CHECK_OUTPUT
excluded = np.zeros(distances.shape, dtype=bool)
excluded[0, 0] = True
without = rank_metrics(distances, queries, gallery, excluded)
print(f"rank-1 {100 * without.rank(1):.0f} % instead of {100 * scores.rank(1):.0f} %")

# %% [markdown]
# Its list now begins with Calcite, and the second Quartz moves up to place 2.
#
# ### Images or identities
#
# The Calcite query meets Quartz, Quartz, then Calcite. Is Calcite third, or second? Both are in use
# under the one name of "rank-k". Counting *identities* drops the repetitions from the list and keeps
# the first of each.

# %% mystnb={"figure": {"caption": "One ranking, two CMC curves: counting identities, repeated names take no place. Rank-1 is the same by definition; from rank-2 on the two are not comparable.", "name": "fig-cmc-counts"}, "image": {"alt": "CMC over rank 1 to 6. Both curves start at 50 percent. Counting images: 50, 75, 100 percent at ranks 2, 3, 4. Counting identities: 75 and 100 percent at ranks 2 and 3."}}
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
# ### The gallery itself
#
# One image of each identity or ten? Drawn once, or ten times and averaged? A larger gallery is a harder
# exam. No formula repairs that afterwards: two numbers from two galleries do not compare.
#
# ## Our rule for minerals
#
# A mineral comes with several spectra: other specimens, other lasers. The question is *which mineral*,
# so the list to rank is one of minerals, and we settle three things. They are ours; no protocol was
# published.
#
# 1. **Best spectrum.** A mineral of the gallery is as near as its nearest spectrum.
# 2. **Ties count against the query.** Its place is one plus the number of *other* minerals at least as
#    near. A dead embedding then scores the last place, not luck.
# 3. **Each mineral weighs the same.** First the mean over the spectra of a mineral, then over minerals.
#    Otherwise a mineral that was measured forty times would decide the result.
#
# ```{literalinclude} ../xmodal_lite/evaluation/nearest_sample.py
# :language: python
# :pyobject: _place_of_own_identity
# ```
#
# By hand, on three Raman spectra of Quartz and one of Calcite:

# %%
# NBVAL_CHECK_OUTPUT
names = ["Quartz", "Quartz", "Quartz", "Calcite"]
table = np.array(
    [
        [0.1, 0.3, 0.2, 0.5, 0.4, 0.6],  # Quartz 0.1 before all: place 1
        [0.9, 0.2, 0.3, 0.5, 0.4, 0.6],  # Quartz 0.2, by its other spectrum: place 1
        [0.3, 0.4, 0.3, 0.5, 0.4, 0.6],  # Quartz 0.3 ties with Calcite: place 2
        [0.3, 0.2, 0.8, 0.4, 0.5, 0.6],  # Calcite 0.4 behind Quartz: place 2
    ]
)
minerals = nearest_sample_metrics(table, names, gallery)
assert np.isclose(minerals.rank(1), (2 / 3 + 0) / 2)
assert np.isclose(minerals.mrr, ((1 + 1 + 1 / 2) / 3 + 1 / 2) / 2)
print(f"rank-1: 2 of 4 spectra, but {100 * minerals.rank(1):.1f} % by minerals")
print(f"rank-1 of the dead embedding: {nearest_sample_metrics(dead, queries, gallery).rank(1)}")

# %% [markdown]
# ## How much is a rank-1 worth?
#
# Protocol A tests on two fifths of 365 minerals. Say that a model gets 29 of these 146 right. If the
# minerals are a random sample of all that could have been asked, Wilson's interval says which true
# rates fit with that.

# %%
# NBVAL_CHECK_OUTPUT
tested = 365 - round(0.6 * 365)
for right in (15, 29, 73, 117):
    low, high = 100 * np.array(binomtest(right, tested).proportion_ci(method="wilson"))
    score = 100 * right / tested
    print(f"{right:3} of {tested}: rank-1 {score:4.1f} %, true rate {low:4.1f} to {high:4.1f} %")

# %% [markdown]
# Thirteen points wide at 20 %! Now let two models take the exam, one with a true rate of 20 % and one
# of 25 %, each on 146 minerals of its own.

# %% mystnb={"figure": {"caption": "What one exam of 146 minerals can show for two models, one of which is better by a quarter. The two overlap: a single split often cannot tell them apart.", "name": "fig-exam-luck"}, "image": {"alt": "Two bell-shaped distributions of rank-1, centred at 20 and 25 percent, each about 13 points wide, overlapping over half of their width."}}
counts = np.arange(tested + 1)
chances = {rate: binom.pmf(counts, tested, rate) for rate in (0.20, 0.25)}
looks = ({"color": plots.GREEN}, {"color": plots.PURPLE, "hatch": "//"})
_, ax = plt.subplots()
for (rate, chance), look in zip(chances.items(), looks):
    x, y, label = 100 * counts / tested, 100 * chance, f"true rate {100 * rate:.0f} %"
    ax.fill_between(x, y, step="mid", alpha=0.6, label=label, **look)
ax.set(xlabel="rank-1 on 146 minerals (%)", ylabel="chance of this score (%)")
ax.set(xlim=(8, 38), ylim=0, title="One exam can put the worse model in front")
_ = ax.legend()

# %%
# NBVAL_CHECK_OUTPUT
worse, better = chances[0.20], chances[0.25]
at_least = worse[::-1].cumsum()[::-1]  # chance of this many right, or more
upset = (better * at_least).sum()
print(f"the worse model scores at least as well in {100 * upset:.0f} % of such pairs of exams")

# %% [markdown]
# So we test over five seeds, print an interval over the seeds beside every mean, and compare two
# methods on the *same* splits: what is hard for one is mostly hard for the other, so their difference
# is steadier than either score.
#
# Two words of caution. A mineral of the real test is scored by the mean over its spectra, which varies
# less than the plain right or wrong of Wilson's interval, so that interval is a little too wide. And
# five splits of one set of 365 minerals share most of their minerals; an interval over seeds says how
# the *split and the training* vary, not how another collection of minerals would fare.
#
# ## Exercises
#
# ```{exercise} By hand
# :label: ex-by-hand
# A list of ten holds right answers at places 2, 3 and 7. What are its reciprocal rank, AP and INP?
# ```
#
# ````{solution-start} ex-by-hand
# :class: dropdown
# ````
# The first right answer is at 2, so the reciprocal rank is $\frac12$. The precisions at the three are
# $\frac12, \frac23, \frac37$, so $\operatorname{AP} = \frac{67}{126} \approx 0.532$. The last is at 7, so
# $\operatorname{INP} = \frac37 \approx 0.429$. Check:

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
# For one query with two right answers among thirty, model A puts them at places 1 and 20, model B at 2
# and 3. Which model wins by rank-1, by mAP, by mINP? Which would you give to someone who identifies one
# stone, and which to someone who must find every stone of a kind?
# ```
#
# ```{solution} ex-which
# :class: dropdown
# Rank-1: A, by 1 to 0. AP: A has $(1 + \frac{2}{20})/2 = 0.55$, B has $(\frac12 + \frac23)/2 \approx
# 0.583$, so B by a little. INP: A has $\frac{2}{20} = 0.1$, B $\frac23$, so B by far. The first person
# takes A, the second B. No single number serves both, and a table that prints only one has chosen its
# reader.
# ```
#
# ```{exercise} A suspicious leader board
# :label: ex-leader
# A colleague gives each query a small gallery of its own, the right spectrum and nine wrong ones, and
# counts how often `np.argmin(distances)` is right. A network whose output is constant reaches 100 %.
# How can that be, and which rule of this chapter would have shown it?
# ```
#
# ````{solution-start} ex-leader
# :class: dropdown
# ````
# All distances are equal, and `argmin` returns the first of equals. The right spectrum was stored first in
# every gallery. A stable sort has the same flaw. Let ties count against the query, and the score is 0:

# %%
# NBVAL_CHECK_OUTPUT
constant = np.zeros((1, 10))
print("stable order:      ", rank_metrics(constant, [0], np.arange(10)).rank(1))
print("ties count against:", nearest_sample_metrics(constant, [0], np.arange(10)).rank(1))

# %% [markdown]
# Exact ties are rarer than they should be, though: a matrix product rounds differently from place to
# place, so equal features can come out at distances that differ in the last digit. Before it ranks
# minerals, the library rounds distances to nine decimals.
#
# ````{solution-end}
# ````
#
# ```{exercise} A larger exam
# :label: ex-larger
# How many minerals must be tested for Wilson's interval at 20 % to be at most six points wide?
# ```
#
# ````{solution-start} ex-larger
# :class: dropdown
# ````
# The width shrinks as one over the root of the number, and 146 minerals give thirteen points, so about
# $146 \cdot (13/6)^2 \approx 685$. More exactly:


# %%
# NBVAL_CHECK_OUTPUT
def width(minerals):
    low, high = binomtest(minerals // 5, minerals).proportion_ci(method="wilson")
    return high - low


print(next(n for n in range(5, 2000, 5) if width(n) <= 0.06), "minerals")

# %% [markdown]
# ````{solution-end}
# ````
#
# ## Take-aways
#
# - A ranking is worth what its places of right answers say: the first (CMC, MRR), all of them (mAP),
#   the last (mINP).
# - Ties, unanswerable queries, excluded pairs, what counts as a place, and the gallery change the
#   numbers. State them, always.
# - Our mineral rule: best spectrum, ties against the query, each mineral the same weight.
# - A rank-1 on 146 minerals carries about six points of luck either way at 20 %. Look for differences
#   between methods on the same splits, with an interval.

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
# (mun-piece-by-piece)=
# # MUN, piece by piece
#
# A photograph by day and an infrared picture by night lie far apart, and a network that is asked to bring them together in
# one leap may find nothing to hold on to. MUN {cite}`yu2023mun` puts a stepping stone between the two: an *auxiliary
# modality*, made from each pair of pictures while the network trains, and thrown away when it is tested.
#
# After this chapter you can
#
# - make an auxiliary sample from a pair, with two intra-modality learners and a cross-modality learner,
# - write down the losses that pull three modalities together, and keep a prototype over time,
# - see where the auxiliary features stand, and say what falls when a piece is taken out.
#
# **What the paper says, and what we chose.** Known from the abstract: an auxiliary modality made by learners within and
# across the modalities, an identity alignment loss over centres, a modality alignment loss with prototypes. From summaries of
# the text: depth-wise convolutions, spatial pyramid pooling, a learned layer scale, a triplet form, accumulation over time.
# *Ours*: where the generator stands, its layers and sizes, every formula below and every weight ({doc}`ledger
# <../book/fidelity-mun>`).

# %% tags=["hide-input"]
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has the rest already; elsewhere the package is installed
    address = "git+https://github.com/xmodal-lite/xmodal-lite@v0.1.0"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", f"xmodal-lite @ {address}"], check=True
    )

# %%
import copy
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from xmodal_lite import plots
from xmodal_lite.benchmarks import load
from xmodal_lite.data.augment_images import ImageAugmentation
from xmodal_lite.losses import identity_alignment, modality_alignment, weighted_triplet
from xmodal_lite.models import build
from xmodal_lite.synthetic import write
from xmodal_lite.training import Recipe, TrainingSet

torch.set_num_threads(1)
plots.use_style()

# %% tags=["parameters"]
sysu_root = (
    ""  # str: full path of SYSU-MM01, the folder that holds cam1 to cam6; empty writes a synthetic data set
)
steps = 60  # int: training steps of the whole model; each of the others below takes half as many

# %% [markdown]
# ## Pairs of pictures
#
# The people are a synthetic data set: sixty procedural figures in the folders of SYSU-MM01. Nobody in it exists, and no number below
# says how well anything would do on real people. A batch holds $P = 8$ identities with $K = 2$ pictures in each
# modality, so $N = 16$ pairs; the two pictures of a pair show one person, at different times and from different cameras.

# %%
# NBVAL_CHECK_OUTPUT
if not sysu_root:
    sysu_root = Path(tempfile.mkdtemp()) / "people"
    write("sysu-mm01", sysu_root, identities=60, images=4)
people = load("sysu-mm01", sysu_root, size=(64, 32))
split = people.split("single", seed=0)


def batches(rows, samples, augment):
    """Return a rule that gives P = 8 identities of some rows at a step, so many samples of each in each modality."""
    recipe = Recipe(steps=steps, num_identities=8, num_instances=samples, lr=0.02, augment=augment)
    return TrainingSet.from_split(people.table, people.samples, rows, recipe, seed=0)


training = batches(split.train, 2, ImageAugmentation(pad=2, flip=0.5))
watched, unseen = (batches(rows, 2, ImageAugmentation()).batch(0) for rows in (split.train, split.test))
print(people.source, "data,", training.num_classes, "people to train on")
print(
    "a batch to watch:",
    tuple(watched.v.shape),
    watched.labels.unique_consecutive(return_counts=True)[1].tolist(),
)


# %% mystnb={"figure": {"caption": "Four of the synthetic data set's people, two pictures of each in either modality. Row $i$ of $v$ and row $i$ of $r$ make a pair.", "name": "fig-mun-pairs"}, "image": {"alt": "Two rows of eight small pictures of procedural walking figures, above in colour, below in grey as an infrared camera would show them. Neighbours in a row show the same figure."}}
def tile(ax, images, title):
    """Draw images (n, 3, H, W) side by side."""
    ax.imshow(torch.cat(list(images), dim=2).permute(1, 2, 0), cmap="grey")
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)


figure, axes = plt.subplots(2, 1, figsize=(7, 4))
tile(axes[0], watched.v[:8], "v: visible")
tile(axes[1], watched.r[:8], "r: infrared")

# %% [markdown]
# ## Behind the stems
#
# The backbone is that of the two-stream network: each modality has a stem of its own, all later stages are shared. The
# stems' maps $z^v$ and $z^r$ are the first place where a picture of either kind has the same 64 channels. There the
# generator stands. Early is good, because everything after it can learn from the auxiliary sample; any earlier and the two
# would still be pictures. What the generator adds to the mean of a pair it computes at half the maps' size, $y^v$ and
# $y^r$, which costs a quarter.

# %%
# NBVAL_CHECK_OUTPUT
torch.manual_seed(0)
model = build("mun", dims=2, num_classes=training.num_classes, backbone="resnet10")
backbone, unify = model.extractor.backbone, model.auxiliary
z_v, z_r = backbone.stem(watched.v, 0), backbone.stem(watched.r, 1)
y_v, y_r = F.avg_pool2d(z_v, 2), F.avg_pool2d(z_r, 2)
print("z of each modality:", tuple(z_v.shape), "and at half its size:", tuple(y_v.shape))

# %% [markdown]
# ## Within a modality: three windows
#
# An intra-modality learner looks at each channel by itself (that is what *depth-wise* means) through windows of 3, 5 and 7
# points, adds the three up, and then mixes the channels at each point:
#
# $$
# \mathrm{IML}_m(y) = \mathrm{PW}\Bigl(\sum_{k \in \{3, 5, 7\}} \mathrm{DW}_k(y)\Bigr), \qquad m \in \{v, r\}.
# $$
#
# Each modality has its own learner, so each can keep patterns that the other does not have. Depth-wise
# convolutions are cheap to write down and slow to run, and three of them would be the most expensive part of the generator. But
# a sum of convolutions is *one* convolution, with the sum of the kernels, the small ones padded with zeros. The library
# does just that.

# %%
# NBVAL_CHECK_OUTPUT
windows = {k: nn.Conv2d(64, 64, k, padding=k // 2, groups=64, bias=False) for k in (3, 5, 7)}
mix = nn.Conv2d(64, 64, 1, bias=False)


def intra(z):
    return mix(sum(window(z) for window in windows.values()))


learner = unify.intra[0]
for window, theirs in zip(windows.values(), learner.depthwise):
    window.load_state_dict(theirs.state_dict())
mix.load_state_dict(learner.pointwise.state_dict())
torch.testing.assert_close(intra(y_v), learner(y_v), rtol=1e-3, atol=1e-4)
print("three convolutions give what the library's one gives")
by_three, by_one = 64 * (9 + 25 + 49), 64 * 49
print(f"multiplications at each point: {by_three:,} and {by_one:,}")

# %% [markdown]
# ## Across the modalities: a pyramid
#
# The cross-modality learner mixes both maps into one, $u = \mathrm{PW}([y^v; y^r])$, and looks at it from four distances:
# as it is, as means over a 4 x 4 grid of cells, over 2 x 2, and over all of it (*spatial pyramid pooling*, SPP {cite}`he2015spp`). The
# two pictures of a pair are not aligned: the arm that is raised in one hangs in the other. What they share, coarse
# cells still show.
#
# $$
# \mathrm{CML}(y^v, y^r) = \mathrm{PW}\bigl([u;\ \mathrm{up}(\mathrm{SPP}_1(u));\ \mathrm{up}(\mathrm{SPP}_2(u));\
# \mathrm{up}(\mathrm{SPP}_4(u))]\bigr)
# $$
#
# We stack the levels as the formula does. The library gives every level its own quarter of the last convolution *before* the
# level is blown up, when it has 16 points at most; the result is the same.

# %%
# NBVAL_CHECK_OUTPUT
unite, fuse = nn.Conv2d(128, 64, 1, bias=False), nn.Conv2d(4 * 64, 64, 1, bias=False)


def levels(u):
    return [u] + [F.interpolate(F.adaptive_avg_pool2d(u, cells), size=u.shape[2:]) for cells in (1, 2, 4)]


def cross(y_v, y_r):
    return fuse(torch.cat(levels(unite(torch.cat([y_v, y_r], dim=1))), dim=1))


unite.load_state_dict(unify.cross.mix.state_dict())
quarters = [unify.cross.fuse, *unify.cross.levels]
with torch.no_grad():
    fuse.weight.copy_(torch.cat([quarter.weight for quarter in quarters], dim=1))
torch.testing.assert_close(cross(y_v, y_r), unify.cross(y_v, y_r), rtol=1e-3, atol=1e-4)
print("stacked levels give what the library's quarters give")

# %% mystnb={"figure": {"caption": "A pair, and one channel of $u$ at the four levels, with the weights as they start. The larger the cells, the less it matters where an arm or a leg is; the coarsest level knows one mean.", "name": "fig-mun-pyramid"}, "image": {"alt": "Six small images. A figure in colour, a figure in infrared, and four versions of one feature map: eight by four points, a grid of four by four cells, a grid of two by two, and a single even tone."}}
with torch.no_grad():
    u = unite(torch.cat([y_v, y_r], dim=1))[:1]
    channel = u.var(dim=(2, 3)).argmax()
    shown = {"whole": levels(u)[0], "4 x 4": levels(u)[3], "2 x 2": levels(u)[2], "one": levels(u)[1]}
figure, axes = plt.subplots(1, 6, figsize=(7, 2.6))
tile(axes[0], watched.v[:1], "$x^v$")
tile(axes[1], watched.r[:1], "$x^r$")
low, high = u[0, channel].min(), u[0, channel].max()
for ax, (name, level) in zip(axes[2:], shown.items()):
    ax.imshow(level[0, channel], vmin=low, vmax=high)
    ax.set(title=name, xticks=[], yticks=[])
    ax.grid(False)

# %% [markdown]
# ## The auxiliary sample
#
# Halfway between the two maps is where it starts; what the learners add is scaled by $\alpha$ and $\beta$, one pair of numbers
# for each channel, learned, and 0.1 to begin with:
#
# $$
# z^a = \frac{z^v + z^r}{2} + \mathrm{up}\Bigl(\alpha\,\frac{\mathrm{IML}_v(y^v) + \mathrm{IML}_r(y^r)}{2} +
# \beta\,\mathrm{CML}(y^v, y^r)\Bigr).
# $$
#
# How $\alpha$ compares to $\beta$ tells what the bridge is made of: what is particular to the modalities, or what they share.

# %%
# NBVAL_CHECK_OUTPUT
alpha, beta = unify.alpha.view(1, 64, 1, 1), unify.beta.view(1, 64, 1, 1)
learners = [copy.deepcopy(learner) for learner in unify.intra]
added = alpha * (learners[0](y_v) + learners[1](y_r)) / 2 + beta * cross(y_v, y_r)
z_a = (z_v + z_r) / 2 + F.interpolate(added, size=z_v.shape[2:])
torch.testing.assert_close(z_a, unify(z_v, z_r), rtol=1e-3, atol=1e-4)

extra, whole = (sum(p.numel() for p in part.parameters()) for part in (unify, model))
print(f"the generator adds {extra:,} parameters to {whole - extra:,}")
x = watched.v[:4]
model.eval()
before = model.embed(x, 0)
nn.init.normal_(unify.alpha)  # break the generator
print("the embedding at test changes with it:", not torch.equal(before, model.embed(x, 0)))
nn.init.constant_(unify.alpha, 0.1)
_ = model.train()

# %% [markdown]
# All three then go through the shared stages together, 3N maps in a row: one trunk, one pooling, one neck, one
# classifier. So a training step costs at most half as much again as the two-stream network's, plus the generator. At test there
# is no pair to make an auxiliary sample of, and none is needed.

# %%
# NBVAL_CHECK_OUTPUT
f = backbone(torch.cat([z_v, z_r, z_a]))  # (3N, D)
torch.testing.assert_close(f, model.features(watched), rtol=1e-3, atol=1e-3)
n = len(watched.labels)
labels, modality = watched.labels.repeat(3), torch.arange(3).repeat_interleave(n)
print(tuple(f.shape), "of modalities", modality.unique(return_counts=True)[1].tolist())

# %% [markdown]
# ## Pulling three together
#
# **Identity.** $L_\mathrm{id}$ is the usual cross-entropy, over all three modalities.
#
# **Identity alignment.** Every person has three centres $c_p^v, c_p^r, c_p^a$, the means of their features. Each centre
# asks: is the furthest of my own two nearer than the nearest centre of anybody else, by a margin of 0.3?
#
# $$
# L_\mathrm{ia} = \frac{1}{3P} \sum_{p,\,m} \Bigl[ \max_{n \neq m} \lvert c_p^m - c_p^n \rvert -
# \min_{q \neq p,\,n} \lvert c_p^m - c_q^n \rvert + 0.3 \Bigr]_+
# $$

# %%
# NBVAL_CHECK_OUTPUT
centres = {
    (p, m): f[(labels == p) & (modality == m)].mean(dim=0)
    for p in watched.labels.unique().tolist()
    for m in range(3)
}
by_hand = 0.0
for (p, m), c in centres.items():
    furthest = max((c - o).norm() for (q, k), o in centres.items() if q == p and k != m)
    nearest = min((c - o).norm() for (q, k), o in centres.items() if q != p)
    by_hand += (furthest - nearest + 0.3).relu() / len(centres)
torch.testing.assert_close(by_hand, identity_alignment(f, labels, modality), rtol=1e-4, atol=1e-4)
print(len(centres), "centres; the loop and the library agree")

# %% [markdown]
# **Modality alignment.** Now the crowds, whoever is in them. The auxiliary crowd has a mean and a spread. A single batch shows
# eight people, so its mean says more about these eight than about the modality. A *prototype* follows the batches slowly and
# forgets who was in them: with $h = f / \lvert f \rvert$,
#
# $$
# q^a \leftarrow 0.9\, q^a + 0.1\, \mathrm{mean}(h^a), \qquad s^a \leftarrow 0.9\, s^a + 0.1\, \mathrm{std}(h^a),
# $$
#
# $$
# L_\mathrm{ma} = \sum_{m \in \{v, r\}} \lvert \mathrm{mean}(h^m) - q^a \rvert^2 + \lvert \mathrm{std}(h^m) - s^a \rvert^2 .
# $$
#
# No gradient goes to the prototype: $v$ and $r$ are to come to the bridge, not the bridge to them. It is stored with
# the weights, so that a run that was interrupted goes on with it.

# %%
# NBVAL_CHECK_OUTPUT
h = F.normalize(f, dim=1)
q, s = h[2 * n :].mean(dim=0), h[2 * n :].std(dim=0, correction=0)  # the first batch sets the prototype
by_hand = sum(
    (part.mean(dim=0) - q.detach()).square().sum()
    + (part.std(dim=0, correction=0) - s.detach()).square().sum()
    for part in (h[:n], h[n : 2 * n])
)
torch.testing.assert_close(by_hand, modality_alignment(h[:n], h[n : 2 * n], q, s), rtol=1e-3, atol=1e-5)
print("in the checkpoint:", [name for name in model.state_dict() if "prototype" in name])

# %% [markdown]
# The paper's sum, as far as we know it, is $L_\mathrm{id} + L_\mathrm{ia} + w L_\mathrm{ma}$. We add the
# triplet loss of the two-stream network, $L_\mathrm{tri}$, over all three modalities. That is ours; it can be switched off. All four, from
# our cells and from the library:

# %%
# NBVAL_CHECK_OUTPUT
ours = {
    "id": F.cross_entropy(model.classifier(model.extractor.neck(f)), labels),
    "ia": identity_alignment(f, labels, modality),
    "ma": by_hand,
    "tri": weighted_triplet(f, labels),
}
theirs = model.losses(watched)
for name in ours:
    torch.testing.assert_close(ours[name], theirs[name], rtol=1e-3, atol=1e-4)
torch.testing.assert_close(q.detach(), model.prototype_mean, rtol=1e-3, atol=1e-5)
print("all four equal the library's:", ", ".join(theirs))

# %% [markdown]
# ## Watch it train
#
# The loop is short, so here it is. Every so often we stop and ask where the centres of the eight people in the batch above
# stand, in evaluation mode and with features of length 1:
#
# - the *gap*: how far $c_p^v$ is from $c_p^r$, against how far apart the people are. At 1, a person's two modalities are as far from
#   each other as two different persons;
# - the *place* of $c_p^a$ on the way from $c_p^v$ (0) to $c_p^r$ (1), and how far off that way it is, as a share of
#   the way's length.


# %%
def centres_of(model, batch):
    """Return the centres (modalities, P, D) of the batch's identities, features of unit length."""
    training_mode = model.training
    with torch.no_grad():
        f = F.normalize(model.eval().features(batch), dim=1)
    model.train(training_mode)
    people = len(batch.labels.unique())
    return f.view(-1, people, len(batch.labels) // people, f.shape[1]).mean(dim=2)


def gap(c):
    """Return the mean distance of v from r of one person, over the mean distance of two persons."""
    between = torch.cdist(c[:2].mean(dim=0), c[:2].mean(dim=0))
    people = len(between)
    return ((c[1] - c[0]).norm(dim=1).mean() / (between.sum() / (people * (people - 1)))).item()


def stand(c):
    """Return place and distance off the way of the auxiliary centres, (P,) each."""
    way = c[1] - c[0]
    place = ((c[2] - c[0]) * way).sum(dim=1) / way.square().sum(dim=1)
    off = (c[2] - c[0] - place[:, None] * way).norm(dim=1) / way.norm(dim=1)
    return place, off


def train(steps, looks, **options):
    """Train MUN with some options; return the model and what was seen when we looked."""
    torch.manual_seed(0)
    model = build("mun", dims=2, num_classes=training.num_classes, backbone="resnet10", **options)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(weights, lr=0.02, momentum=0.9, nesterov=True, weight_decay=5e-4)
    seen = []
    for step in range(steps + 1):
        if step in looks:
            seen.append(
                {"step": step, "centres": centres_of(model, watched), "unseen": centres_of(model, unseen)}
            )
            seen[-1] |= {name: value.item() for name, value in model.diagnostics().items()}
        torch.manual_seed(step)
        losses = model(training.batch(step))
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
    return model, seen


model, seen = train(steps, looks=range(0, steps + 1, 10))
start, end = seen[0]["centres"], seen[-1]["centres"]
for name, c in (("before", start), ("after", end)):
    place, off = stand(c)
    print(
        f"{name:6} gap {gap(c):.2f}   place {place.mean():.2f} ± {place.std():.2f}   off the way {off.mean():.2f}"
    )

# %% mystnb={"figure": {"caption": "Centres of eight training people before and after, each seen along its own two directions of largest spread. A line leads from a person's visible centre over the auxiliary one to the infrared one. Before, $v$ is on one side and $r$ on the other; after, the three centres of a person stand closer together, though not in every case.", "name": "fig-mun-centres"}, "image": {"alt": "Two scatter plots. Left, before training: visible centres on one side, infrared centres on the other, auxiliary centres between, joined by long lines. Right, after training: the lines are shorter, some of them still long, and the centres of different people lie among each other."}}
figure, axes = plt.subplots(1, 2, figsize=(7, 3.6))
styles = list(zip(["visible", "infrared", "auxiliary"], [*plots.MODALITY_COLOURS, plots.GREEN], "os^"))
for ax, c, title in zip(axes, (start, end), ("before", f"after {steps} steps")):
    flat = c.flatten(0, 1) - c.flatten(0, 1).mean(dim=0)
    place = (flat @ torch.linalg.svd(flat, full_matrices=False).Vh[:2].T).view(3, -1, 2)
    for p in range(place.shape[1]):
        ax.plot(*place[[0, 2, 1], p].T, color="0.7", zorder=1)
    for m, (name, colour, marker) in enumerate(styles):
        ax.scatter(*place[m].T, color=colour, marker=marker, label=name, zorder=2)
    ax.set(title=title, xticks=[], yticks=[])
    ax.set_aspect("equal", adjustable="datalim")
_ = figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)

# %% mystnb={"figure": {"caption": "The same training over its steps. Left: the gap, of people that are trained on and of people that are not. Middle: the place of the auxiliary centres between $v$ (0) and $r$ (1), mean and spread over the people, and how far off the way they are. Right: the ratio of the layer scale, mean $|\\alpha|$ over mean $|\\beta|$.", "name": "fig-mun-course"}, "image": {"alt": "Three line plots over training steps. The gap falls, more for trained people than for others. The place of the auxiliary centres stays near one half. The ratio of the layer scale moves slowly away from one."}}
course = pd.DataFrame(
    {
        "step": line["step"],
        "trained on": gap(line["centres"]),
        "unseen": gap(line["unseen"]),
        "place": stand(line["centres"])[0].mean().item(),
        "spread": stand(line["centres"])[0].std().item(),
        "off": stand(line["centres"])[1].mean().item(),
        "ratio": line["ratio"],
    }
    for line in seen
)
figure, axes = plt.subplots(1, 3, figsize=(7, 3))
axes[0].plot(course["step"], course["trained on"], label="trained on")
axes[0].plot(course["step"], course["unseen"], "--", color=plots.SKY, label="unseen")
axes[0].set(title="gap", ylim=(0, None))
axes[1].plot(course["step"], course["place"], color=plots.GREEN, label="place")
low, high = course["place"] - course["spread"], course["place"] + course["spread"]
axes[1].fill_between(course["step"], low, high, color=plots.GREEN, alpha=0.2, linewidth=0)
axes[1].plot(course["step"], course["off"], ":", color=plots.BLACK, label="off the way")
axes[1].set(title="auxiliary centres", ylim=(0, 1))
axes[2].plot(course["step"], course["ratio"], color=plots.PURPLE)
axes[2].set(title="|α| over |β|")
for ax in axes[:2]:
    ax.legend(fontsize=9)
for ax in axes:
    ax.set_xlabel("training step")

# %% [markdown]
# The auxiliary centres stand between the two from the first step on, since the mean of the two maps already puts them there.
# They settle about halfway, and both ends come towards them. They do not lie *on* the way, but beside it. That is no flaw: a
# network is not linear, so the feature of a mean is not the mean of the features, and the learners may add what they like.
# The gap closes faster on the people that are trained on. On the others it closes less, and matching people
# that are not in the training set is the task.
#
# The ratio of the layer scale moves by less than a tenth in so few steps, and by no more in the stored runs of {ref}`the table <table-mun-t3>`, which are of 250. Whether the
# bridge ends up made of what is particular or of what is shared takes a longer run to say; every run of the library logs the ratio beside its losses.
#
# ## Break it
#
# Take one piece out at a time and train again, half as long. Same people, same batches, same first weights of the
# backbone.

# %%
broken = {
    "all of it": {},
    "without identity alignment": {"losses": ["id", "ma", "tri"]},
    "without modality alignment": {"losses": ["id", "ia", "tri"]},
    "without the triplet loss (the paper's sum)": {"losses": ["id", "ia", "ma"]},
    "without the auxiliary modality": {"auxiliary": "none"},
    "none of it (two-stream)": {"auxiliary": "none", "losses": ["id", "tri"]},
}
rows = []
for name, options in broken.items():
    half = next((line for line in seen if not options and line["step"] == steps // 2), None)
    line = half or train(steps // 2, looks=[steps // 2], **options)[1][-1]
    rows.append({"": name, "gap, trained on": gap(line["centres"]), "gap, unseen": gap(line["unseen"])})
pd.DataFrame(rows).set_index("").round(2)

# %% [markdown]
# The rows differ by a tenth or two. On the people trained on the whole has the smallest gap, on the unseen it is somewhere in the middle, and the order means nothing: when the learners ran at the
# maps' full size, with everything else the same, it was another one. That is the lesson of this table. One short run, on
# eight people in each column, does not tell the pieces apart, however neatly its rows can be ranked.
#
# A closed gap is not yet a person found, either: a network can close it by making everybody alike. Which pieces help
# to *match*, over five seeds and with intervals, is the question of the {ref}`table of components <table-mun-t3>`.
#
# ## Discussion
#
# **For it.** The generator is light, and at test it is gone: what is deployed is the two-stream network, no more
# expensive by a single multiplication. Every loss asks for a small step, from $v$ to $a$ or from $r$ to $a$, where the
# triplet loss alone asks for the whole leap.
#
# **Against it.** The auxiliary sample of a pair is made from the pair, so its identity can be read off either half. A
# classifier can learn a lot about it from the easier half and leave the other half alone. And a training step costs half as much again.
#
# ## Exercises

# %% [markdown]
# ```{exercise-start} Who moves?
# :label: ex-mun-who-moves
# ```
# In $L_\mathrm{ma}$ no gradient goes to the prototype. Suppose we let it through, and made no prototype but used the batch's own
# mean of $h^a$. Name one way to make the loss 0 that would then be open, and was closed before.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-mun-who-moves
# :class: dropdown
# ```
# The auxiliary crowd could go to meet the others, for instance halfway between wherever $v$ and $r$ happen to be; the two terms would
# shrink although $v$ and $r$ have not moved. With the prototype fixed, only $v$ and $r$ can make the loss smaller. (All three
# collapsing into one point is open in both cases. What closes it are the losses that tell people apart.)
# ```{solution-end}
# ```

# %% [markdown]
# ```{exercise-start} A bridge without learners
# :label: ex-mun-no-learners
# ```
# `learners=()` leaves the mean of the two maps. Is the auxiliary centre then exactly halfway between the other two? Guess, then
# measure.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-mun-no-learners
# :class: dropdown
# ```

# %%
# NBVAL_CHECK_OUTPUT
torch.manual_seed(0)
bare = build("mun", dims=2, num_classes=training.num_classes, backbone="resnet10", learners=())
place, off = stand(centres_of(bare, watched))
print("its maps are the mean:", torch.equal(bare.auxiliary(z_v, z_r), (z_v + z_r) / 2))
print("its centres are off the way:", bool((off > 0.1).all()))

# %% [markdown]
# Its *maps* are halfway, its *features* are not: behind the generator come ReLUs, batch norms over all three modalities, and a
# pooling that favours large values, of which a mean has fewer.
# ```{solution-end}
# ```
#
# ## Take away
#
# - MUN makes a third sample of each pair, behind the stems, and drops it at test.
# - Learners within a modality keep what is particular, one across the modalities finds what is shared; a layer
#   scale weighs the two and can be watched.
# - Identity alignment pulls together the three centres of each person, modality alignment the crowds, towards a prototype that
#   takes no gradient.
# - Where the bridge stands is quickly seen. Whether it helps to find people takes seeds and intervals.

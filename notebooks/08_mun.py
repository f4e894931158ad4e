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
# # MUN: an auxiliary modality during training
#
# MUN {cite}`yu2023mun` adds a third, *auxiliary modality* to the two-stream network. A small generator
# computes its feature maps from each pair of a visible and an infrared image during training. At test it is
# not used. This chapter builds the generator and the losses, compares them with the library, and measures the
# position of the auxiliary features during training.
#
# ```{admonition} Objectives
# :class: tip
# After this chapter you can
# - compute an auxiliary sample from a pair, with two intra-modality learners and a cross-modality learner;
# - write down the losses that align three modalities, and update a prototype over the steps;
# - measure where the auxiliary features lie, and say which loss uses them.
#
# **Prerequisites:** {ref}`strong-baseline`.
# **Time:** about 25 minutes to read; about three minutes to run on one CPU core.
# ```
#
# ```{figure} ../book/_static/figures/diagram-mun.svg
# :name: fig-mun
# :class: dark-light
# :width: 420px
# :alt: Block diagram from top to bottom. Images and stem of v in blue on the left, images and stem of r in
# orange on the right. Below the stems are the map z of v in blue, the map z of r in orange, and between them
# a violet box for the auxiliary map, used in training, with intra-modality kernels 3, 5, 7 and a
# cross-modality pyramid 1, 2, 4. All three lead into a grey box for the shared stages 1 to 4 and pooling,
# with f of 3N by D. Below are the green box of the neck g, for v and r at test, and dashed red boxes for L_ia
# on centres, L_ma on moments and the triplet loss. A dashed red box at the bottom holds the classifier with
# the cross-entropy.
#
# MUN. Blue: modality $v$. Orange: modality $r$. Violet: auxiliary modality. Grey: shared. Green: compared at
# test. Dashed red: training only.
# ```
#
# **What the paper says, and what we chose.** Known from the abstract: an auxiliary modality made by learners
# within and across the modalities, an identity alignment loss over centres, a modality alignment loss with
# prototypes. From summaries of the text: depth-wise convolutions, spatial pyramid pooling, a learned layer
# scale, a triplet form, accumulation over time. *Ours*: the position of the generator, its layers and sizes,
# every formula below and every weight ({doc}`ledger <../book/fidelity-mun>`).

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
# ## Data and batches
#
# The data set is synthetic: sixty procedural people in the folder layout of SYSU-MM01. No number below says
# anything about real people. A batch holds $P = 8$ identities with $K = 2$ images in each modality, so $N =
# 16$ pairs. The two images of a pair show one person, at different times and from different cameras.

# %%
# NBVAL_CHECK_OUTPUT
if not sysu_root:
    sysu_root = Path(tempfile.mkdtemp()) / "people"
    write("sysu-mm01", sysu_root, identities=60, images=4)
people = load("sysu-mm01", sysu_root, size=(64, 32))
split = people.split("single", seed=0)


def batches(rows, samples, augment):
    """Return a training set of some rows: 8 identities per batch, `samples` of each in each modality."""
    recipe = Recipe(steps=steps, num_identities=8, num_instances=samples, lr=0.02, augment=augment)
    return TrainingSet.from_split(people.table, people.samples, rows, recipe, seed=0)


training = batches(split.train, 2, ImageAugmentation(pad=2, flip=0.5))
probe, unseen = (batches(rows, 2, ImageAugmentation()).batch(0) for rows in (split.train, split.test))
print(people.source, "data,", training.num_classes, "training people")
print(
    "probe batch:",
    tuple(probe.v.shape),
    probe.labels.unique_consecutive(return_counts=True)[1].tolist(),
)


# %% mystnb={"figure": {"caption": "Four people of the synthetic data set, two images of each in either modality. Image $i$ of $v$ and image $i$ of $r$ form a pair.", "name": "fig-mun-pairs"}, "image": {"alt": "Two rows of eight small images of procedural walking people, the upper row in colour, the lower row in grey, as an infrared camera would record them. Neighbours in a row show the same person."}}
def tile(ax, images, title):
    """Draw images (n, 3, H, W) side by side."""
    ax.imshow(torch.cat(list(images), dim=2).permute(1, 2, 0), cmap="grey")
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)


figure, axes = plt.subplots(2, 1, figsize=(7, 4))
tile(axes[0], probe.v[:8], "v: visible")
tile(axes[1], probe.r[:8], "r: infrared")

# %% [markdown]
# ## Position of the generator
#
# The backbone is that of the two-stream network: each modality has its own stem, all later stages are shared.
# The stems' maps $z^v$ and $z^r$ are the first layer with the same 64 channels for both modalities. The
# generator works on these maps. At an early layer all later stages are trained on the auxiliary sample as
# well. The generator computes its residual at half the resolution of the maps, from $y^v$ and $y^r$, at a
# quarter of the cost.

# %%
# NBVAL_CHECK_OUTPUT
torch.manual_seed(0)
model = build("mun", dims=2, num_classes=training.num_classes, backbone="resnet10")
backbone, unify = model.extractor.backbone, model.auxiliary
z_v, z_r = backbone.stem(probe.v, 0), backbone.stem(probe.r, 1)
y_v, y_r = F.avg_pool2d(z_v, 2), F.avg_pool2d(z_r, 2)
print("z of each modality:", tuple(z_v.shape), "and at half its size:", tuple(y_v.shape))

# %% [markdown]
# ## Intra-modality learners
#
# An intra-modality learner filters each channel separately (*depth-wise*) with kernels of 3, 5 and 7 points,
# adds the three results, and then mixes the channels at each point:
#
# $$
# \mathrm{IML}_m(y) = \mathrm{PW}\Bigl(\sum_{k \in \{3, 5, 7\}} \mathrm{DW}_k(y)\Bigr), \qquad m \in \{v, r\}.
# $$
#
# Each modality has its own learner, so each can keep patterns that the other does not have. Three depth-wise
# convolutions would be the slowest part of the generator. But a sum of convolutions is *one* convolution with
# the sum of the kernels, if the small kernels are padded with zeros. The library computes it this way.

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
print("three convolutions equal the library's single convolution")
by_three, by_one = 64 * (9 + 25 + 49), 64 * 49
print(f"multiplications at each point: {by_three:,} and {by_one:,}")

# %% [markdown]
# ## Cross-modality learner
#
# The cross-modality learner mixes both maps into one, $u = \mathrm{PW}([y^v; y^r])$, and uses it at four
# resolutions: full, and as means over 4 x 4, 2 x 2 and 1 x 1 cells (*spatial pyramid pooling*, SPP
# {cite}`he2015spp`). The two images of a pair are not aligned: an arm can be raised in one and lowered in the
# other. Coarse cells depend less on such differences.
#
# $$
# \mathrm{CML}(y^v, y^r) = \mathrm{PW}\bigl([u;\ \mathrm{up}(\mathrm{SPP}_1(u));\ \mathrm{up}(\mathrm{SPP}_2(u));\
# \mathrm{up}(\mathrm{SPP}_4(u))]\bigr)
# $$
#
# We stack the levels as in the formula. The library applies to every level its own quarter of the last
# convolution *before* upsampling, when the level has at most 16 points; the result is the same.

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
print("stacked levels equal the library's separate quarters")

# %% mystnb={"figure": {"caption": "A pair, and one channel of $u$ at the four levels, with initial weights. The larger the cells, the less the values depend on the position of an arm or a leg; the coarsest level is one mean.", "name": "fig-mun-pyramid"}, "image": {"alt": "Six small images: a person in colour, the person in infrared, and four versions of one feature map: eight by four points, a grid of four by four cells, a grid of two by two, and a single uniform value."}}
with torch.no_grad():
    u = unite(torch.cat([y_v, y_r], dim=1))[:1]
    channel = u.var(dim=(2, 3)).argmax()
    shown = {"whole": levels(u)[0], "4 x 4": levels(u)[3], "2 x 2": levels(u)[2], "one": levels(u)[1]}
figure, axes = plt.subplots(1, 6, figsize=(7, 2.6))
tile(axes[0], probe.v[:1], "$x^v$")
tile(axes[1], probe.r[:1], "$x^r$")
low, high = u[0, channel].min(), u[0, channel].max()
for ax, (name, level) in zip(axes[2:], shown.items()):
    ax.imshow(level[0, channel], vmin=low, vmax=high)
    ax.set(title=name, xticks=[], yticks=[])
    ax.grid(False)

# %% [markdown]
# ## The auxiliary sample
#
# The auxiliary map is the mean of the two maps plus a residual from the learners. The residual is scaled by
# $\alpha$ and $\beta$, learned vectors with one number per channel and initial value 0.1:
#
# $$
# z^a = \frac{z^v + z^r}{2} + \mathrm{up}\Bigl(\alpha\,\frac{\mathrm{IML}_v(y^v) + \mathrm{IML}_r(y^r)}{2} +
# \beta\,\mathrm{CML}(y^v, y^r)\Bigr).
# $$
#
# The ratio of $|\alpha|$ to $|\beta|$ shows whether the residual comes more from modality-specific or from
# shared patterns.

# %%
# NBVAL_CHECK_OUTPUT
alpha, beta = unify.alpha.view(1, 64, 1, 1), unify.beta.view(1, 64, 1, 1)
learners = [copy.deepcopy(learner) for learner in unify.intra]
added = alpha * (learners[0](y_v) + learners[1](y_r)) / 2 + beta * cross(y_v, y_r)
z_a = (z_v + z_r) / 2 + F.interpolate(added, size=z_v.shape[2:])
torch.testing.assert_close(z_a, unify(z_v, z_r), rtol=1e-3, atol=1e-4)

extra, whole = (sum(p.numel() for p in part.parameters()) for part in (unify, model))
print(f"the generator adds {extra:,} parameters to {whole - extra:,}")
x = probe.v[:4]
model.eval()
before = model.embed(x, 0)
nn.init.normal_(unify.alpha)  # change the generator
print("the embedding at test changes with it:", not torch.equal(before, model.embed(x, 0)))
nn.init.constant_(unify.alpha, 0.1)
_ = model.train()

# %% [markdown]
# All three maps then pass the shared stages together, $3N$ maps in one batch: one trunk, one pooling, one
# neck, one classifier. A training step costs at most 1.5 times that of the two-stream network, plus the
# generator. At test there are no pairs, and the generator is not needed.

# %%
# NBVAL_CHECK_OUTPUT
f = backbone(torch.cat([z_v, z_r, z_a]))  # (3N, D)
torch.testing.assert_close(f, model.features(probe), rtol=1e-3, atol=1e-3)
n = len(probe.labels)
labels, modality = probe.labels.repeat(3), torch.arange(3).repeat_interleave(n)
print(tuple(f.shape), "of modalities", modality.unique(return_counts=True)[1].tolist())

# %% [markdown]
# ## Losses for three modalities
#
# **Identity.** $L_\mathrm{id}$ is the usual cross-entropy, over all three modalities.
#
# **Identity alignment.** Every person has three centres $c_p^v, c_p^r, c_p^a$, the means of their features.
# For each centre, the furthest of the two other centres of the same person must be nearer than the nearest
# centre of another person, by a margin of 0.3:
#
# $$
# L_\mathrm{ia} = \frac{1}{3P} \sum_{p,\,m} \Bigl[ \max_{n \neq m} \lvert c_p^m - c_p^n \rvert -
# \min_{q \neq p,\,n} \lvert c_p^m - c_q^n \rvert + 0.3 \Bigr]_+
# $$

# %%
# NBVAL_CHECK_OUTPUT
centres = {
    (p, m): f[(labels == p) & (modality == m)].mean(dim=0)
    for p in probe.labels.unique().tolist()
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
# **Modality alignment.** This loss compares distributions, without identities. The auxiliary distribution has
# a mean and a standard deviation. A single batch has eight people, so its mean depends strongly on these
# eight. A *prototype* is a moving average over the batches: with $h = f / \lvert f \rvert$,
#
# $$
# q^a \leftarrow 0.9\, q^a + 0.1\, \mathrm{mean}(h^a), \qquad s^a \leftarrow 0.9\, s^a + 0.1\, \mathrm{std}(h^a),
# $$
#
# $$
# L_\mathrm{ma} = \sum_{m \in \{v, r\}} \lvert \mathrm{mean}(h^m) - q^a \rvert^2 + \lvert \mathrm{std}(h^m) - s^a \rvert^2 .
# $$
#
# The prototype receives no gradient: the loss moves $v$ and $r$ towards the auxiliary modality, and not the
# reverse. The prototype is stored with the weights, so an interrupted run resumes with it.

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
# triplet loss of the two-stream network, $L_\mathrm{tri}$, over all three modalities. This term is ours and
# can be switched off. We compare all four losses with the library:

# %%
# NBVAL_CHECK_OUTPUT
ours = {
    "id": F.cross_entropy(model.classifier(model.extractor.neck(f)), labels),
    "ia": identity_alignment(f, labels, modality),
    "ma": by_hand,
    "tri": weighted_triplet(f, labels),
}
theirs = model.losses(probe)
for name in ours:
    torch.testing.assert_close(ours[name], theirs[name], rtol=1e-3, atol=1e-4)
torch.testing.assert_close(q.detach(), model.prototype_mean, rtol=1e-3, atol=1e-5)
print("all four equal the library's:", ", ".join(theirs))

# %% [markdown]
# ## Training
#
# The training loop is short enough to show. At some steps we measure the centres of the eight people in the
# batch above, in evaluation mode and with features of unit length:
#
# - the *gap*: the distance between $c_p^v$ and $c_p^r$, divided by the mean distance between people. At 1, a
#   person's two modalities are as far apart as two different people;
# - the *position* $t$ of $c_p^a$ along the line from $c_p^v$ ($t = 0$) to $c_p^r$ ($t = 1$), and its
#   *offset*, the distance from this line divided by $\lvert c_p^v - c_p^r \rvert$;
# - the two *distances* $\lvert c_p^a - c_p^v \rvert$ and $\lvert c_p^a - c_p^r \rvert$, divided by $\lvert
#   c_p^v - c_p^r \rvert$.


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
    """Return the mean distance between v and r of one person over the mean distance of two people."""
    between = torch.cdist(c[:2].mean(dim=0), c[:2].mean(dim=0))
    people = len(between)
    return ((c[1] - c[0]).norm(dim=1).mean() / (between.sum() / (people * (people - 1)))).item()


def locate(c):
    """Return position and offset of the auxiliary centres relative to the line from v to r, (P,) each."""
    line = c[1] - c[0]
    position = ((c[2] - c[0]) * line).sum(dim=1) / line.square().sum(dim=1)
    offset = (c[2] - c[0] - position[:, None] * line).norm(dim=1) / line.norm(dim=1)
    return position, offset


def train(steps, at, **options):
    """Train MUN with some options; return the model and the measurements at some steps."""
    torch.manual_seed(0)
    model = build("mun", dims=2, num_classes=training.num_classes, backbone="resnet10", **options)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(weights, lr=0.02, momentum=0.9, nesterov=True, weight_decay=5e-4)
    seen = []
    for step in range(steps + 1):
        if step in at:
            seen.append(
                {"step": step, "centres": centres_of(model, probe), "unseen": centres_of(model, unseen)}
            )
            seen[-1] |= {name: value.item() for name, value in model.diagnostics().items()}
        torch.manual_seed(step)
        losses = model(training.batch(step))
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
    return model, seen


model, seen = train(steps, at=range(0, steps + 1, 10))
start, end = seen[0]["centres"], seen[-1]["centres"]
for name, c in (("before", start), ("after", end)):
    position, offset = locate(c)
    print(f"{name:6} gap {gap(c):.2f}  position {position.mean():.2f}  offset {offset.mean():.2f}", end="  ")
    to_v, to_r = ((c[2] - c[m]).norm(dim=1) / (c[1] - c[0]).norm(dim=1) for m in (0, 1))
    print(f"distances of a: to v {to_v.mean():.2f}, to r {to_r.mean():.2f}, largest {max(*to_v, *to_r):.2f}")

# %% mystnb={"figure": {"caption": "Centres of eight training people before and after, each projected on its own two principal directions. A line leads from a person's visible centre over the auxiliary one to the infrared one. Before training, $v$ is on one side and $r$ on the other; after it, the three centres of most people are closer together.", "name": "fig-mun-centres"}, "image": {"alt": "Two scatter plots. Left, before training: visible centres on one side, infrared centres on the other, auxiliary centres between, joined by long lines. Right, after training: the lines are shorter, some of them still long, and the centres of different people overlap."}}
figure, axes = plt.subplots(1, 2, figsize=(7, 3.6))
styles = list(zip(["visible", "infrared", "auxiliary"], [*plots.MODALITY_COLOURS, plots.GREEN], "os^"))
for ax, c, title in zip(axes, (start, end), ("before", f"after {steps} steps")):
    flat = c.flatten(0, 1) - c.flatten(0, 1).mean(dim=0)
    points = (flat @ torch.linalg.svd(flat, full_matrices=False).Vh[:2].T).view(3, -1, 2)
    for p in range(points.shape[1]):
        ax.plot(*points[[0, 2, 1], p].T, color="0.7", zorder=1)
    for m, (name, colour, marker) in enumerate(styles):
        ax.scatter(*points[m].T, color=colour, marker=marker, label=name, zorder=2)
    ax.set(title=title, xticks=[], yticks=[])
    ax.set_aspect("equal", adjustable="datalim")
_ = figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)

# %% mystnb={"figure": {"caption": "The same training over its steps. Left: the gap, for training people and for unseen people. Middle: the position of the auxiliary centres between $v$ (0) and $r$ (1), mean and standard deviation over the people, and their offset from the line. Right: the ratio of the layer scale, mean $|\\alpha|$ over mean $|\\beta|$.", "name": "fig-mun-course"}, "image": {"alt": "Three line plots over training steps. The gap falls, more for training people than for others. The position of the auxiliary centres stays near one half. The ratio of the layer scale moves slowly away from one."}}
course = pd.DataFrame(
    {
        "step": line["step"],
        "training": gap(line["centres"]),
        "unseen": gap(line["unseen"]),
        "position": locate(line["centres"])[0].mean().item(),
        "std": locate(line["centres"])[0].std().item(),
        "offset": locate(line["centres"])[1].mean().item(),
        "ratio": line["ratio"],
    }
    for line in seen
)
figure, axes = plt.subplots(1, 3, figsize=(7, 3))
axes[0].plot(course["step"], course["training"], label="training people")
axes[0].plot(course["step"], course["unseen"], "--", color=plots.SKY, label="unseen people")
axes[0].set(title="gap", ylim=(0, None))
axes[1].plot(course["step"], course["position"], color=plots.GREEN, label="position")
low, high = course["position"] - course["std"], course["position"] + course["std"]
axes[1].fill_between(course["step"], low, high, color=plots.GREEN, alpha=0.2, linewidth=0)
axes[1].plot(course["step"], course["offset"], ":", color=plots.BLACK, label="offset")
axes[1].set(title="auxiliary centres", ylim=(0, 1))
axes[2].plot(course["step"], course["ratio"], color=plots.PURPLE)
axes[2].set(title="|α| / |β|")
for ax in axes[:2]:
    ax.legend(fontsize=9)
for ax in axes:
    ax.set_xlabel("training step")

# %% [markdown]
# The auxiliary centres lie between the two others from the first step on, because $z^a$ starts from the mean
# of the two maps. Their position is near one half, and both other centres approach them. They do not lie *on*
# the line. The network is not linear, so the feature of a mean is not the mean of the features, and the
# learners add a residual. The gap falls faster for the training people. It falls less for unseen people, and
# matching unseen people is the task.
#
# **Which centre does $L_\mathrm{ia}$ use?** The positive of $L_\mathrm{ia}$ is the *furthest* of the two
# other centres. Both distances of the auxiliary centre are below 1 for all eight people, before and after
# training: the largest is printed above. So for $c_p^v$ the furthest is $c_p^r$, and the reverse. For the two
# real modalities $L_\mathrm{ia}$ reduces the full distance between $v$ and $r$ and does not use the auxiliary
# centre. Only the terms with the auxiliary centre as anchor use it. $L_\mathrm{id}$ and $L_\mathrm{tri}$ act
# on all three modalities alike. $L_\mathrm{ma}$ is the only loss that compares $v$ and $r$ with the auxiliary
# modality and not with each other.
#
# The ratio of the layer scale changes by less than a tenth in so few steps, and by no more in the stored runs
# of {ref}`the table <table-mun-t3>`, which have 250 steps. A longer run is needed to see which learner
# dominates; every run of the library logs the ratio.
#
# ## Ablation
#
# We remove one component at a time and train again, for half as many steps. People, batches and the initial
# weights of the backbone are the same.

# %%
ablations = {
    "full model": {},
    "without identity alignment": {"losses": ["id", "ma", "tri"]},
    "without modality alignment": {"losses": ["id", "ia", "tri"]},
    "without the triplet loss (the paper's sum)": {"losses": ["id", "ia", "ma"]},
    "without the auxiliary modality": {"auxiliary": "none"},
    "none of them (two-stream)": {"auxiliary": "none", "losses": ["id", "tri"]},
}
rows = []
for name, options in ablations.items():
    half = next((line for line in seen if not options and line["step"] == steps // 2), None)
    line = half or train(steps // 2, at=[steps // 2], **options)[1][-1]
    rows.append(
        {"": name, "gap, training people": gap(line["centres"]), "gap, unseen people": gap(line["unseen"])}
    )
pd.DataFrame(rows).set_index("").round(2)

# %% [markdown]
# The rows differ by one or two tenths. In our run the full model had the smallest gap on training people and
# a middling one on unseen people. The order is not stable: it changed when the learners ran at full
# resolution. One short run with eight people per column cannot rank the components.
#
# A small gap is also not sufficient for matching: a network can close the gap by mapping all people to one
# point. The {ref}`table of components <table-mun-t3>` compares the accuracy over five seeds, with intervals.
#
# ## Discussion
#
# **In favour of the method.** The generator is small and is not used at test: the deployed network is the
# two-stream network and has the same cost. $L_\mathrm{ma}$ moves each modality towards an intermediate
# distribution.
#
# **Against the method.** $L_\mathrm{ia}$, as we wrote it, requires the full step between $v$ and $r$, like
# the triplet loss. The auxiliary sample of a pair is computed from the pair, so its identity can be predicted
# from either half. A classifier can learn it from the easier half and ignore the other. A training step costs
# up to 1.5 times as much.
#
# **Unknown.** We chose the formula of $L_\mathrm{ia}$. If the paper takes other centres as positives, the
# first point against the method does not apply.
#
# ## Take-aways
#
# - MUN computes a third sample from each pair, after the stems, and does not need it at test.
# - Learners within a modality keep modality-specific patterns, the learner across the modalities extracts
#   shared ones; a layer scale weighs the two.
# - Identity alignment acts on the three centres of each person. With the furthest positive it acts mostly
#   between $v$ and $r$ directly. Modality alignment moves both distributions towards a prototype that
#   receives no gradient.
# - The position of the auxiliary features is quickly measured. Whether they improve matching requires several
#   seeds and intervals.
#
# ## Further reading
#
# - {cite:t}`he2015spp` introduced spatial pyramid pooling, {cite:t}`liu2021hctri` the triplet loss over
#   centres.
# - {cite:t}`li2020xmodality` and {cite:t}`zhang2021mmn` generate other auxiliary images; {ref}`the table
#   <table-mun-t4>` compares several kinds.
#
# ## Exercises

# %% [markdown]
# ```{exercise-start} The gradient of the prototype
# :label: ex-mun-who-moves
# ```
# In $L_\mathrm{ma}$ the prototype receives no gradient. Suppose we used the batch's own mean of $h^a$
# instead, with its gradient. Name one way to reduce the loss to 0 that becomes possible.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-mun-who-moves
# :class: dropdown
# ```
# The auxiliary distribution could move to the others, for example halfway between $v$ and $r$; the two terms
# would become smaller although $v$ and $r$ have not moved. With the fixed prototype, only $v$ and $r$ can
# reduce the loss. (All three can collapse into one point in both cases. The losses that separate identities
# prevent this.)
# ```{solution-end}
# ```

# %% [markdown]
# ```{exercise-start} Auxiliary samples without learners
# :label: ex-mun-no-learners
# ```
# `learners=()` leaves the mean of the two maps. Is the auxiliary centre then exactly halfway between the
# other two? Predict, then measure.
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
position, offset = locate(centres_of(bare, probe))
print("the maps are the mean:", torch.equal(bare.auxiliary(z_v, z_r), (z_v + z_r) / 2))
print("every centre is off the line:", bool((offset > 0.1).all()))

# %% [markdown]
# Its *maps* are the mean, its *features* are not: the generator is followed by ReLUs, batch norms over all
# three modalities, and a pooling that emphasises large values, of which a mean has fewer.
# ```{solution-end}
# ```

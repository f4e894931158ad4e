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
# (cmunet-on-spectra)=
# # cmUNet on spectra
#
# The cosine of the Raman and the infrared spectrum of a mineral is a weak matcher ({ref}`modality-gap`). The
# first of the three papers {cite}`niu2024marrnet` *translates* the spectra before they are compared. Its
# network, cmUNet, takes a spectrum of either modality. It returns a spectrum on the same axis that should not
# reveal the modality of its input.
#
# ```{admonition} Objectives
# :class: tip
# After this chapter you can
# - build cmUNet from its parts and give the reason for each;
# - write down its four losses, and say which of them need aligned pairs;
# - check with numbers whether a loss changed the output.
#
# **Prerequisites:** {ref}`modality-gap`; convolutions, normalisation layers and autograd in PyTorch.
# **Time:** about 25 minutes to read; about two minutes to run on one CPU core.
# ```
#
# ```{figure} ../book/_static/figures/diagram-cmunet.svg
# :name: fig-cmunet
# :class: dark-light
# :width: 420px
# :alt: Block diagram from top to bottom. A blue box for x of v and an orange box for x of r, each N by C by H by W, lead into grey boxes in a column: encoder level 0 with the modality embedding, encoder levels 1 to 3 with stride 2, both kept as skip connections, encoder level 4 with the linear map over all positions and the modality embedding, and decoder levels 3 to 0 that upsample and join the skip connections. A green box below holds the output u = x plus the residual head, which is 0 at the start, in the space of v. Four dashed red boxes at the bottom hold the losses L_rec, L_tra, L_adv and L_per.
#
# cmUNet, with the shapes of images; a spectrum has one axis of length L in place of H and W. Blue: modality
# $v$. Orange: modality $r$. Grey: shared. Green: the output, which is used at test. Dashed red: training only.
# ```
#
# **What the paper says, and what we chose.** Known from the abstract: an encoder-decoder, trained by
# cross-modality transformation and in-modality reconstruction, with an adversarial and a perceptual loss; its
# output lies in the original sample space. Not known to us: all layers, normalisations and weights. These are
# *ours* and listed in the {doc}`fidelity ledger <../book/fidelity-marrnet>`.

# %% tags=["hide-input"]
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has the rest already; elsewhere the package is installed
    address = "git+https://github.com/xmodal-lite/xmodal-lite@v0.1.0"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", f"xmodal-lite @ {address}"], check=True
    )

# %%
import tempfile
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from xmodal_lite import plots
from xmodal_lite.data.spectra import Preparation
from xmodal_lite.experiments import make_spec, open_benchmark, train
from xmodal_lite.losses import adversarial, reconstruction, reverse_gradient, transformation
from xmodal_lite.models import CrossModalityUNet, build

torch.set_num_threads(1)
plots.use_style()

# %% tags=["parameters"]
data_root = ""  # str: folder with RRUFF's raman/ and infrared/; empty uses synthetic minerals
steps = 150  # int: training steps of each cmUNet below

# %% [markdown]
# ## Input
#
# A sample is one spectrum on an axis common to both modalities. The axis has 512 points: 4 cm$^{-1}$ per point
# up to 1520 cm$^{-1}$ (the fingerprint range), 16 cm$^{-1}$ per point above. Values lie between 0 and 1. Points
# outside the range of an instrument are exactly 0. The axis is ours. On real spectra, kernel ridge regression
# matched better on it than on a uniform axis, where the broad water bands near 3400 cm$^{-1}$ take up more
# points than the fingerprint range.

# %%
# NBVAL_CHECK_OUTPUT
data = open_benchmark("rruff", data_root, profile="tiny", folder=tempfile.mkdtemp())
split = data.split("A", seed=0)
axis = torch.from_numpy(Preparation().axis())
print(f"{data.source} data, samples {data.samples.shape[1:]}, axis {axis[0]:.0f} to {axis[-1]:.0f} cm-1")


# %%
def pairs(rows):
    """Return one aligned pair for each mineral among some rows: v (n, 1, L), r (n, 1, L), names."""
    table = data.table.select(rows)
    first = [
        next(
            (rows[i], rows[j])
            for i in np.flatnonzero((table.identity == k) & (table.modality == 0))
            for j in np.flatnonzero((table.pair == table.pair[i]) & (table.modality == 1))
        )
        for k in np.unique(table.identity)
    ]
    v, r = (torch.from_numpy(data.samples[[pair[m] for pair in first]]) for m in (0, 1))
    return v, r, [data.table.identity_names[k] for k in np.unique(table.identity)]


v, r, names = pairs(split.train)
v_new, r_new, names_new = pairs(split.test)


# %% mystnb={"figure": {"caption": "Both spectra of one mineral as the network receives them, on the common axis, which is coarser above 1520 cm$^{-1}$ (dotted). The Raman instrument stops at about 1300 to 1500 cm$^{-1}$; points without measurement are 0.", "name": "fig-network-input"}, "image": {"alt": "Two line plots above each other. The Raman sample has sharp lines below 1300 wavenumbers and is zero above. The infrared sample has broad bands from 400 to 4000."}}
def show(curves, title):
    """Plot samples (L,) below one another, by name."""
    figure, axes = plt.subplots(len(curves), 1, figsize=(7, 1.5 * len(curves)), sharex=True)
    for ax, (name, (y, colour)) in zip(np.atleast_1d(axes), curves.items()):
        ax.plot(y.detach().squeeze(), color=colour)
        ax.axvline(356, color="0.6", linestyle=":")
        ax.set_ylabel(name)
    ticks = [100, 400, 800, 1200, 1524, 2500, 3500]
    ax.set_xticks([int(torch.argmin((axis - t).abs())) for t in ticks], ticks)
    ax.set_xlabel("wavenumber (cm$^{-1}$)")
    figure.suptitle(title)


raman_colour, infrared_colour = plots.MODALITY_COLOURS
show({"Raman": (v[0], raman_colour), "infrared": (r[0], infrared_colour)}, f"{names[0]}: both spectra")

# %% [markdown]
# ## Architecture
#
# A U-Net {cite}`ronneberger2015` halves the length of its input several times and then doubles it again. At
# each length, a skip connection copies the encoder's features to the decoder. This fits the task in two ways.
# Lines keep their positions through the skip connections. The intensity of a line depends on the whole
# spectrum, which is available at the bottleneck.
#
# We build the network with random weights, load the library's weights into it, and assert that both give the
# same output. One layer is a convolution, an instance norm and a ReLU. A stride of 2 halves the length.


# %%
def layer(inputs, outputs, stride=1):
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, 3, stride, 1, bias=False),
        nn.GroupNorm(outputs, outputs),  # one group per channel: an instance norm
        nn.ReLU(),
    )


widths = [16, 32, 32, 32, 32]  # channels; the length goes 512, 256, 128, 64, 32
encoder = nn.ModuleList([layer(1, 16)] + [layer(a, b, stride=2) for a, b in pairwise(widths)])
decoder = nn.ModuleList([layer(a + b, a) for a, b in pairwise(widths)])

# %% [markdown]
# After four halvings 32 positions remain. A stack of small convolutions still covers only part of the axis.
# That is not enough: a hydroxyl stretch at 3600 cm$^{-1}$ in the infrared is informative about lattice lines at
# 200 cm$^{-1}$ in Raman. So the bottleneck has one linear map over *all* positions. Both modalities use the
# same weights, because the output should not depend on the modality. A learned embedding, added at the top and
# at the bottleneck, tells the network the modality of its input. At the top we add it before the ReLU. If it
# were added after the ReLU, the next instance norm would cancel it, because a convolution maps a constant to a
# constant.

# %%
bottleneck = nn.Linear(32 * 32, 32 * 32)
modality_embedding, bottleneck_embedding = torch.zeros(2, 16, 1), torch.zeros(2, 32, 32)
residual_head = nn.Conv1d(16, 1, 1)


def translate(x, modality):
    convolution, norm, relu = encoder[0]
    levels = [relu(norm(convolution(x)) + modality_embedding[modality])]  # (B, 16, 512)
    for down in encoder[1:]:
        levels.append(down(levels[-1]))  # (B, 32, 256) ... (B, 32, 32)
    z = levels.pop()
    positions = (z + bottleneck_embedding[modality]).flatten(1)  # (B, 32 * 32)
    z = z + bottleneck(positions).view_as(z)  # every position depends on every other
    for up, skip in zip(reversed(decoder), reversed(levels)):
        z = up(torch.cat([skip, F.interpolate(z, size=skip.shape[2])], dim=1))
    return x + residual_head(z)  # (B, 1, 512): the input plus a residual


# %% [markdown]
# The last line makes the network predict a *residual*. The library initialises the residual head to exactly 0.
# An untrained cmUNet is therefore the identity map.

# %%
# NBVAL_CHECK_OUTPUT
torch.manual_seed(0)
library = CrossModalityUNet(dims=1)
print("untrained output equals input:", torch.equal(library(v, 0), v))

with torch.no_grad():  # random weights everywhere, so that the comparison covers every part
    for parameter in library.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
for ours, theirs in (
    (encoder, library.encoder),
    (decoder, library.decoder),
    (bottleneck, library.bottleneck),
):
    ours.load_state_dict(theirs.state_dict())
residual_head.load_state_dict(library.residual_head.state_dict())
modality_embedding, bottleneck_embedding = library.modality_embedding, library.bottleneck_embedding

for modality, x in ((0, v), (1, r)):
    torch.testing.assert_close(translate(x, modality), library(x, modality))
print("ours equals the library's, for both modalities")

# %%
# NBVAL_CHECK_OUTPUT
for dims in (1, 2):
    count = sum(p.numel() for p in CrossModalityUNet(dims=dims, context={1: 32, 2: 4}[dims]).parameters())
    print(f"{dims}-D: {count:,} parameters")

# %% [markdown]
# The library's class also translates images, with two-dimensional layers in place of one-dimensional ones:
#
# ```{literalinclude} ../xmodal_lite/models/cmunet.py
# :language: python
# :pyobject: CrossModalityUNet.forward
# :caption: The same lines in `xmodal_lite/models/cmunet.py`
# ```
#
# ### Receptive field
#
# The gradient of one output point with respect to every input point shows which inputs it depends on. With
# convolutions alone the gradient is large within a few hundred wavenumbers. Further away it is small but not 0,
# because an instance norm uses the mean and the variance of the whole spectrum. With the linear map at the
# bottleneck the distant gradient is larger.


# %% mystnb={"figure": {"caption": "Absolute gradient of the output at 1000 cm$^{-1}$ with respect to every input point, with random weights. Near 1000 cm$^{-1}$ both curves are similar. Far away the convolutions alone keep a small gradient from the instance norms; with the linear map it is larger.", "name": "fig-field"}, "image": {"alt": "Two curves over wavenumber on a logarithmic scale. Both curves peak at 1000 wavenumbers. Above 1500 the curve without the linear map stays near 0.1; with the map it is about three times as high."}}
def reach(network, point=225):
    x = v.clone().requires_grad_()
    network(x, 0)[:, 0, point].sum().backward()
    return x.grad.abs().mean(dim=(0, 1))


without = CrossModalityUNet(dims=1)
without.load_state_dict(library.state_dict())
for parameter in without.bottleneck.parameters():
    nn.init.zeros_(parameter)

figure, ax = plt.subplots(figsize=(7, 3))
ax.semilogy(axis, reach(library), color=raman_colour, label="with the linear map")
ax.semilogy(axis, reach(without), color=infrared_colour, linestyle="--", label="convolutions alone")
ax.set(
    xlabel="input wavenumber (cm$^{-1}$)",
    ylabel="|gradient|",
    title="With the linear map every output depends on every input",
)
_ = ax.legend()

# %% [markdown]
# ## Four losses
#
# Write $U$ for the network. The target space is that of $v$, Raman: every output should look like a Raman
# spectrum.
#
# **In-modality reconstruction** requires that a Raman spectrum stays unchanged. **Cross-modality
# transformation** requires that an infrared spectrum becomes the Raman spectrum of the same specimen:
#
# $$
# L_\mathrm{rec} = \lvert U(x^v) - x^v \rvert_1, \qquad L_\mathrm{tra} = \lvert U(x^r) - x^v \rvert_1 .
# $$
#
# The first needs no pairs. The second needs aligned pairs, that is, two spectra of the same specimen. Points
# that were not measured are left out:
#
# ```{literalinclude} ../xmodal_lite/losses/reconstruction.py
# :language: python
# :pyobject: transformation
# ```
#
# ```{literalinclude} ../xmodal_lite/losses/reconstruction.py
# :language: python
# :pyobject: _distance
# ```
#
# By hand, for spectra of three points, of which the last was not measured:

# %%
# NBVAL_CHECK_OUTPUT
output = torch.tensor([[[0.5, 0.1, 0.3]], [[0.0, 0.0, 0.0]]])
target = torch.tensor([[[0.2, 0.5, 0.0]], [[1.0, 1.0, 1.0]]])
aligned = torch.tensor([True, False])  # the second pair shows different specimens and is left out
print(f"{transformation(output, target, aligned):.4f} = (0.3 + 0.4 + 0) / 3 = {0.7 / 3:.4f}")
print(f"{reconstruction(output, target):.4f} = (0.7 + 3) / 6 = {3.7 / 6:.4f}")

# %% [markdown]
# **The adversarial loss** reduces remaining differences between the two kinds of output. A small discriminator
# classifies every patch of a spectrum as coming from $U(x^v)$ or $U(x^r)$. cmUNet is trained to increase the
# discriminator's loss. *Gradient reversal* {cite}`ganin2015` trains both in one backward pass: it is the
# identity in the forward pass and multiplies the gradient by $-1$ in the backward pass.
#
# ```{literalinclude} ../xmodal_lite/losses/adversarial.py
# :language: python
# :pyobject: _Reverse
# :caption: Gradient reversal in `xmodal_lite/losses/adversarial.py`
# ```

# %%
# NBVAL_CHECK_OUTPUT
x = torch.tensor([2.0], requires_grad=True)
(3 * x).backward()
print("plain gradient   ", x.grad.item())
x.grad = None
(3 * reverse_gradient(x)).backward()
print("reversed gradient", x.grad.item())
chance = adversarial(torch.zeros(8), torch.zeros(8)).item()
print(f"loss of a discriminator that outputs 0: {chance:.4f}, which is log 2")

# %% [markdown]
# **The perceptual loss** compares $U(x^r)$ and $U(x^v)$ in the feature space of the extractor of the next
# chapter. It is one minus the cosine of the two features. The extractor's weights receive no gradient from it.
#
# ## Effect of each loss
#
# We train cmUNet four times, each time with more losses, together with a small extractor that classifies the
# training minerals. Here reconstruction and transformation have a weight of 10, so that their effect is
# visible. The recipe of the {ref}`table <table-marrnet-t1>` uses 0.5; the next chapter gives the reason. The
# mineral in the figure was **not** in the training set.


# %%
def trained(losses, steps=steps):
    changes = {"steps": steps, "log_every": 25, "model.losses": ["id", "tri", *losses]}
    changes |= {"loss_weights.rec": 10, "loss_weights.tra": 10}
    spec = make_spec("marrnet", data, protocol="A", profile="tiny", seed=0, overrides=changes)
    return train(spec, data)


settings = {"no cmUNet loss": [], "+ reconstruction": ["rec"], "+ transformation": ["rec", "tra"]}
settings["all four"] = ["rec", "tra", "adv", "per"]
fitted = {name: trained(losses) for name, losses in settings.items()}

# %% mystnb={"figure": {"caption": "The infrared spectrum of a mineral that is not in the training set, translated under four settings. Top: the input. Bottom: the measured Raman spectrum, the target of the transformation loss.", "name": "fig-redrawn"}, "image": {"alt": "Six stacked line plots. Without cmUNet losses and with reconstruction alone the output keeps the shape of the infrared input. With the transformation loss the output gains a broad hump below 400 wavenumbers, where the infrared instrument has no data and the Raman spectrum has lines; the rest hardly changes."}}
with torch.no_grad():
    outputs = {name: run.matcher.translate(r_new, 1) for name, run in fitted.items()}
curves = {"input": (r_new[0], infrared_colour)}
curves |= {name.replace(" ", "\n", 1): (u[0], "0.2") for name, u in outputs.items()}
curves |= {"Raman": (v_new[0], raman_colour)}
show(curves, f"{names_new[0]}: one infrared spectrum, translated")


# %% [markdown]
# One mineral can be untypical, so we compute averages over all minerals. The *error* is the mean absolute
# difference between the translated infrared spectrum and the measured Raman spectrum, over the measured points.
# The second number is the cosine of the two outputs $U(x^r)$ and $U(x^v)$.


# %%
def summary(matcher, v, r):
    with torch.no_grad():
        u_v, u_r = matcher.translate(v, 0), matcher.translate(r, 1)
    measured = v != 0
    error = ((u_r - v).abs() * measured).sum() / measured.sum()
    return error, F.cosine_similarity(u_v.flatten(1), u_r.flatten(1)).mean()


untrained = build("marrnet", dims=1, num_classes=2)  # the identity map
matchers = {"untrained": untrained} | {name: run.matcher for name, run in fitted.items()}
for name, matcher in matchers.items():
    for kind, samples in (("seen", (v, r)), ("unseen", (v_new, r_new))):
        error, cosine = summary(matcher, *samples)
        print(f"{name:17} {kind:7} error {error:.3f}   cosine of the two outputs {cosine:.2f}")

# %% [markdown]
# With the extractor's losses alone the error is larger than for the untrained network, which leaves the
# spectrum unchanged. Reconstruction brings the error back to that of the untrained network, also for infrared
# inputs, on which the loss is not computed. Transformation lowers the error below it, on training minerals and,
# slightly less, on unseen ones. {numref}`fig-redrawn` shows where: the network *predicts* the lattice range
# below 400 cm$^{-1}$, which the infrared instrument did not measure, and changes the rest little.

# %% mystnb={"figure": {"caption": "The six unweighted losses of the run with all four cmUNet losses, over its steps. The adversarial loss stays near log 2 (0.69). The perceptual loss rises. The text explains both.", "name": "fig-cmunet-training"}, "image": {"alt": "Six loss curves on a logarithmic scale over training steps. Identity and triplet losses fall most; the adversarial loss stays almost flat; the perceptual loss rises."}}
_ = plots.plot_training(fitted["all four"].history, "Six losses, one backward pass")

# %% [markdown]
# Does the adversarial loss near $\log 2$ mean that the two outputs cannot be distinguished? The next cell
# computes one number per output, its mean above 1524 cm$^{-1}$, where most Raman files have no data. It then
# finds the best threshold on that number.


# %%
def best_threshold(a, b):
    """Balanced accuracy of the best threshold on one number per sample."""
    candidates = torch.cat([a, b])
    return max(((a <= t).float().mean() + (b > t).float().mean()).item() / 2 for t in candidates)


above = axis > 1524
for name, matcher in matchers.items():
    with torch.no_grad():
        u_v, u_r = (matcher.translate(x, m)[:, 0, above] for m, x in ((0, v_new), (1, r_new)))
    print(f"{name:17} {best_threshold(u_v.mean(1), u_r.mean(1)):.0%} of the unseen outputs separated")

# %% [markdown]
# The perceptual loss rises although cmUNet is trained to lower it. The next cell compares it for matched
# outputs (one mineral) and mismatched outputs (two minerals), early and late in training.

# %%
early = trained(settings["all four"], steps=25).matcher
for name, matcher in (("25 steps", early), (f"{steps} steps", fitted["all four"].matcher)):
    with torch.no_grad():
        outputs = (matcher.translate(x, m) for m, x in ((0, v), (1, r)))
        f_v, f_r = (F.normalize(matcher.extractor.eval().perceptual_features(u), dim=1) for u in outputs)
    s = f_v @ f_r.T  # (minerals, minerals) cosines
    matched, others = s.diag().mean(), s[~torch.eye(len(s), dtype=torch.bool)].mean()
    print(f"{name:9} cosine of features: matched {matched:.2f}, mismatched {others:.2f}")

# %% [markdown]
# Both questions about this figure have an answer in the last two outputs.
#
# - **Adversarial loss.** It stays near $\log 2$, the value of a discriminator that cannot separate the two
#   outputs. But the outputs are separable: one threshold on a single number separates most of them in every
#   setting. So the discriminator has not learned to use the difference, and its gradient gives cmUNet little
#   information. An adversarial loss near $\log 2$ alone does not show that two distributions are alike.
# - **Perceptual loss.** It rises during training. After 25 steps the extractor maps all minerals to nearly the
#   same direction, so matched and mismatched outputs have about the same cosine and the loss is close to 0.
#   Later the extractor separates the minerals. The loss is then larger, although matched outputs are much more
#   similar than mismatched ones. Its values at different steps are distances in different feature spaces and
#   cannot be compared.
#
# ## Discussion
#
# **Advantages.** The output can be inspected: for a wrong match one can see which Raman spectrum the network
# predicted. An embedding does not allow this. Reconstruction needs no pairs, so it can also use spectra without
# a partner.
#
# **Disadvantages.** Intensities of Raman lines are not a function of infrared intensities, so the
# transformation loss cannot reach 0 on unseen minerals. Under an absolute error, the best prediction of an
# uncertain intensity is its median, so translated spectra have weak lines. Whether the translation improves
# *matching* is the question of the {ref}`next chapter <marrnet-raman-ir>` and its
# {ref}`table <table-marrnet-t1>`.
#
# ## Take-aways
#
# - cmUNet maps a spectrum to a spectrum. Both modalities share its weights; an embedding encodes the modality;
#   the output is the input plus a residual that starts at 0.
# - The bottleneck needs a global receptive field, because the Raman and the infrared bands of one bond can lie
#   far apart.
# - Reconstruction needs single spectra, transformation needs aligned pairs, the adversarial loss needs unpaired
#   spectra of both modalities.
# - Before interpreting an adversarial or a perceptual loss, compare it with a simple baseline, such as a
#   threshold on one number.
#
# ## Further reading
#
# - {cite:t}`ronneberger2015` introduced the U-Net, {cite:t}`ganin2015` gradient reversal, {cite:t}`isola2017`
#   the patch discriminator, {cite:t}`johnson2016` the perceptual loss.
# - {ref}`cmunet-on-faces` trains the same class on images and compares two forms of the adversarial loss.
#
# ## Exercises

# %% [markdown]
# ```{exercise-start} Which losses need pairs?
# :label: ex-need-pairs
# ```
# You have 5,000 Raman and 700 infrared spectra, and almost no specimen measured in both ways. Which of the four
# losses can you use? What does the adversarial loss alone not prevent?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-need-pairs
# :class: dropdown
# ```
# Reconstruction needs single spectra. The adversarial loss needs spectra of both modalities, but no pairs. The
# transformation loss needs the same specimen twice. The perceptual loss needs the same mineral twice. The
# adversarial loss alone is minimal if the *distribution* of translated infrared spectra equals the distribution
# of Raman spectra. It does not prevent that quartz is translated to calcite and calcite to quartz.
# ```{solution-end}
# ```

# %% [markdown]
# ```{exercise-start} Two target spaces
# :label: ex-both
# ```
# With `target="both"` the network has two outputs: every spectrum as Raman, and every spectrum as infrared. How
# many channels does the output have, and which parts of the network change?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-both
# :class: dropdown
# ```

# %%
# NBVAL_CHECK_OUTPUT
both = CrossModalityUNet(dims=1, targets=2)
print(tuple(both(v[:5], 0).shape))
one, two = (dict(CrossModalityUNet(dims=1, targets=t).named_parameters()) for t in (1, 2))
print([name for name in one if one[name].shape != two[name].shape])

# %% [markdown]
# The output has two channels, the Raman-like and the infrared-like spectrum. Only the last convolution has a
# different shape. The extractor after it then reads two channels instead of one.
# ```{solution-end}
# ```

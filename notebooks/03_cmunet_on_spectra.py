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
# The first chapter ended with a gap: the same mineral, two spectra, and a cosine that cannot see that they belong
# together. The first of our three papers {cite}`niu2024marrnet` answers with a network that *redraws* the spectra before
# anybody compares them. What goes in is a spectrum of either kind. What comes out is still a spectrum, on the same axis,
# and it should no longer tell which instrument it came from.
#
# After this chapter you can
#
# - build cmUNet from its parts, and say why each is there,
# - write down its four losses, and which of them need aligned pairs,
# - read a redrawn spectrum, and judge whether a loss did what it promised.
#
# **What the paper says, and what we chose.** Known from the abstract: an encoder and decoder, trained by cross-modality
# transformation and in-modality reconstruction, with an adversarial and a perceptual loss, whose output lives in the
# original sample space. Not known to us: every layer, every norm and every weight. Those are *ours*, and listed in the
# {doc}`fidelity ledger <../book/fidelity-marrnet>`.

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
data_root = ""  # str: folder with RRUFF's raman/ and infrared/; empty makes synthetic minerals
steps = 150  # int: training steps of each cmUNet below

# %% [markdown]
# ## What goes in
#
# A sample is one spectrum on an axis that both modalities share: 4 cm$^{-1}$ a point in the fingerprint up to
# 1520 cm$^{-1}$, 16 cm$^{-1}$ above, 512 points in all, scaled to lie between 0 and 1. Points outside the range of an
# instrument are exactly 0. The axis is ours; on real spectra it served a kernel ridge better than a uniform one, because
# the broad bands of water at 3400 cm$^{-1}$ no longer outnumber the fingerprint.

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


# %% mystnb={"figure": {"caption": "One mineral as the network sees it: both spectra on the common axis, which is coarse above 1520 cm$^{-1}$ (dotted). The Raman instrument stops at about 1300 to 1500 cm$^{-1}$; what it did not measure is 0.", "name": "fig-network-input"}, "image": {"alt": "Two line plots above each other. The Raman sample has sharp lines below 1300 wavenumbers and is zero above. The infrared sample has broad bands from 400 to 4000."}}
def show(curves, title):
    """Draw samples (L,) below one another, by name."""
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
show({"Raman": (v[0], raman_colour), "infrared": (r[0], infrared_colour)}, f"{names[0]}, twice")

# %% [markdown]
# ## Building it
#
# A U-Net {cite}`ronneberger2015` halves its input a few times, then doubles it back, and at each size hands the encoder's
# features across to the decoder. That suits the task: lines must stay where they are (the skip connections see to it),
# while *which* lines appear depends on the whole spectrum (the bottom sees all of it).
#
# We build it with random weights of our own, then load the library's weights into it and check that both give the same.
# A layer is a convolution, an instance norm and a ReLU; a stride of 2 does the halving.


# %%
def layer(inputs, outputs, stride=1):
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, 3, stride, 1, bias=False),
        nn.GroupNorm(outputs, outputs),  # one group a channel: each spectrum is scaled by itself
        nn.ReLU(),
    )


widths = [16, 32, 32, 32, 32]  # channels; the length goes 512, 256, 128, 64, 32
encoder = nn.ModuleList([layer(1, 16)] + [layer(a, b, stride=2) for a, b in pairwise(widths)])
decoder = nn.ModuleList([layer(a + b, a) for a, b in pairwise(widths)])

# %% [markdown]
# Four halvings leave 32 positions. A stack of small convolutions still sees only part of the axis, and here that is not
# enough: a hydroxyl stretch at 3600 cm$^{-1}$ in the infrared says something about lattice lines at 200 cm$^{-1}$ in Raman.
# So the bottom gets one linear map over *all* positions. And since the weights are the same for both modalities (that is
# the point), a learned offset tells them which one they are reading. At the top it stands before a ReLU: behind it, a constant
# would go through one more convolution and then be taken out again, by an instance norm.

# %%
mix = nn.Linear(32 * 32, 32 * 32)
modality_embedding, bottleneck_embedding = torch.zeros(2, 16, 1), torch.zeros(2, 32, 32)
correction = nn.Conv1d(16, 1, 1)


def redraw(x, modality):
    convolution, norm, relu = encoder[0]
    levels = [relu(norm(convolution(x)) + modality_embedding[modality])]  # (B, 16, 512)
    for down in encoder[1:]:
        levels.append(down(levels[-1]))  # (B, 32, 256) ... (B, 32, 32)
    z = levels.pop()
    z = z + mix((z + bottleneck_embedding[modality]).flatten(1)).view_as(
        z
    )  # every position speaks to every other
    for up, skip in zip(reversed(decoder), reversed(levels)):
        z = up(torch.cat([skip, F.interpolate(z, size=skip.shape[2])], dim=1))
    return x + correction(z)  # (B, 1, 512): the input, corrected


# %% [markdown]
# The last line is a choice with consequences: the network draws a *correction*. The library starts that correction at
# exactly 0, so an untrained cmUNet passes every spectrum through unchanged, and whatever it does later, it had to learn.

# %%
# NBVAL_CHECK_OUTPUT
torch.manual_seed(0)
library = CrossModalityUNet(dims=1)
print("untrained output equals input:", torch.equal(library(v, 0), v))

with torch.no_grad():  # make every part matter before comparing
    for parameter in library.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
for ours, theirs in ((encoder, library.encoder), (decoder, library.decoder), (mix, library.bottleneck)):
    ours.load_state_dict(theirs.state_dict())
correction.load_state_dict(library.residual_head.state_dict())
modality_embedding, bottleneck_embedding = library.modality_embedding, library.bottleneck_embedding

for modality, x in ((0, v), (1, r)):
    torch.testing.assert_close(redraw(x, modality), library(x, modality))
print("ours equals the library's, for both modalities")

# %%
# NBVAL_CHECK_OUTPUT
for dims in (1, 2):
    count = sum(p.numel() for p in CrossModalityUNet(dims=dims, context={1: 32, 2: 4}[dims]).parameters())
    print(f"{dims}-D: {count:,} parameters")

# %% [markdown]
# In the library the same class draws images, with two-dimensional layers in place of one-dimensional ones:
#
# ```{literalinclude} ../xmodal_lite/models/cmunet.py
# :language: python
# :pyobject: CrossModalityUNet.forward
# :caption: The same lines in `xmodal_lite/models/cmunet.py`
# ```
#
# ### How far does a point see?
#
# Ask the network: take one point of the output and look at the gradient that it sends to every point of the input. The
# convolutions alone look closely at a few hundred wavenumbers. Even beyond those their gradient is not 0, because an instance norm
# sees the mean and the spread of the whole spectrum; but it sees nothing else there. The linear map does.


# %% mystnb={"figure": {"caption": "Size of the gradient from the output at 1000 cm$^{-1}$ to every input point, with random weights. Near 1000 cm$^{-1}$ both look alike. Far away the convolutions alone keep the floor that the instance norms leave; the linear map adds a reach of its own.", "name": "fig-field"}, "image": {"alt": "Two curves over wavenumber on a logarithmic scale. Both curves peak at 1000 wavenumbers. Above 1500 the curve without the linear map stays at a floor near 0.1; with the map it is about three times as high."}}
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
    title="The linear map lets any place speak to any other",
)
_ = ax.legend()

# %% [markdown]
# ## Four losses
#
# Write $U$ for the network and choose the space of $v$, Raman, as the target: every output should look like a Raman
# spectrum.
#
# **In-modality reconstruction** asks that a spectrum that is already in the target space come out as it went in, and
# **cross-modality transformation** that an infrared spectrum come out as the Raman spectrum of the same specimen:
#
# $$
# L_\mathrm{rec} = \lvert U(x^v) - x^v \rvert_1, \qquad L_\mathrm{tra} = \lvert U(x^r) - x^v \rvert_1 .
# $$
#
# The first needs no pairs at all. The second needs pairs that show the very same specimen. Points that were never measured
# set no target:
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
# By hand, on spectra of three points, of which the last was not measured:

# %%
# NBVAL_CHECK_OUTPUT
drawn = torch.tensor([[[0.5, 0.1, 0.3]], [[0.0, 0.0, 0.0]]])
target = torch.tensor([[[0.2, 0.5, 0.0]], [[1.0, 1.0, 1.0]]])
aligned = torch.tensor([True, False])  # the second pair shows different specimens and must not count
print(f"{transformation(drawn, target, aligned):.4f} = (0.3 + 0.4 + 0) / 3 = {0.7 / 3:.4f}")
print(f"{reconstruction(drawn, target):.4f} = (0.7 + 3) / 6 = {3.7 / 6:.4f}")

# %% [markdown]
# **The adversarial loss** goes after what the first two leave: any trace by which one could still tell the two kinds of
# output apart. A small discriminator looks at every stretch of a spectrum and bets on where it came from; the network is
# trained to make the bet a coin toss. One trick does both in a single backward pass. *Gradient reversal*
# {cite}`ganin2015` is the identity on the way forward, and a minus sign on the way back.

# %%
# NBVAL_CHECK_OUTPUT
x = torch.tensor([2.0], requires_grad=True)
(3 * x).backward()
print("plain gradient   ", x.grad.item())
x.grad = None
(3 * reverse_gradient(x)).backward()
print("reversed gradient", x.grad.item())
coin = adversarial(torch.zeros(8), torch.zeros(8)).item()
print(f"a discriminator that can only guess pays {coin:.4f}, which is log 2")

# %% [markdown]
# **The perceptual loss** compares $U(x^r)$ and $U(x^v)$ not point by point, but as the extractor of the next chapter sees
# them, with the extractor's weights held fixed.
#
# ## What each loss draws
#
# Now we train it four times, each time with more losses, always together with a small extractor that must tell the
# training minerals apart. It takes some seconds a run. To see the losses at work we give reconstruction and transformation a
# weight of 10 here; the recipe of the {ref}`table <table-marrnet-t1>` is gentler, with 0.5, and the next chapter says why. The
# mineral in the picture below was **not** in the training set.


# %%
def trained(losses):
    changes = {"steps": steps, "log_every": 25, "model.losses": ["id", "tri", *losses]}
    changes |= {"loss_weights.rec": 10, "loss_weights.tra": 10}
    spec = make_spec("marrnet", data, protocol="A", profile="tiny", seed=0, overrides=changes)
    return train(spec, data)


settings = {"none of its own": [], "+ reconstruction": ["rec"], "+ transformation": ["rec", "tra"]}
settings["all four"] = ["rec", "tra", "adv", "per"]
fitted = {name: trained(losses) for name, losses in settings.items()}

# %% mystnb={"figure": {"caption": "The infrared spectrum of a mineral that training never saw, redrawn under four settings. Top: what went in. Bottom: the Raman spectrum that the transformation loss asks for.", "name": "fig-redrawn"}, "image": {"alt": "Six stacked line plots. Without losses of its own and with reconstruction alone the output keeps the shape of the infrared input. With the transformation loss the output gains a broad hump below 400 wavenumbers, where the infrared instrument saw nothing and the Raman spectrum has lines; the rest hardly changes."}}
with torch.no_grad():
    drawn = {name: run.matcher.translate(r_new, 1) for name, run in fitted.items()}
curves = {"input": (r_new[0], infrared_colour)}
curves |= {name.replace(" ", "\n", 1): (u[0], "0.2") for name, u in drawn.items()}
curves |= {"Raman": (v_new[0], raman_colour)}
show(curves, f"{names_new[0]}: one infrared spectrum, redrawn")


# %% [markdown]
# A picture of one mineral persuades easily, so let us count. For all unseen minerals: how far is the redrawn infrared
# spectrum from the Raman spectrum that was measured (over the points that were), and how alike are the two outputs
# $U(x^r)$ and $U(x^v)$?


# %%
def summary(matcher, v, r):
    with torch.no_grad():
        u_v, u_r = matcher.translate(v, 0), matcher.translate(r, 1)
    measured = v != 0
    error = ((u_r - v).abs() * measured).sum() / measured.sum()
    return error, F.cosine_similarity(u_v.flatten(1), u_r.flatten(1)).mean()


untrained = build("marrnet", dims=1, num_classes=2)  # passes everything through
matchers = {"untrained": untrained} | {name: run.matcher for name, run in fitted.items()}
for name, matcher in matchers.items():
    for kind, samples in (("seen", (v, r)), ("unseen", (v_new, r_new))):
        error, alike = summary(matcher, *samples)
        print(f"{name:17} {kind:7} error {error:.3f}   cosine of the two outputs {alike:.2f}")

# %% [markdown]
# Left to the extractor alone, the network sharpens what it was given. Reconstruction keeps it from doing so, on both sides,
# though it was asked on one. Transformation brings the infrared side closer to the Raman spectrum, on minerals that training saw
# and, a little less, on others, and {numref}`fig-redrawn` shows how: it *fills in* the lattice range below 400 cm$^{-1}$ that the infrared
# instrument never measured, with a guess, and leaves the rest nearly alone.

# %% mystnb={"figure": {"caption": "The losses of the run with all four, unweighted, over its steps. The adversarial loss hovers near log 2 (0.69): the discriminator is kept guessing.", "name": "fig-cmunet-training"}, "image": {"alt": "Six loss curves on a logarithmic scale over training steps. Identity and triplet losses fall most; the adversarial loss stays almost flat."}}
_ = plots.plot_training(fitted["all four"].history, "Six losses, one backward pass")

# %% [markdown]
# ## Discussion
#
# **For it.** The output can be looked at. When a match goes wrong, one can see what the network believed the other
# instrument would have measured; an embedding never shows that. And reconstruction needs no pairs, so spectra with
# no partner could teach it too.
#
# **Against it.** The transformation loss asks for something that cannot be had exactly: strengths of Raman lines are not
# a function of infrared strengths. Under an absolute error the best answer to an unknowable line is to draw it at middling
# strength, and so a redrawn spectrum looks shy. Whether it helps to *match* is another question, which only the
# {ref}`next chapter <marrnet-raman-ir>` and its {ref}`table <table-marrnet-t1>` can answer.
#
# ## Exercises

# %% [markdown]
# ```{exercise-start} Which losses need pairs?
# :label: ex-need-pairs
# ```
# A friend has 5,000 Raman and 700 infrared spectra, and hardly any specimen measured in both ways. Which of the four losses
# can be trained on them? What does the adversarial loss alone fail to prevent?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-need-pairs
# :class: dropdown
# ```
# Reconstruction needs single spectra; the adversarial loss needs spectra of both kinds, but no pairs; the transformation
# loss needs the same specimen twice; the perceptual loss needs the same mineral twice. The adversarial loss
# alone is content when the *crowd* of redrawn infrared spectra looks like the crowd of Raman spectra. It would not
# notice if quartz were drawn as calcite and calcite as quartz.
# ```{solution-end}
# ```

# %% [markdown]
# ```{exercise-start} The other way round
# :label: ex-both
# ```
# `target="both"` gives the network two outputs: everything as Raman, and everything as infrared. How many channels does
# the output have, and which parts of the network change?
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
# Two channels, the Raman-like and the infrared-like one; only the last convolution grows. The extractor behind it then
# reads two channels instead of one.
# ```{solution-end}
# ```
#
# ## Take away
#
# - cmUNet maps a spectrum to a spectrum: one set of weights, an offset that names the modality, a correction that
#   starts at 0.
# - A bottom that sees the whole axis is needed, because the two instruments write about the same bond in different places.
# - Reconstruction needs single spectra, transformation needs aligned pairs, the adversarial loss only needs two crowds.
# - Looking alike is a means. Whether it helps to match is measured next.

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
# (benchmarks)=
# # Benchmarks and how to get them
#
# A camera at the gate films in colour by day. At night it switches to infrared, and the red jacket turns grey. Is the
# grey figure of 3 a.m. the person in the red jacket of noon? That is *visible-infrared person re-identification*, the
# task on which all three of our papers were measured.
#
# The pictures show real people, so none of the sets can be downloaded by a click, and none is in this book. This
# chapter says whom to ask, what a copy looks like on disk, and how to find out that yours is whole. Until you have one,
# a *synthetic* takes its place: procedural people in exactly the same folders. Nobody in it exists.
#
# After this chapter you can
#
# - ask for SYSU-MM01, RegDB and LLCM, and put your own pictures beside them,
# - tell a whole copy from a damaged one before a week of training tells you,
# - write a synthetic data set, and say what a result on it shows and what it does not.

# %% tags=["hide-input"]
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has the rest already; elsewhere the package is installed
    address = "git+https://github.com/xmodal-lite/xmodal-lite@v0.1.0"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", f"xmodal-lite @ {address}"], check=True
    )

# %%
import os
import shutil
import tempfile
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from xmodal_lite import plots
from xmodal_lite.benchmarks import check, llcm, load, names, regdb, sysu_mm01
from xmodal_lite.errors import DataError
from xmodal_lite.evaluation import cosine_distances, group_by_identity_and_camera, rank_metrics
from xmodal_lite.synthetic import write

plots.use_style()

# %% tags=["parameters"]
sysu_root = (
    ""  # str: full path of SYSU-MM01, the folder that holds cam1 to cam6; empty writes a synthetic data set
)

# %% [markdown]
# ## What there is
#
# | name | shows | $v$ and $r$ | identities | how to get it | protocol |
# |:--|:--|:--|--:|:--|:--|
# | `rruff` | minerals | Raman, infrared spectra | grows | open: `xmodal download rruff ROOT` {cite}`lafuente2015` | ours, A and B |
# | `sysu-mm01` | people, six cameras | visible, near infrared | 491 | signed agreement {cite}`wu2017,wu2020` | all and indoor search |
# | `regdb` | people, two cameras | visible, thermal | 412 | form on the owners' page {cite}`nguyen2017,ye2018` | ten halves |
# | `llcm` | people, nine cameras in low light | visible, near infrared | 1,064 | signed agreement {cite}`zhang2023llcm` | one split |
# | `cufs` | faces | photograph, sketch | 606 | its owners {cite}`wang2009` | ours, 404-202 and 306-300 |
# | `cufsf` | faces | photograph, sketch with exaggeration | 1,194 | its owners {cite}`zhang2011` | ours, 500-694 and 700-494 |
# | `casia-nir-vis` | faces | visible, near infrared | 725 | its owners {cite}`li2013` | View 2, ten folds |
# | `tufts` | faces | visible, thermal | 112 | its owners {cite}`panetta2020` | ours, 90 to train |
# | `folder` | whatever you have | any two | yours | your own | one search each way |
#
# These are the names that every command takes. This chapter opens the three sets of people and shows what stands in for
# the four of faces; `xmodal check` knows the layout of all.

# %%
# NBVAL_CHECK_OUTPUT
print(*names(), sep=", ")

# %% [markdown]
# ## Whom to ask
#
# We say here what the owners' own pages say, and where we only have it from others, we say that.
#
# **SYSU-MM01.** The [owners' page](https://github.com/wuancong/SYSU-MM01) holds a release agreement as a PDF. Sign
# it and mail it to the address given there; they answer with a link. The page states that every pedestrian has signed a
# licence for the use of the images in research and in papers. What you want is `SYSU-MM01.zip`, with the six cameras
# and the lists; the second archive, the videos of cameras 1 and 2, is not needed.
#
# **LLCM.** As above, from its [owners' page](https://github.com/ZYK100/LLCM): an agreement to sign and an address to
# send it to.
#
# **RegDB.** We could not read the page of its owners, the Dongguk University in Seoul. The code of AGW {cite}`ye2022`
# and its successors says that the set is listed there as *DBPerson-Recog-DB1* and comes after a copyright form. The
# lists of the ten splits are a later work by others {cite}`ye2018`; a copy without an `idx` folder lacks them.
#
# **Faces.** We could not read the pages of the owners of CUFS, CUFSF, CASIA NIR-VIS 2.0 and Tufts, so we cannot say what they
# ask for. The papers that the table cites introduce the sets and name who keeps them. The file names of CUFSF carry
# those of FERET, another set, whose photographs may have to be asked for by themselves.
#
# **Terms.** What you may do with a set stands in the paper that *you* sign, so read it, also for what it says about
# showing pictures and passing on trained networks. This project holds no picture, no list and no feature of any of
# them.
#
# ## What a copy looks like
#
# The loaders read what the owners distribute, as it is. There is no conversion step, and no file of arrays to prepare.
#
# `````{tab-set}
# ````{tab-item} SYSU-MM01
# ```text
# SYSU-MM01/
# ├── cam1/                visible, indoors           (cam2 too, in the room of cam3)
# │   ├── 0001/
# │   │   ├── 0001.jpg     one identity in one camera
# │   │   └── ...
# │   └── ...              not everybody is seen by every camera
# ├── cam3/                infrared, indoors
# ├── cam4/  cam5/         visible, outdoors
# ├── cam6/                infrared, outdoors
# └── exp/
#     ├── train_id.txt     one line: 1,3,5,...
#     ├── val_id.txt       trains as well, as everybody does since
#     ├── test_id.txt
#     └── rand_perm_cam.mat    optional: the owners' draws of the gallery
# ```
# ````
# ````{tab-item} RegDB
# ```text
# RegDB/
# ├── Visible/
# │   └── 12/              one identity: ten pictures
# │       └── *.bmp
# ├── Thermal/
# │   └── 12/
# │       └── *.bmp
# └── idx/
#     ├── train_visible_1.txt      lines such as: Visible/12/name.bmp 12
#     ├── train_thermal_1.txt
#     ├── test_visible_1.txt
#     ├── test_thermal_1.txt
#     └── ...                      and so on to 10: ten splits
# ```
# ````
# ````{tab-item} LLCM
# ```text
# LLCM/
# ├── vis/
# │   └── 0012/
# │       └── 0012_c03_*.jpg       the camera is in the name
# ├── nir/
# │   └── 0012/
# │       └── 0012_c03_*.jpg
# └── idx/
#     ├── train_vis.txt            lines such as: vis/0012/0012_c03_*.jpg 12
#     ├── train_nir.txt
#     ├── test_vis.txt
#     └── test_nir.txt
# ```
# ````
# ````{tab-item} Your own
# ```text
# mine/
# ├── train/
# │   ├── visible/         two folders of modalities, under any two names
# │   │   └── anna/        one identity: images, or spectra of two columns
# │   └── thermal/
# │       └── anna/
# └── test/                other identities, the same two modalities
#     ├── visible/
# ```
# ````
# `````
#
# ## The same folders, without anybody's picture
#
# One command writes a synthetic data set, of ten identities up to the real number:
#
# ```bash
# xmodal synthetic sysu-mm01 data/sysu --identities 60
# ```
#
# It is deterministic: name, number, seed and gap decide every byte. Here we write three small ones
# from Python, into a temporary folder, and look at what lies where.

# %%
os.chdir(tempfile.mkdtemp())  # all paths below are short because of it
for name, folder, number in (("sysu-mm01", "sysu", 30), ("regdb", "regdb", 12), ("llcm", "llcm", 12)):
    write(name, folder, identities=number, images=2)

# %%
# NBVAL_CHECK_OUTPUT
patterns = """sysu/cam?/*/*.jpg sysu/exp/*.txt sysu/masks/cam?/*/*.png regdb/*/*/*.bmp regdb/idx/*.txt
              llcm/vis/*/*.jpg llcm/nir/*/*.jpg llcm/idx/*.txt"""
for pattern in patterns.split():
    found = sorted(Path().glob(pattern))
    print(f"{pattern:24} {len(found):3} files, such as {found[0].as_posix()}")

# %% [markdown]
# Two things are there that no owner distributes. `masks/` says for each picture where the person is, which no real set
# does; more on that below. And `synthetic.json` in the root, which marks the folder: every report on it will say
# *synthetic*, so that none of its numbers can pass for a real one.
#
# ## Is my copy whole?
#
# A user of SYSU-MM01, so the public threads on it tell, once trained for a week on a copy with 367 of its 395 training
# identities, ten points below the paper, before finding out. The command for that looks at everything and prints it:


# %%
def tell(text):
    """Print long lines in pieces that fit the page."""
    for line in str(text).splitlines():
        print(textwrap.fill(line, 92, subsequent_indent="    ", break_on_hyphens=False))


def xmodal(*words):
    """Run the command as a terminal would."""
    print(f"$ xmodal {' '.join(words)}")
    command = [sys.executable, "-m", "xmodal_lite.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    tell(done.stdout)
    print(f"(exit status {done.returncode})")


# %%
# NBVAL_CHECK_OUTPUT
xmodal("check", "sysu-mm01", "sysu")

# %% [markdown]
# Now a copy with an accident or four: one identity folder is empty, one download was cut short, one identity has
# slipped into a second list, and camera 5 is missing.

# %%
shutil.copytree("sysu", "damaged")
folders = sorted(Path("damaged/cam1").iterdir())
for path in folders[0].iterdir():
    path.unlink()
cut = next(folders[1].iterdir())
cut.write_bytes(cut.read_bytes()[:2000])
tested = Path("damaged/exp/test_id.txt").read_text().strip().split(",")[-1]
train_list = Path("damaged/exp/train_id.txt")
train_list.write_text(f"{train_list.read_text().strip()},{tested}\n")
shutil.rmtree("damaged/cam5")

# %%
# NBVAL_CHECK_OUTPUT
xmodal("check", "sysu-mm01", "damaged")

# %% [markdown]
# Every problem comes at once, each with the file and what to do about it. The exit status is 1, so a script can stop
# there. And `load`, with which every run begins, refuses such a copy:

# %%
# NBVAL_CHECK_OUTPUT
try:
    load("sysu-mm01", "damaged")
except DataError as error:
    tell(error)

# %% [markdown]
# The identity in two lists deserves its own word. It breaks nothing: training runs, the test runs, and the number is
# *better*, as the network has seen its examinee. Only a check will tell.
#
# And the missing 28? On real data, `check` also compares with the known totals. We let our synthetic pass for a real
# copy, by taking its mark away:

# %%
# NBVAL_CHECK_OUTPUT
shutil.copytree("sysu", "unmarked")
Path("unmarked/synthetic.json").unlink()
for problem in check("sysu-mm01", "unmarked"):
    tell(f"- {problem}")

# %% [markdown]
# The totals it compares with, of all three sets. Those of SYSU-MM01 include two that no folder shows: how many pictures
# a gallery holds, and how many queries can be answered. The next chapter says how they come about.

# %%
# NBVAL_CHECK_OUTPUT
for module, title in ((sysu_mm01, "SYSU-MM01"), (regdb, "RegDB"), (llcm, "LLCM")):
    print(title)
    for what, total in module.TOTALS.items():
        print(f"  {what:46} {total:>6,}")

# %% [markdown]
# ## Who walks there?
#
# Let us look at the synthetic data set. A person has a build, a complexion, hair, up to three garments of several cuts in plain,
# striped, checked, dotted or printed cloth, shoes, and perhaps a bag or a hat. They walk past cameras, each with a
# place, a light, a colour cast, a height, noise, blur and a JPEG quality of its own.
#
# ```{figure} ../book/_static/figures/people-sysu.jpg
# :name: fig-people-sysu
# :width: 520px
# :alt: Six rows of people, each row one person in six cameras: corridor, room, street and garden in colour, room and street in grey and grainy infrared. A navy jacket is light grey in infrared, red trousers too. In the last row everything but the person is faded.
#
# Synthetic of SYSU-MM01: six people, each in four visible and two near-infrared cameras. The first wears a navy jacket,
# which infrared shows bright. The last row is faded where the mask says that the person is not.
# ```
#
# What makes it a *cross-modality* task is that infrared obeys its own physics. Three cases, kept apart:
#
# | | what a pixel shows | what becomes of a person |
# |:--|:--|:--|
# | visible | reflected colour | cloth, print, skin, as we know them |
# | near infrared | reflectance beyond 800 nm, under the camera's own lamp | a dye may vanish, so dark cloth can be bright; prints fade or stay; skin is bright |
# | thermal | warmth | skin is warm, thick cloth is cool, a bag is cold; a print hardly shows; smooth and coarse |
#
# ```{figure} ../book/_static/figures/people-regdb.jpg
# :name: fig-people-regdb
# :width: 620px
# :alt: Pairs of small pictures. Left in colour, right thermal: faces, hands and bare legs are white, coats are dark, bags are black.
#
# Synthetic of RegDB: the visible and the thermal camera take the same moment. Faces and bare legs glow, bags are black.
# ```
#
# ```{figure} ../book/_static/figures/people-llcm.jpg
# :name: fig-people-llcm
# :width: 620px
# :alt: Four people, each by day and by night in four cameras. The pictures by day are dim and tinted, those by night are grey and noisy.
#
# Synthetic of LLCM: nine cameras, each of which is a dim colour camera by day and an infrared one by night.
# ```
#
# The bold stripes survive the change of light while colours do not, and a network can learn that. That is the point:
# the task must be hard and must not be hopeless.
#
# ## Does it behave like the task?
#
# A claim that data are "like" other data should be measured. The oldest feature of re-identification is a *colour
# histogram*: which colours are there, and how high up the body? Five stripes, eight shades of each colour, counted.


# %%
def histogram(codes, bins, weights=None):
    """Turn codes (n, rows, columns) into unit features (n, 5 * bins): square roots of shares in five stripes."""
    n = len(codes)
    stripes = codes.reshape(n * 5, -1)  # (5 n, pixels)
    spots = stripes + bins * np.arange(n * 5)[:, None]
    weights = np.ones(codes.shape) if weights is None else weights
    counts = np.bincount(spots.ravel(), weights.ravel(), bins * n * 5).reshape(n * 5, bins)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    return np.sqrt(shares).reshape(n, -1)


def middle(pictures):
    return pictures[:, :, 8:88, 12:36]  # (n, 3, 80, 24): the person, mostly


def colours(pictures, weights=None):
    shades = middle(pictures).astype(int) // 32  # 8 of each of red, green, blue
    return histogram(np.einsum("c,nchw->nhw", [64, 8, 1], shades), 512, weights)


def luminance(pictures):
    return np.einsum("c,nchw->nhw", [0.299, 0.587, 0.114], pictures)


def greys(pictures):
    return histogram((luminance(middle(pictures)) // 11).astype(int), 24)


def pixels(pictures):
    coarse = luminance(pictures)[:, ::4, ::4].reshape(len(pictures), -1)
    return coarse - coarse.mean(axis=1, keepdims=True)


# %% [markdown]
# Then every camera is asked about every other: one picture of each identity in the gallery, all pictures of another
# camera as queries.


# %%
def rank1(features, table, query_camera, gallery_camera):
    """Return rank-1 in percent, and what guessing would give."""
    gallery = np.flatnonzero(table.camera == gallery_camera)
    gallery = gallery[np.unique(table.identity[gallery], return_index=True)[1]]  # the first of each identity
    query = np.flatnonzero(table.camera == query_camera)
    scores = rank_metrics(
        cosine_distances(features[query], features[gallery]), table.identity[query], table.identity[gallery]
    )
    return 100 * scores.rank(1), 100 / len(gallery)


data = load("sysu-mm01", sysu_root or "sysu", size=(96, 48))
two = [
    view[:2]
    for view in group_by_identity_and_camera(
        np.arange(len(data.table)), data.table.identity, data.table.camera
    )
]
rows = np.sort(
    np.concatenate(two)
)  # two pictures of each identity in each camera, which is all of the synthetic data set
table, pictures = data.table.select(rows), data.samples[rows]
cameras = [1, 2, 4, 5, 3, 6]  # visible first
by_colour = colours(pictures)
matrix = np.full((6, 6), np.nan)
for i, j in np.argwhere(~np.eye(6, dtype=bool)):
    matrix[i, j], _ = rank1(by_colour, table, cameras[i], cameras[j])


# %% mystnb={"figure": {"caption": "Rank-1 (%) of colour histograms on the synthetic data set, camera by camera. Within visible light they work, within infrared they still help, and from one to the other they are worth a guess.", "name": "fig-camera-matrix"}, "image": {"alt": "A six by six matrix of numbers. The block of visible against visible cameras holds values above 80. Both blocks of visible against infrared hold values below 20. The two infrared cameras find each other in 60 and 36 percent.", "width": "480px"}}
_, ax = plt.subplots(figsize=(5.2, 4.6))
ax.imshow(matrix, vmin=0, vmax=100)
for (i, j), value in np.ndenumerate(matrix):
    text = "" if np.isnan(value) else f"{value:.0f}"
    ax.text(j, i, text, ha="center", va="center", color="black" if value > 55 else "white")
labels = [f"{c}\n{'infrared' if c in (3, 6) else 'visible'}" for c in cameras]
ax.set_xticks(range(6), labels, fontsize=9)
ax.set_yticks(range(6), labels, fontsize=9)
ax.axhline(3.5, color="white", linewidth=4)
ax.axvline(3.5, color="white", linewidth=4)
ax.set(xlabel="gallery camera", ylabel="query camera", title="Colour does not cross the line")
ax.grid(False)
ax.spines[:].set_visible(False)

# %%
# NBVAL_CHECK_OUTPUT
chance = [rank1(by_colour, table, q, g)[1] for q in (3, 6) for g in (1, 2, 4, 5)]
within, across = matrix[:4, :4], matrix[4:, :4]
assert sysu_root or np.nanmin(within) > 50 > 15 > across.mean()
print(f"visible to visible  {np.nanmean(within):3.0f} %")
print(f"infrared to visible {across.mean():3.0f} %   (guessing {np.mean(chance):.0f} %)")

# %% [markdown]
# As pictures: two people, each looked for once from a visible and once from an infrared camera.


# %% mystnb={"figure": {"caption": "Queries (left) and their five nearest gallery pictures by colour histogram, from camera 5. The same two people twice: seen in colour, each finds itself at once; seen in infrared, somebody in grey or white comes first. The right answer has a green frame.", "name": "fig-histogram-ranked"}, "image": {"alt": "Four rows of six pictures of people. In the first two rows the query is in colour and the first gallery picture is the same person in a green frame. In the last two rows the queries are infrared pictures of the same two people, and the nearest gallery pictures wear grey or white; no green frame is in the first place.", "width": "480px"}}
def nearest(query, gallery_camera, k=5):
    """Find the k nearest pictures of another camera, one of each identity."""
    gallery = np.flatnonzero(table.camera == gallery_camera)
    gallery = gallery[np.unique(table.identity[gallery], return_index=True)[1]]
    return gallery[np.argsort(-by_colour[gallery] @ by_colour[query], kind="stable")[:k]]


people = table.identity[table.camera == 4][[10, 24]]
shown = [
    np.flatnonzero((table.camera == camera) & (table.identity == identity))[0]
    for camera in (4, 6)
    for identity in people
]
figure, axes = plt.subplots(4, 6, figsize=(7, 9.6), dpi=72)
for row, query in zip(axes, shown):
    for place, (ax, index) in enumerate(zip(row, [query, *nearest(query, 5)])):
        ax.imshow(pictures[index].transpose(1, 2, 0))
        ax.set_xticks([])
        ax.set_yticks([])
        ax.grid(False)
        hit = place > 0 and table.identity[index] == table.identity[query]
        ax.spines[:].set(visible=hit, color=plots.GREEN, linewidth=4)
        title = f"✓ {place}" if hit else str(place or "query")
        ax.set_title(title, fontsize=10, loc="center")

# %% [markdown]
# ## A knob for the gap
#
# In the real sets, the gap between visible and infrared is what it is. In the synthetic data set it is a number. At gap 0 the
# infrared camera shows the brightness of the visible colours. At gap 1 each material has a reflectance (or a warmth)
# that has nothing to do with its colour. Between, the two are mixed; 0.5 is the default.
#
# ```{figure} ../book/_static/figures/people-gap.jpg
# :name: fig-people-gap
# :width: 520px
# :alt: Six people, each in colour and then in infrared at gaps 0, 0.25, 0.5, 0.75 and 1. With a growing gap trousers turn from dark to bright, stripes and checks fade, and in the thermal rows skin turns from dark to white.
#
# One moment at five gaps: near infrared above, thermal below. Everything else stays the same, to the last bit: people,
# poses, the visible pictures.
# ```
#
# No method was trained to draw the next figure. It only asks three fixed features the question again, at five gaps.

# %%
gaps = (0.0, 0.25, 0.5, 0.75, 1.0)
features = {"grey histogram": greys, "colour histogram": colours, "coarse pixels": pixels}
results = {name: [] for name in features}
for gap in gaps:
    root = write("sysu-mm01", f"gap{gap}", identities=30, images=2, gap=gap)
    world = load("sysu-mm01", root, size=(96, 48))
    for name, feature in features.items():
        x = feature(np.asarray(world.samples))
        found = [rank1(x, world.table, q, g)[0] for q in (3, 6) for g in (1, 2, 4, 5)]
        results[name].append(np.mean(found))
frame = pd.DataFrame(results, index=pd.Index(gaps, name="gap"))
guess = np.mean([rank1(x, world.table, q, g)[1] for q in (3, 6) for g in (1, 2, 4, 5)])

# %% mystnb={"figure": {"caption": "Rank-1 of infrared queries in visible galleries on synthetic data sets of growing gap, mean over eight pairs of cameras. The same people, poses and visible pictures throughout.", "name": "fig-gap-knob"}, "image": {"alt": "Three curves over the gap from 0 to 1 and a dashed line for guessing. The grey histogram falls from over 50 percent at gap 0 to about twice the guess; colour histogram and coarse pixels start below 20 and sink to the guess."}}
_, ax = plt.subplots()
for (name, curve), style, marker in zip(frame.items(), plots.LINE_STYLES, "osD"):
    ax.plot(curve.index, curve, style, marker=marker, label=name)
ax.axhline(guess, color=plots.GREY, linewidth=1, linestyle=(0, (1, 3)), label="guessing")
ax.set(xlabel="gap", ylabel="infrared to visible, rank-1 (%)", xticks=gaps, ylim=0)
ax.set_title("Without a gap, brightness would do")
_ = ax.legend()

# %%
# NBVAL_CHECK_OUTPUT
assert frame.loc[0.0, "grey histogram"] > 3 * frame.loc[1.0, "grey histogram"]
for name, curve in frame.items():
    print(f"{name:17}", *(f"{value:3.0f} %" for value in curve))

# %% [markdown]
# At gap 0 a grey histogram already solves much of the task, as infrared then is a black-and-white film of the same
# scene. From 0.25 on it fails. What a *trained* network makes of a gap is for the chapters on methods.
#
# ## Where is the person?
#
# The masks let us ask which part of a picture an answer comes from. Here is the visible-to-visible search again, once
# with only the person's pixels counted, once with only the background's.


# %%
def read_mask(path):
    mask = Image.open(Path("sysu/masks") / Path(path).with_suffix(".png"))
    return np.asarray(mask.resize((48, 96))) > 0  # (96, 48)


synthetic = load("sysu-mm01", "sysu", size=(96, 48))
masks = np.stack([read_mask(path) for path in synthetic.table.path])[:, None]  # (n, 1, 96, 48)
person = middle(masks)[:, 0].astype(float)

# %%
# NBVAL_CHECK_OUTPUT
seen = np.asarray(synthetic.samples)
for name, weights in (("all pixels", None), ("the person", person), ("the background", 1 - person)):
    x = colours(seen, weights)
    pairs = [rank1(x, synthetic.table, q, g) for q in (1, 2, 4, 5) for g in (1, 2, 4, 5) if q != g]
    found, guessed = np.mean(pairs, axis=0)
    print(f"{name:15} {found:3.0f} %   (guessing {guessed:.0f} %)")

# %% [markdown]
# The background gives nothing away from camera to camera, and it should not. In later chapters the same masks tell
# whether a network looks at people or at walls, and what it does when part of a person is hidden.
#
# ## Four sets of faces
#
# The same question, asked of faces: is the man in this drawing, or in this infrared picture, on one of those photographs?
# All sets of faces are read at 112 x 112 pixels.
#
# | name | on disk | to train and to test | is looked for in |
# |:--|:--|:--|:--|
# | `cufs` | `photos/`, `sketches/`; the names of a pair are equal | 606 pairs: 404 and 202, or 306 and 300 | all of the other modality, both ways |
# | `cufsf` | the same; names begin with the same number | 1,194 pairs: 500 and 694, or 700 and 494 | all of the other modality, both ways |
# | `casia-nir-vis` | `s1/` to `s4/`, each with `VIS_128x128/` and `NIR_128x128/`; `protocols/` | 725 people: about 357 and 358, in ten folds | near infrared in one visible picture each |
# | `tufts` | `visible/`, `thermal/`, a folder for each subject | 1,583 pairs of 112 or 113 people: 90 and the others | all of the other modality, both ways |
#
# Measured are rank-1 and its neighbours, as for people, and the *verification rate*, VR@FAR: two pictures are shown, are
# they of one person? It is the share of true pairs that are accepted at a threshold at which 1 % (or 0.1 %) of the false
# ones are accepted too. Only CASIA NIR-VIS 2.0 comes with lists. For the other three the sizes are those in use, and who
# trains is ours: five splits each, drawn by a seed and written to `splits/` the first time that the set is loaded. Put a
# paper's lists there, and they are used.
#
# synthetic data sets have these layouts, too. Nobody in the following pictures exists.
#
# ```{figure} ../book/_static/figures/faces-cufs.jpg
# :name: fig-faces-cufs
# :width: 620px
# :alt: Six rows of four photographs of drawn faces, each beside its pencil sketch. In the upper three rows the photographs are in colour. The lower three show the same people grey and in changing light, and the sketches have longer or broader heads.
#
# synthetic data sets of CUFS (above) and CUFSF (below), the same people in both: the photographs of CUFSF are grey, and its sketches
# exaggerate what is special about a face.
# ```
#
# ```{figure} ../book/_static/figures/faces-casia.jpg
# :name: fig-faces-casia
# :width: 620px
# :alt: Six rows, each one person in four visible and four near-infrared pictures, with other expressions, turns of the head and light. In near infrared the skin is bright. In the last row everything but the head is faded.
#
# Synthetic of CASIA NIR-VIS 2.0: no two pictures show one moment. The last row is faded where the mask says that the person
# is not.
# ```
#
# ```{figure} ../book/_static/figures/faces-tufts.jpg
# :name: fig-faces-tufts
# :width: 620px
# :alt: Pairs of pictures, left in colour, right thermal. In the thermal ones the skin is bright, hair and clothes are darker, and glasses are grey patches.
#
# Synthetic of Tufts: two cameras side by side take the same moment. The skin glows, and glasses let no warmth through.
# ```
#
# ```{figure} ../book/_static/figures/faces-gap.jpg
# :name: fig-faces-gap
# :width: 520px
# :alt: Six people, each as a photograph and then in the other modality at gaps 0, 0.25, 0.5, 0.75 and 1. Two sketches, whose heads change shape and whose hair turns light; two near-infrared pictures, whose hair turns light; two thermal ones, whose eyes and beards fade into a coarse, warm blur.
#
# The gap of faces, for two people each: sketches, near infrared, thermal. A sketch exaggerates more with a growing gap and
# says less about how dark things are; a thermal picture becomes one of warmth.
# ```
#
# ## What the synthetic data set is not
#
# - It is not evidence. A rank-1 on the synthetic data set never stands beside a reported one, in no table of this book.
# - Its people are drawn from a wardrobe of some twenty dyes and seven patterns. Nobody changes clothes; nobody walks in
#   front of anybody; faces are two eyes and a mouth; everyone walks in the same way, with another stride.
# - Its infrared is *plausible* and not measured. Reflectances are drawn from distributions that we chose by eye.
# - A method that wins here by its design has shown that the design works where we know what is there. Whether it works
#   out there, only the real sets say.
#
# What it *is* good for: code that runs end to end before the data arrive, tests that can fail, ablations of an idea
# against a gap that can be set, and measurements that need to know where the person is.
#
# ## The day the data arrive
#
# Nothing changes but a path. In this chapter, it is `sysu_root` in the parameters cell above; on the command line it
# is `--data-root`:
#
# ```bash
# xmodal check sysu-mm01 /data/SYSU-MM01
# xmodal run two-stream sysu-mm01 --data-root /data/SYSU-MM01 --profile paper
# ```
#
# Without `--data-root` the same command writes a synthetic data set and runs on that. The first run decodes every picture once,
# to an array beside the data; later ones map it into memory.
#
# From Python, what one gets is the same for all of them: a table of what is there, the samples, and the protocols.

# %%
# NBVAL_CHECK_OUTPUT
print(f"{synthetic.source} data, modalities {synthetic.modalities}")
print(f"samples {synthetic.samples.shape} {synthetic.samples.dtype}")
print("protocols:", ", ".join(synthetic.protocols))
columns = {name: getattr(synthetic.table, name) for name in ("path", "identity", "camera", "modality")}
print(pd.DataFrame(columns).iloc[[0, 1, 150, 301]].to_string())

# %% [markdown]
# A protocol splits the rows and knows how to evaluate features of the test part. Its report comes with its whole name,
# so that a number cannot get lost from the rules under which it was measured:

# %%
# NBVAL_CHECK_OUTPUT
split = synthetic.split("all-single", seed=0)
report = split.evaluate(colours(seen[split.test]))
tell(report)

# %% [markdown]
# That long name is the subject of {doc}`the next chapter <06_protocols>`.
#
# ## Your own pictures
#
# `folder` takes any two kinds of images, or of spectra. Let us make one, from six people of RegDB's synthetic:

# %%
for number in range(1, 7):
    part = "train" if number <= 3 else "test"
    for modality in ("Visible", "Thermal"):
        shutil.copytree(f"regdb/{modality}/{number}", f"mine/{part}/{modality.lower()}/person{number}")

# %%
# NBVAL_CHECK_OUTPUT
print(check("folder", "mine"))
mine = load("folder", "mine", size=(96, 48))
print(mine.modalities, mine.protocols)

# %% [markdown]
# The folders `visible` and `thermal` may have any names; one called visible, vis, rgb, photo or raman becomes modality
# $v$. Everything else in this book then runs on it: `xmodal run two-stream folder --data-root mine`.
#
# ## Exercises
#
# ```{exercise} The quiet accident
# :label: ex-quiet
# Of the four accidents above, one would have gone through training and test without an error in most code, and would
# have raised the result. Two others would have lowered it, and one would have stopped the run. Which is which?
# ```
#
# ```{solution} ex-quiet
# :class: dropdown
# The identity in two lists raises the result: the test asks for somebody seen in training. The missing camera lowers it
# and changes the gallery, so that the number compares with nobody's. The empty folder removes one identity from one
# camera and, if it is a test identity, shrinks the gallery. The cut file stops most loaders, though some image
# libraries fill the missing part with grey when asked to be lenient.
# ```
#
# ```{exercise} A feature that crosses
# :label: ex-crosses
# Stripes survive infrared. Write a feature that counts vertical changes of brightness in each of the five stripes of
# the body, whatever their sign and strength. Does it beat the grey histogram at gap 0.5?
# ```
#
# ````{solution-start} ex-crosses
# :class: dropdown
# ````
# One of many ways: the spectrum of the brightness down the middle of the body, without its phase.

# %%
# NBVAL_CHECK_OUTPUT
rows = luminance(seen)[:, 16:80, 18:30].mean(axis=2)  # (n, 64)
rows = np.diff(rows - rows.mean(axis=1, keepdims=True), axis=1)
texture = np.abs(np.fft.rfft(rows, axis=1))[:, 2:]
for name, x in (("texture", texture), ("grey histogram", greys(seen))):
    found = [rank1(x, synthetic.table, q, g)[0] for q in (3, 6) for g in (1, 2, 4, 5)]
    print(f"{name:15} {np.mean(found):.0f} %")

# %% [markdown]
# ````{solution-end}
# ````
#
# ## Take-aways
#
# - SYSU-MM01 and LLCM come for a signed agreement, RegDB for a form; nothing of them is in this book.
# - `xmodal check` before the first run: identities, lists, every picture, the known totals.
# - The synthetic data set has the same folders and nobody's face. Colour matches within visible light and fails across, and how
#   hard the crossing is can be set.
# - A result on the synthetic data set says that code and idea work. It is never put beside a reported number.

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
# (table-marrnet-t6)=
# # Table: The losses of cmUNet
#
# The sixth of our tables for the cmUNet paper {cite}`niu2024marrnet` takes its losses apart. Each row has one loss more than the
# row before, except that the adversarial one is played in two ways, and that the last row draws in both spaces. The two-stream network is MarrNet's extractor alone, with the same losses. Photographs and sketches are aligned pairs, so every loss can be computed on them. The paper's own
# numbers are not available to us.
#
# The page shows the stored records of finished runs; no number on it is typed. To run the table on your copy (what is finished
# is not repeated, what was interrupted goes on):
#
# ```bash
# xmodal tables run marrnet-t6 --data-root path/to/cufs \
#   --profile paper --seeds 5 --results results
# ```

# %% tags=["parameters"]
run = False  # bool: run what is missing; False only shows the records that are stored
data_root = ""  # str: folder in the layout of CUFS; empty makes the synthetic data set
profile = "demo"  # str: tiny, demo or paper
seeds = 5  # int: seeds 0 .. seeds - 1
store = "../../runs"  # str: where runs are kept
publish_to = ""  # str: also copy the records below this folder

# %% tags=["hide-input"]
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has the rest already; elsewhere the package is installed
    address = "git+https://github.com/xmodal-lite/xmodal-lite@v0.1.0"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", f"xmodal-lite @ {address}"], check=True
    )

# %% tags=["hide-input"]
from IPython.display import Markdown

from xmodal_lite import plots
from xmodal_lite.evaluation.intervals import bounds
from xmodal_lite.experiments import read_parameter, run_table, stored_table

plots.use_style()
options = {"profile": profile, "seeds": seeds, "store": store, "publish_to": publish_to}
if read_parameter("run", run, bool):
    report = run_table("marrnet-t6", data_root=data_root, folder="../../data", **options)
else:
    report = stored_table("marrnet-t6", "../../results")

# %% [markdown]
# ## On the real data
#
# Percent, mean over the seeds and half the width of Student's 95 % interval. A seed draws the division of the subjects, the weights and the batches.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("real"))

# %% [markdown]
# ## On the synthetic data set
#
# Faces drawn by this package, photographs and pencil sketches, in the same folders and under the same protocol. *Higher* or *lower* means that the 95 % interval of the difference leaves out 0. What helps here need not help on real
# pictures.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("synthetic"))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The losses of cmUNet: rank-1 and VR@FAR=1% of sketch queries. A dot or a diamond for the mean over seeds, a bar for its 95 % interval, small marks for the single seeds; the title names the data.", "name": "fig-table-marrnet-t6"}, "image": {"alt": "Dot plot with one line for each row of the table that was run, showing rank-1 and VR@FAR=1% of sketch queries with intervals."}}
if panels := report.panels():
    plots.plot_intervals(panels, bounds)

# %% [markdown]
# ## What it says
#
# Of the synthetic data set alone. cmUNet in front of the extractor lifts it clearly, in rank-1 and in verification, and does so without any loss of its own. What
# its losses add on top is next to nothing: reconstruction costs a little in verification, transformation wins a little rank-1 back, the adversarial loss does nothing that shows, played
# either way, nor does the perceptual one. It is the same finding as on {ref}`spectra <table-marrnet-t1>` and on people in {ref}`SYSU-MM01's layout <table-marrnet-t2-sysu>`: where
# anything helps it is the network in front, not what the paper trains it with. In {ref}`RegDB's <table-marrnet-t2-regdb>` the losses do lift thermal queries a little. At these weights, and on faces that nobody has; real photographs and sketches may differ.
#
# Why does it help, if not by redrawing? With this recipe cmUNet hardly redraws anything: the runs end with a transformation loss little lower than
# leaving sketches as they are would cost ({ref}`the chapter on faces <cmunet-on-faces>` measures it, and shows what cmUNet draws when it
# does learn). What is left is that the extractor gets some layers more at the picture's full size, with a norm of each picture by itself in them. The comparison that would tell, with an
# extractor that is deeper at equal cost, is still to be made.

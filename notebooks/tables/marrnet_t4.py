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
# (table-marrnet-t4)=
# # Table: Faces in visible and near-infrared light
#
# The fourth of our tables for the cmUNet paper {cite}`niu2024marrnet`: near-infrared probes, one visible picture of each person
# in the gallery. The paper's own numbers are not available to us. The two pictures of a person are of two moments, so the
# transformation loss compares what an extractor sees of an identity and not pixels.
#
# Three rows of other authors are reported here and not run. Their networks start from other, large sets of faces, which ours
# do not, so the distance between them and ours is not one of method.
#
# The page shows the stored records of finished runs; no number on it is typed. To run the table on your copy (what is finished
# is not repeated, what was interrupted goes on):
#
# ```bash
# xmodal tables run marrnet-t4 --data-root path/to/casia-nir-vis \
#   --profile paper --seeds 10 --results results
# ```

# %% tags=["parameters"]
run = False  # bool: run what is missing; False only shows the records that are stored
data_root = ""  # str: folder in the layout of CASIA NIR-VIS 2.0; empty makes the synthetic data set
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
    report = run_table("marrnet-t4", data_root=data_root, folder="../../data", **options)
else:
    report = stored_table("marrnet-t4", "../../results")

# %% [markdown]
# ## On the real data
#
# Percent, mean over the seeds and half the width of Student's 95 % interval. A seed is one of the ten folds of View 2.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("real"))

# %% [markdown]
# ## On the synthetic data set
#
# Faces drawn by this package, in the same folders and under the same protocol. A seed is one of the ten folds, and draws the
# weights and the batches. *Higher* or *lower* means that the 95 % interval of the difference leaves out 0. What helps here need not help on real
# pictures.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("synthetic"))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Faces in visible and near-infrared brightness_contrast: rank-1 and VR@FAR=1%. A dot or a diamond for the mean over seeds, a bar for its 95 % interval, small marks for the single seeds; the title names the data.", "name": "fig-table-marrnet-t4"}, "image": {"alt": "Dot plot with one line for each row of the table that was run, showing rank-1 and VR@FAR=1% with intervals."}}
if panels := report.panels():
    plots.plot_intervals(panels, bounds)

# %% [markdown]
# ## What it says
#
# Of the synthetic data set alone. The two-stream network is MarrNet's extractor alone, with the same losses; MarrNet stands above it, clearly in rank-1 and on the mean in
# verification. So does MUN, in both numbers: the one table of the synthetic data sets in which it does. No row here leaves its auxiliary modality out, so what of MUN it is stays open. Between MUN
# and MarrNet no difference shows, nor between redrawing into one space and into both. The enhancing network stands above its baseline in verification, and just so.
#
# How MarrNet's recipe for faces was chosen is said on the {ref}`page of sketches <table-marrnet-t3>`. Its two rows ran on a processor, the others on GPUs.

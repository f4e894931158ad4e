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
# (table-marrnet-t5)=
# # Table: Faces in visible and thermal light
#
# The fifth of our tables for the cmUNet paper {cite}`niu2024marrnet`: thermal pictures of faces against visible ones of the same
# moment. The paper's own numbers are not available to us, nor could any of another paper on this set be verified.
#
# The page shows the stored records of finished runs; no number on it is typed. To run the table on your copy (what is finished
# is not repeated, what was interrupted goes on):
#
# ```bash
# xmodal tables run marrnet-t5 --data-root path/to/tufts \
#   --profile paper --seeds 5 --results results
# ```

# %% tags=["parameters"]
run = False  # bool: run what is missing; False only shows the records that are stored
data_root = ""  # str: folder in the layout of Tufts; empty makes the synthetic data set
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
    report = run_table("marrnet-t5", data_root=data_root, folder="../../data", **options)
else:
    report = stored_table("marrnet-t5", "../../results")

# %% [markdown]
# ## On the real data
#
# Percent, mean over the seeds and half the width of Student's 95 % interval. A seed draws the ninety subjects that train, the weights and the batches.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("real"))

# %% [markdown]
# ## On the synthetic data set
#
# Faces drawn by this package, in the same folders and under the same protocol. A seed draws the subjects that train, the
# weights and the batches. *Higher* or *lower* means that the 95 % interval of the difference leaves out 0. What helps here need not help on real
# pictures.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("synthetic"))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Faces in visible and thermal brightness_contrast: rank-1 and VR@FAR=1% of thermal queries. A dot or a diamond for the mean over seeds, a bar for its 95 % interval, small marks for the single seeds; the title names the data.", "name": "fig-table-marrnet-t5"}, "image": {"alt": "Dot plot with one line for each row of the table that was run, showing rank-1 and VR@FAR=1% of thermal queries with intervals."}}
if panels := report.panels():
    plots.plot_intervals(panels, bounds)

# %% [markdown]
# ## What it says
#
# Of the synthetic data set alone, which has as few people as the real set: 22 to test on, so one more right answer is worth points, and the intervals are wide. On the mean MarrNet
# stands above the two-stream network, its extractor alone, in every column; by its interval in VR@FAR=1%, where it stands above MUN, too. Redrawing into both spaces
# does as well as into one.
#
# With InfoNCE in the place of the triplet loss, as this table first had it, MarrNet verified far worse than the three other methods: InfoNCE orders the pictures of one query at a time,
# while a triplet loss shapes the distances of all. How the recipe was chosen is said on the {ref}`page of sketches <table-marrnet-t3>`.

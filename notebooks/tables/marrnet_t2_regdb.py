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
# (table-marrnet-t2-regdb)=
# # Table: MarrNet on RegDB
#
# The second of our tables for the cmUNet paper {cite}`niu2024marrnet` is person re-identification; this page is its half on
# RegDB. What is compared with what is said on the page for {ref}`SYSU-MM01 <table-marrnet-t2-sysu>`.
#
# The page shows the stored records of finished runs; no number on it is typed. To run the table on your copy (what is finished
# is not repeated, what was interrupted goes on):
#
# ```bash
# xmodal tables run marrnet-t2-regdb --data-root path/to/regdb \
#   --profile paper --seeds 10 --results results
# ```

# %% tags=["parameters"]
run = False  # bool: run what is missing; False only shows the records that are stored
data_root = ""  # str: folder in the layout of RegDB; empty makes the synthetic data set
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
    report = run_table("marrnet-t2-regdb", data_root=data_root, folder="../../data", **options)
else:
    report = stored_table("marrnet-t2-regdb", "../../results")

# %% [markdown]
# ## On the real data
#
# Percent, mean over the seeds and half the width of Student's 95 % interval. A seed is one of the ten splits. The distance to a reported number has the interval of ours alone, as papers print none.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("real"))

# %% [markdown]
# ## On the synthetic data set
#
# People drawn by this package, in the same folders and under the same protocol. A seed draws the weights and the batches, and
# picks one of the ten splits. *Higher* or *lower* means that the 95 % interval of the difference leaves out 0. What helps here need not help on real
# pictures.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("synthetic"))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "MarrNet on RegDB: rank-1 in both directions. A dot or a diamond for the mean over seeds, a bar for its 95 % interval, small marks for the single seeds; the title names the data.", "name": "fig-table-marrnet-t2-regdb"}, "image": {"alt": "Dot plot with one line for each row of the table that was run, showing rank-1 in both directions with intervals."}}
if panels := report.panels():
    plots.plot_intervals(panels, bounds)

# %% [markdown]
# ## What it says
#
# Of the synthetic data set alone, whose ten splits differ much from each other. cmUNet's rows stand above the two-stream network of the same
# augmentation on the mean, in both directions, but by less than the intervals. No single loss of cmUNet makes a
# difference that its interval does not cover, except for small ones; all four together raise rank-1 of thermal queries a little.

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
# (table-agw-regdb)=
# # Table: the two-stream baseline on RegDB
#
# The baseline of the re-identification tables on RegDB: visible pictures against thermal ones, both directions.
#
# The two rows of the baseline are one network with two augmentations. *AGW recipe* pads, crops and flips; the paper's
# network has a non-local attention block too {cite}`ye2022`, ours has not. *CAJ augmentation* adds exchanged channels,
# grey pictures and random erasing; that paper changes the loss as well, and averages each test picture with its mirror
# image, which ours does not.
#
# The page shows the stored records of finished runs; no number on it is typed, and each reported number names who
# printed it. To run the table on your copy of RegDB (what is finished is not repeated, what was interrupted goes on):
#
# ```bash
# xmodal tables run agw-regdb --data-root path/to/regdb \
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
    report = run_table("agw-regdb", data_root=data_root, folder="../../data", **options)
else:
    report = stored_table("agw-regdb", "../../results")

# %% [markdown]
# ## On the real data
#
# Percent, mean over the seeds and half the width of Student's 95 % interval. A seed is one of the ten splits. The
# distance to a reported number has the interval of ours alone, as papers print none.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("real"))

# %% [markdown]
# ## On the synthetic data set
#
# People drawn by this package, in the same folders and under the same protocol. A seed draws the weights and the
# batches, and picks one of the ten splits. A row is compared with another seed by seed, so that what a seed makes easy
# or hard cancels; *higher* or *lower* means that the 95 % interval of the difference leaves out 0. What helps here need
# not help on real pictures.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("synthetic"))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The two-stream network with two augmentations: rank-1 in both directions. A dot or a diamond for the mean over seeds, a bar for its 95 % interval, small marks for the single seeds; the title names the data.", "name": "fig-table-agw-regdb"}, "image": {"alt": "Dot plot with one line for each row of the table that was run, showing rank-1 in both directions with intervals."}}
if panels := report.panels():
    plots.plot_intervals(panels, bounds)

# %% [markdown]
# ## What it says
#
# Of the synthetic data set alone. Here the augmentation of CAJ is worth much, in both directions and by its interval. Thermal pictures carry no colour, and channel exchange
# teaches the network not to look at it; that this is why, we have not tested. In {ref}`SYSU-MM01's layout <table-agw-sysu>` the same augmentation shows no difference.
# The intervals of single rows are wide because a seed is also another split; the difference is taken split by split.

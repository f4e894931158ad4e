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
# (table-mun-t3)=
# # Table: the components of MUN
#
# The third of our tables for the MUN paper {cite}`yu2023mun` takes the method apart; the paper's cells are not available to us, but for the
# whole. Our rows add the learners that make the auxiliary modality, one and both, then each alignment loss, then all.
# Every row but the last has the baseline's identity and triplet losses. What is written as the method's loss in the
# ledger has no triplet loss; the last row shows what it is worth. A method is compared with the two-stream network of
# the *same* augmentation, backbone and schedule.
#
# The page shows the stored records of finished runs; no number on it is typed, and each reported number names who
# printed it. To run the table on your copy of SYSU-MM01 (what is finished is not repeated, what was interrupted goes
# on):
#
# ```bash
# xmodal tables run mun-t3 --data-root path/to/sysu-mm01 \
#   --profile paper --seeds 5 --results results
# ```

# %% tags=["parameters"]
run = False  # bool: run what is missing; False only shows the records that are stored
data_root = ""  # str: folder in the layout of SYSU-MM01; empty makes the synthetic data set
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
    report = run_table("mun-t3", data_root=data_root, folder="../../data", **options)
else:
    report = stored_table("mun-t3", "../../results")

# %% [markdown]
# ## On the real data
#
# Percent, mean over the seeds and half the width of Student's 95 % interval. SYSU-MM01 has one split; a seed draws the
# weights and the batches. The distance to a reported number has the interval of ours alone, as papers print none.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("real"))

# %% [markdown]
# ## On the synthetic data set
#
# People drawn by this package, in the same folders and under the same protocol. A seed draws the weights and the
# batches. A row is compared with another seed by seed, so that what a seed makes easy or hard cancels; *higher* or
# *lower* means that the 95 % interval of the difference leaves out 0. What helps here need not help on real pictures.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("synthetic"))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "The components of MUN: rank-1 and mAP of the all search. A dot or a diamond for the mean over seeds, a bar for its 95 % interval, small marks for the single seeds; the title names the data.", "name": "fig-table-mun-t3"}, "image": {"alt": "Dot plot with one line for each row of the table that was run, showing rank-1 and mAP of the all search with intervals."}}
if panels := report.panels():
    plots.plot_intervals(panels, bounds)

# %% [markdown]
# ## What it says
#
# Of the synthetic data set alone, and of the all search. No row of MUN stands above the two-stream network of the same augmentation, and of those that are compared with it
# only the cross-modality learner by itself stands below it, in mAP. Among the rows of MUN, the two learners together do better in mAP than the
# cross-modality learner alone, and the modality alignment loss costs a little mAP. The paper's own sum, without the triplet loss, has the highest mean
# of MUN's rows, within the spread.
#
# **How far to trust five seeds.** These runs are of one GPU. Five earlier ones, of the same recipe on a processor, whose draws are others,
# had MUN above its baseline on the mean of rank-1, though not by its interval, and *higher* in mAP. An interval over five seeds covers the seeds that
# were drawn, and a difference of a point or two on this synthetic data set is not settled by one set of them.
#
# **What was tried to help it.** Leaving out the triplet loss, leaving out either alignment loss, either learner alone (this page), and five
# other things in the place of the auxiliary modality ({ref}`next table <table-mun-t4>`). None stands above the baseline by more than its
# interval; the cross-modality learner alone here, and the $1 \times 1$ image there, are *lower* than what they are compared with. What was not tried: other weights, another schedule, another
# stage for the learners. The records hold a lead: at the end of a run the modality alignment loss is about 0.004 beside an identity loss above 2, so at its weight it hardly pulls. A reason that we suspect: the synthetic data set's people differ between the modalities mostly in what is seen of their
# clothes, which channel exchange already teaches the baseline to ignore, so that little is left for a bridge.

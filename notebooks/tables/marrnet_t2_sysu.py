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
# (table-marrnet-t2-sysu)=
# # Table: MarrNet on SYSU-MM01
#
# The second of our tables for the cmUNet paper {cite}`niu2024marrnet` is person re-identification; this page is its half on
# SYSU-MM01. The paper's own numbers are not available to us. Those of the baselines and of MUN are, and stand beside ours.
#
# People walk on between two cameras, so no picture lies on top of another: the transformation loss compares what an early
# stage of the extractor sees of an identity, on average, and not pixels. The extractor, its losses, its schedule and its
# augmentation are those of the row *Two-stream, CAJ augmentation*; without cmUNet, MarrNet *is* that network, which a test
# holds it to. So the difference to that row is what cmUNet adds.
#
# The page shows the stored records of finished runs; no number on it is typed. To run the table on your copy (what is finished
# is not repeated, what was interrupted goes on):
#
# ```bash
# xmodal tables run marrnet-t2-sysu --data-root path/to/sysu-mm01 \
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
    report = run_table("marrnet-t2-sysu", data_root=data_root, folder="../../data", **options)
else:
    report = stored_table("marrnet-t2-sysu", "../../results")

# %% [markdown]
# ## On the real data
#
# Percent, mean over the seeds and half the width of Student's 95 % interval. A seed draws the weights and the batches; SYSU-MM01 has one split. The distance to a reported number has the interval of ours
# alone, as papers print none.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("real"))

# %% [markdown]
# ## On the synthetic data set
#
# People drawn by this package, in the same folders and under the same protocol. A row is compared with another seed by seed. *Higher* or *lower* means that the 95 % interval of the difference leaves out 0. What helps here need not help on real
# pictures.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("synthetic"))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "MarrNet on SYSU-MM01: rank-1 and mAP of the all search. A dot or a diamond for the mean over seeds, a bar for its 95 % interval, small marks for the single seeds; the title names the data.", "name": "fig-table-marrnet-t2-sysu"}, "image": {"alt": "Dot plot with one line for each row of the table that was run, showing rank-1 and mAP of the all search with intervals."}}
if panels := report.panels():
    plots.plot_intervals(panels, bounds)

# %% [markdown]
# ## What it says
#
# Of the synthetic data set alone. cmUNet in front lifts the two-stream network of the same augmentation, in rank-1 and in mAP, and it stands above MUN and
# the enhancing network. It is the network that helps, not what it is trained with: without any loss of its own cmUNet does as
# well, and no step of the ladder makes a difference that its interval does not cover. Redrawing into both spaces adds nothing.
#
# A row with cmUNet has more layers than the extractor alone, at the pictures' full size. That is a part of what the paper proposes, and the
# comparison with a *deeper extractor of equal cost* is still to be made.

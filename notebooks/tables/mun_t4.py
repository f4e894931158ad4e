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
# (table-mun-t4)=
# # Table: MUN with other auxiliary modalities
#
# The fourth of our tables for the MUN paper {cite}`yu2023mun` puts other things in the place of its auxiliary modality; the
# paper's cells are not available to us, but for its own. Losses and network are the same in all rows. *X-modality image*, *Mixture of the
# pair* and *Middle image* are the ideas of other papers in this place, not those papers' methods. A method is compared
# with the two-stream network of the *same* augmentation, backbone and schedule.
#
# The page shows the stored records of finished runs; no number on it is typed, and each reported number names who
# printed it. To run the table on your copy of SYSU-MM01 (what is finished is not repeated, what was interrupted goes
# on):
#
# ```bash
# xmodal tables run mun-t4 --data-root path/to/sysu-mm01 \
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
    report = run_table("mun-t4", data_root=data_root, folder="../../data", **options)
else:
    report = stored_table("mun-t4", "../../results")

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

# %% tags=["hide-input"] mystnb={"figure": {"caption": "MUN with other auxiliary modalities: rank-1 and mAP of the all search. A dot or a diamond for the mean over seeds, a bar for its 95 % interval, small marks for the single seeds; the title names the data.", "name": "fig-table-mun-t4"}, "image": {"alt": "Dot plot with one line for each row of the table that was run, showing rank-1 and mAP of the all search with intervals."}}
if panels := report.panels():
    plots.plot_intervals(panels, bounds)

# %% [markdown]
# ## What it says
#
# Of the synthetic data set alone. Nothing that is put in the place of the auxiliary modality makes a difference in rank-1 that the intervals do not
# cover. In mAP the X-modality image stands below having none at all, and MUN's unified features stand above the X-modality image. So
# the choice of the auxiliary matters less here than the word *unifying* suggests; see {ref}`the components <table-mun-t3>` for what five seeds can
# and cannot tell.

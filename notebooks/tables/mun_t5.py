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
# (table-mun-t5)=
# # Table: MUN on corrupted images (no run yet)
#
# Does MUN {cite}`yu2023mun` match corrupted visible images, with noise, blur, weather or compression? The rows train
# as in {ref}`the first table <table-mun-t1>` and are tested on corrupted images. The benchmark has no such protocol
# yet, so no row can be run. The reported numbers are of AGW and CIL, by the authors of the corrupted sets.

# %% tags=["parameters", "hide-input"]
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

# %% tags=["hide-input"] mystnb={"figure": {"caption": "MUN and the two-stream network on corrupted images: rank-1 and mAP of the all search. Dot or diamond: mean over seeds. Bar: 95 % interval. Small marks: single seeds. The title names the data.", "name": "fig-table-mun-t5"}, "image": {"alt": "Dot plot with one line for each row of the table that was run, showing rank-1 and mAP of the all search with intervals."}}
from IPython.display import Markdown

from xmodal_lite import plots
from xmodal_lite.evaluation.intervals import bounds
from xmodal_lite.experiments import read_parameter, run_table, stored_table

plots.use_style()
options = {"profile": profile, "seeds": seeds, "store": store, "publish_to": publish_to}
if read_parameter("run", run, bool):
    report = run_table("mun-t5", data_root=data_root, folder="../../data", **options)
else:
    report = stored_table("mun-t5", "../../results")
if panels := report.panels():
    plots.plot_intervals(panels, bounds)

# %% [markdown]
# ## Published numbers
#
# The command below reports an error until the protocol exists.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("real"))

# %% [markdown]
# ## Synthetic data

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(report.markdown("synthetic"))

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
# (table-marrnet-t3)=
# # Table: Photographs and sketches of faces
#
# The third table of the cmUNet paper {cite}`niu2024marrnet`: find the photograph of the person whom an artist drew. The paper's own
# numbers are not available to us, nor could any rank-1 of another paper on this set be verified, so no cell stands beside a
# reported one. What each loss of cmUNet adds here is {ref}`another table <table-marrnet-t6>`.
#
# Identification ranks all photographs of the test half for each sketch, and the reverse. Verification decides for every pair of
# a sketch and a photograph: *VR@FAR=1%* is the largest share of true pairs accepted while at most one false pair in a hundred is.
#
# The page shows the stored records of finished runs; no number on it is typed. To run the table on your copy (what is finished
# is not repeated, what was interrupted goes on):
#
# ```bash
# xmodal tables run marrnet-t3 --data-root path/to/cufs \
#   --profile paper --seeds 5 --results results
# ```

# %% tags=["parameters"]
run = False  # bool: run what is missing; False only shows the records that are stored
data_root = ""  # str: folder in the layout of CUFS; empty makes the stand-in
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
from xmodal_lite.experiments import bounds, open_page

plots.use_style()
options = {"profile": profile, "seeds": seeds, "store": store, "publish_to": publish_to}
page = open_page("marrnet-t3", "../..", run=run, data_root=data_root, **options)

# %% [markdown]
# ## On the real data
#
# Percent, mean over the seeds and half the width of Student's 95 % interval. A seed draws the division of the subjects, the weights and the batches.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(page.markdown("real"))

# %% [markdown]
# ## On the stand-in
#
# Faces drawn by this package, photographs and pencil sketches, in the same folders and under the same protocol. A seed draws
# the division of the subjects, the weights and the batches. *Higher* or *lower* means that the 95 % interval of the difference leaves out 0. What helps here need not help on real
# pictures.

# %% tags=["hide-input"]
# NBVAL_CHECK_OUTPUT
Markdown(page.markdown("stand-in"))

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Photographs and sketches of faces: rank-1 and VR@FAR=1% of sketch queries. A dot or a diamond for the mean over seeds, a bar for its 95 % interval, small marks for the single seeds; the title names the data.", "name": "fig-table-marrnet-t3"}, "image": {"alt": "Dot plot with one line for each row of the table that was run, showing rank-1 and VR@FAR=1% of sketch queries with intervals."}}
if panels := page.panels():
    plots.plot_intervals(panels, bounds)

# %% [markdown]
# ## What it says
#
# Of the stand-in alone. MarrNet stands above its extractor: clearly in verification, on the mean in rank-1. Yet *Two-stream*, MUN and the
# enhancing network stand above MarrNet on the mean, the last by its interval too. The three share their losses and differ from MarrNet in them: a triplet loss before
# a batch-norm neck, where MarrNet's recipe for faces has InfoNCE behind it. So the extractor of this recipe is the weaker one, and what cmUNet adds to
# it should be read against *Extractor alone*. The recipes for faces were not tuned.

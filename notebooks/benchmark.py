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
# (benchmark)=
# # One method on one benchmark
#
# The tables run many methods; this notebook runs one, at any size, and shows all that is known of the run. As it stands
# here it trains MarrNet for some seconds on synthetic minerals. At full size, on your copy of a benchmark:
#
# ```bash
# papermill notebooks/benchmark.ipynb out.ipynb -p benchmark sysu-mm01 \
#   -p method mun -p profile paper -p seed 0 \
#   -p data_root path/to/SYSU-MM01 -p store path/to/runs
# ```
#
# What a run of each method takes on which card is told on {doc}`the page of costs <../book/costs>`.
#
# **An interrupted run goes on.** With a `store`, a checkpoint is written every so many steps (`checkpoint_every` in the
# recipe below), and the same command, given again, resumes from the last one and ends where the uninterrupted run would have. A
# finished run is never repeated.
#
# **On Colab** the machine and its disk vanish when the session ends. Mount your drive (the folder symbol on the left),
# write its path into `store`, and a lost session costs the minutes since the last checkpoint: open the notebook again,
# run all cells, and it goes on. The free GPU (a T4) is meant for `profile = "demo"`, which takes minutes; `paper`
# outlasts a free session, so it depends on the store.

# %% tags=["parameters"]
benchmark = "rruff"  # str: a benchmark's name, as `xmodal benchmarks` lists them
method = "marrnet"  # str: a method's name
protocol = ""  # str: empty for the benchmark's first
profile = "tiny"  # str: tiny, demo or paper
data_root = ""  # str: folder in the benchmark's own layout; empty makes the synthetic data set
seed = 0  # int: seeds the split, the weights and the batches
changes = {}  # dict: changes to the recipe by dotted name, such as {"grad_accumulation": 2} on a small card
store = ""  # str: where the run is kept, on a mounted drive say; empty forgets it afterwards

# %% tags=["hide-input"]
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has the rest already; elsewhere the package is installed
    address = "git+https://github.com/xmodal-lite/xmodal-lite@v0.1.0"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", f"xmodal-lite @ {address}"], check=True
    )

# %%
import tempfile

from IPython.display import Markdown

from xmodal_lite import plots
from xmodal_lite.experiments import run_report

plots.use_style()
options = {"protocol": protocol, "profile": profile, "seed": seed, "changes": changes}
report = run_report(method, benchmark, data_root=data_root, store=store or tempfile.mkdtemp(), **options)

# %% [markdown]
# ## What came out
#
# The protocol in full, then the mean over its draws.

# %%
# NBVAL_CHECK_OUTPUT
print(report.record.protocol)

# %%
print(report.record.report())

# %% [markdown]
# One run is one draw of everything that chance decides. Two methods are compared over several seeds, as the tables do.
#
# ## How the training went

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Every loss of the run over its steps, on a logarithmic scale.", "name": "fig-benchmark-losses"}, "image": {"alt": "Line plot with one line for each loss of the method over the training steps, on a logarithmic axis."}}
if report.history:
    plots.plot_training(report.history, f"Losses of {method} on {benchmark}")

# %% [markdown]
# ## What it took, and where it comes from

# %% tags=["hide-input"]
Markdown(report.markdown())

# %% [markdown]
# ## The same run from a terminal

# %%
# NBVAL_CHECK_OUTPUT
Markdown(report.commands())

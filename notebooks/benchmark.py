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
# The tables compare many methods. This notebook runs one method, at any size, and shows the complete record
# of the run. With the default parameters it trains MarrNet for a few seconds on synthetic minerals. At full
# size, on your copy of a benchmark:
#
# ```bash
# papermill notebooks/benchmark.ipynb out.ipynb -p benchmark sysu-mm01 \
#   -p method mun -p profile paper -p seed 0 \
#   -p data_root path/to/SYSU-MM01 -p store path/to/runs
# ```
#
# {doc}`The page of costs <../book/costs>` lists time and memory of each method.
#
# **Resuming a run.** With a `store`, a checkpoint is written at regular steps (`checkpoint_every` in the
# recipe below). The same command then resumes an interrupted run from the last checkpoint, and the result
# equals that of the uninterrupted run. A finished run is not repeated.
#
# **On Colab** the machine and its disk are deleted when the session ends. Mount your drive (the folder symbol
# on the left) and write its path into `store`. After a lost session, open the notebook again and run all
# cells: the run resumes from the last checkpoint. The free GPU (a T4) is intended for `profile = "demo"`,
# which takes minutes. `paper` takes longer than a free session and needs the store.

# %% tags=["parameters"]
benchmark = "rruff"  # str: a benchmark's name, as `xmodal benchmarks` lists them
method = "marrnet"  # str: a method's name
protocol = ""  # str: empty for the first protocol of the benchmark
profile = "tiny"  # str: tiny, demo or paper
data_root = ""  # str: folder in the benchmark's own layout; empty writes a synthetic data set
seed = 0  # int: seeds the split, the weights and the batches
changes = {}  # dict: changes to the recipe by dotted name, such as {"grad_accumulation": 2} on a small card
store = ""  # str: folder in which the run is kept, such as one on a mounted drive; empty: not kept

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
# ## Results
#
# The protocol in full, then the mean over its trials.

# %%
# NBVAL_CHECK_OUTPUT
print(report.record.protocol)

# %%
print(report.record.report())

# %% [markdown]
# One run is one sample of everything that depends on random numbers. To compare two methods, use several
# seeds, as the tables do.
#
# ## Loss curves

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Every loss of the run over its steps, on a logarithmic scale.", "name": "fig-benchmark-losses"}, "image": {"alt": "Line plot with one line for each loss of the method over the training steps, on a logarithmic axis."}}
if report.history:
    plots.plot_training(report.history, f"Losses of {method} on {benchmark}")

# %% [markdown]
# ## Cost and provenance

# %% tags=["hide-input"]
Markdown(report.markdown())

# %% [markdown]
# ## The same run from a terminal

# %%
# NBVAL_CHECK_OUTPUT
Markdown(report.commands())

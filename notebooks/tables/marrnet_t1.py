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
# (table-marrnet-t1)=
# # Table: Raman against infrared spectra
#
# This is the first table of the cmUNet paper {cite}`niu2024marrnet`, on the minerals of RRUFF
# {cite}`lafuente2015`. The paper's own numbers are not available to us, and its data and split are not stated, so no
# cell here stands beside a reported one. What the table *can* say is which piece of the method earns its place, under
# one protocol, one recipe and five seeds.
#
# The page shows the stored records of finished runs. Nothing on it is typed. With `run = True` papermill runs whatever
# is missing first:
#
# ```bash
# xmodal tables run marrnet-t1 --data-root path/to/rruff --profile demo --seeds 5
# ```

# %% tags=["parameters"]
run = False  # bool: run what is missing; False only shows the records that are stored
data_root = ""  # str: folder with raman/ and infrared/; empty makes the stand-in
profile = "demo"  # str: tiny, demo or paper
seeds = 5  # int: seeds 0 .. seeds - 1
protocols = ""  # str: "A", "B" or "A,B"; empty for all
store = "../../runs"  # str: where runs are kept
publish_to = ""  # str: also copy the records into this folder

# %% tags=["hide-input"]
from pathlib import Path

from xmodal_lite.experiments import (
    RunStore,
    load_table,
    open_benchmark,
    publish,
    run_all,
    stored_records,
)

table = load_table("marrnet-t1")
chosen = protocols.split(",") if protocols else list(table.protocols)

# %% [markdown]
# ## The runs

# %%
if run:
    data = open_benchmark(table.benchmark, data_root, profile=profile)
    runs = RunStore(store)
    records = run_all(table.specs(data, profile=profile, seeds=range(seeds), protocols=chosen), data, runs)
    if publish_to:
        publish(records, runs, Path(publish_to) / table.name / data.source)
else:
    records = stored_records(Path("../../results"), table.name, "real")

one = records[0]
sources = {record.spec.source for record in records}
print(f"{len(records)} runs on {' and '.join(sorted(sources))} data, profile {one.spec.profile}")

# %%
for protocol in chosen:
    print(next(record.protocol for record in records if record.spec.protocol == protocol))

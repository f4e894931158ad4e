"""Where the numbers of a table come from: the setting in its titles, and the code, data and machines of its runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from xmodal_lite.benchmarks import data_set
from xmodal_lite.escape import markdown, markdown_code
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.tables import Table, records_of
from xmodal_lite.recipe import Recipe

CHANGED = "**The source has changed since these runs were made**"
UNCHANGED = "The present source is the one that made these runs."
PRECISIONS = {"no": "float32"}  # else as Accelerate names it


def setting(records: Sequence[RunRecord]) -> str:
    """Name what numbers are of, for the title above them: data, backbone, image size, steps and seeds.

    Parameters
    ----------
    records : sequence of RunRecord
        The runs behind the numbers, one or more, of one benchmark and source.
    """
    trained = [recipe for one in records if isinstance(recipe := one.spec.recipe, Recipe)]
    sizes = {recipe.image_size for recipe in (one.spec.recipe for one in records) if recipe.image_size}
    parts = [
        data_words(records[0]),
        _listed(_backbone(recipe) for recipe in trained),
        _listed(f"{height} x {width} pixels" for height, width in sizes),
        f"{_listed(str(recipe.steps) for recipe in trained)} steps" if trained else "",
        seeds_words(records),
    ]
    return ", ".join(part for part in parts if part)


def data_words(record: RunRecord) -> str:
    """Name the data of a run, and whether they are real."""
    chosen, source = data_set(record.spec.benchmark), record.spec.source
    if source == "synthetic":
        return f"synthetic data in the layout of {chosen.title}"
    name = record.protocol.partition(",")[0] if chosen.family == "folder" else chosen.title
    return f"{markdown(name)}, real data"


def seeds_words(records: Iterable[RunRecord]) -> str:
    """Name the seeds: a range where there is no gap."""
    seeds = sorted({record.spec.seed for record in records})
    if len(seeds) > 1 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}"


def origin_markdown(table: Table, records: Sequence[RunRecord]) -> str:
    """Write what made the runs: data, code, versions, machines, time, memory, dates; and whether the code changed."""
    from xmodal_lite.experiments.provenance import code_hash

    dates = [record.finished[:10] for record in records]
    seconds = sorted(record.seconds for record in records)
    versions = {", ".join(f"{name} {number}" for name, number in one.versions.items()) for one in records}
    lines = {
        "Runs": f"{len(records)}, {seeds_words(records)}, finished {_listed([min(dates), max(dates)], ' to ')}",
        "Data": f"{data_words(records[0])}, fingerprint {_codes(one.fingerprint for one in records)}",
        "Code": f"hash {_codes(one.code for one in records)}",
        "Commit": _codes(one.commit for one in records if one.commit),
        "Versions": _listed(map(markdown, versions), "; "),
        "Machine": _listed((markdown(one.device) for one in records), "; "),
        "Precision": _listed(PRECISIONS.get(name, name) for one in records if (name := one.precision)),
        "Wall time": f"{sum(seconds):,.0f} s in all, {seconds[0]:,.0f} to {seconds[-1]:,.0f} s a run",
        "Peak memory": f"{max(one.peak_memory_mb for one in records):,.0f} MB",
    }
    parts = [
        f"**Where the numbers come from** ({setting(records)}):",
        "\n".join(
            ["| | |", "|:---|:---|", *(f"| {name} | {text} |" for name, text in lines.items() if text)]
        ),
        code_markdown(table, records),
        changed_markdown(records, code_hash()),
    ]
    return "\n\n".join(part for part in parts if part)


def changed_markdown(records: Sequence[RunRecord], present: str) -> str:
    """Say whether the source that decides the numbers is the one that made the runs, given its hash."""
    older = sum(record.code != present for record in records)
    if not older:
        return UNCHANGED
    of = "" if older == len(records) else f" ({older} of {len(records)})"
    return f"{CHANGED}{of}: the hash of the code that decides numbers is another one today. A run made now may differ."


def code_markdown(table: Table, records: Sequence[RunRecord]) -> str:
    """Say which code made each row, where there is more than one revision; empty where there is one."""
    rows: dict[str, list[str]] = defaultdict(list)
    for row in table.run_rows:
        found = [one for protocol in table.protocols for one in records_of(row, records, protocol).values()]
        for code in sorted({record.code for record in found}):
            rows[code].append(row.label)
    if len(rows) < 2:
        return ""
    head = f"{len(rows)} code revisions made the rows, by the start of their hash:\n"
    return "\n".join([head, *(f"- {markdown_code(code[:12])}: {'; '.join(of)}" for code, of in rows.items())])


def _backbone(recipe: Recipe) -> str:
    """Name the network that embeds: that of images, by its own name, or that of spectra."""
    name = recipe.model.get("backbone")
    if name is None:
        return "1-D residual network"
    width = recipe.model.get("width")
    return f"{name} of width {width}" if width else str(name)


def _codes(values: Iterable[str]) -> str:
    return _listed(markdown_code(_short(value)) for value in values)


def _short(value: str) -> str:
    """Keep the start of a hash, and what a commit says after it."""
    digest, plus, words = value.partition("+")
    return digest[:12] + plus + words


def _listed(values: Iterable[str], between: str = " and ") -> str:
    return between.join(sorted(set(values)))

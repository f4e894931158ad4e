"""The command `xmodal`: data, runs and tables from a terminal."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from xmodal_lite import benchmarks as benchmark_registry
from xmodal_lite import experiments
from xmodal_lite.cli_options import Device, Profile, Root, Store
from xmodal_lite.cli_tables import tables
from xmodal_lite.errors import SpecError, XmodalError
from xmodal_lite.escape import printable

# What takes its time to load, such as torch, is imported by the command that needs it.

app = typer.Typer(
    help="Cross-modality matching: data, runs and paper tables.", no_args_is_help=True, add_completion=False
)
app.add_typer(tables, name="tables")

Change = Annotated[
    list[str], typer.Option("--set", help="Change the recipe: steps=100, loss_weights.adv=0, ...")
]
RUN = "Folder of a finished or an exported run, or the start of a run's hash in --store."


@app.command("benchmarks")
def list_benchmarks() -> None:
    """List the benchmarks and the methods."""
    typer.echo(f"benchmarks: {', '.join(benchmark_registry.names())}")
    typer.echo(f"methods:    {', '.join(experiments.method_names())}")


@app.command("standin", hidden=True)  # its name in older scripts
@app.command("synthetic")
def make_synthetic(
    name: str,
    root: Path,
    identities: Annotated[int, typer.Option(min=2)] = 60,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    gap: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="0: both modalities alike; 1: unrelated. By default the data set's own."
        ),
    ] = None,
    images: Annotated[
        int, typer.Option(min=0, help="Most images of an identity in a camera; 0: the data set's own number.")
    ] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw images.")] = os.cpu_count() or 1,
) -> None:
    """Write a procedural synthetic data set for a benchmark, in the benchmark's own layout."""
    from xmodal_lite.experiments.data import write_synthetic

    if name == "rruff" and images:
        raise SpecError(
            "--images is for synthetic data sets of images, and rruff's are spectra; leave it out"
        )
    parameters: dict[str, int | float] = {"identities": identities, "seed": seed}
    parameters |= ({"gap": gap} if gap is not None else {}) | ({"images": images} if images else {})
    parameters |= {} if name == "rruff" else {"workers": workers}
    written = write_synthetic(name, root, **parameters)
    typer.echo(f"wrote {identities} identities to {written}; next: xmodal check {name} {written}")


@app.command("download")
def download_data(name: str, root: Path) -> None:
    """Fetch a benchmark that is open, with checksums; an interrupted download resumes where it stopped."""
    if name != "rruff":
        raise SpecError(
            f"'{name}' cannot be downloaded; open data: rruff. drawings is part of the package. For the others, ask "
            "their owners."
        )
    from xmodal_lite.benchmarks.download import fetch

    fetch(root)
    typer.echo(f"next: xmodal check {name} {root}")


@app.command("check")
def check_data(
    name: str, root: Annotated[str, typer.Argument(help="Empty for data of the package.")] = ""
) -> None:
    """Check a data folder: counts, what was repaired, and every problem at once."""
    found = benchmark_registry.check(name, root)
    typer.echo(printable(str(found)))
    raise typer.Exit(1 if found else 0)


@app.command("recipe")
def show_recipe(
    method: str,
    benchmark: str,
    data_root: Root = "",
    profile: Profile = "demo",
    change: Change = [],  # noqa: B006
) -> None:
    """Print the recipe that a run would use, as YAML, without opening any data."""
    import yaml

    from xmodal_lite.experiments.data import dims_of

    dims = dims_of(benchmark, data_root)
    recipe = experiments.resolve(method, benchmark, profile, _changes(change), dims=dims)
    settings = recipe.model_dump(mode="json")
    typer.echo(yaml.safe_dump(settings, sort_keys=False, default_flow_style=None), nl=False)


@app.command("run")
def run_one(
    method: str,
    benchmark: str,
    data_root: Root = "",
    protocol: Annotated[str, typer.Option(help="By default the benchmark's first.")] = "",
    profile: Profile = "demo",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    change: Change = [],  # noqa: B006
    store: Store = Path("runs"),
    device: Device = "auto",
    test: Annotated[
        str,
        typer.Option(
            help="Test the run again on changed samples: occlusion, disguise, corruption, corruption-map."
        ),
    ] = "",
) -> None:
    """Run one method on one benchmark; started again after an interruption, it resumes from its last checkpoint."""
    options = {"protocol": protocol, "profile": profile, "seed": seed, "overrides": _changes(change)}
    spec, data, accelerator = experiments.prepare_run(method, benchmark, data_root, device=device, **options)
    if test:
        from xmodal_lite.robustness import check_study

        check_study(test, data)  # a wrong name costs no training
    runs = experiments.RunStore(store)
    stored = runs.record(spec)
    record = experiments.run(spec, data, runs, accelerator=accelerator)
    if accelerator is not None:
        accelerator.end_training()  # of several processes, one that leaves first can abort another
        if not accelerator.is_main_process:
            return
    if stored is not None:
        typer.echo(_stored_already(record))
    typer.echo(f"{method} on {benchmark} ({data.source} data), profile {profile}, seed {seed}")
    typer.echo(record.report())
    typer.echo(
        f"{record.seconds:.1f} s, {record.peak_memory_mb:.0f} MB, {record.device}; {store / spec.hash / 'record.json'}"
    )
    if record.speed():
        typer.echo(record.speed())
    if test:
        from xmodal_lite.robustness import retest

        study = retest(record, data, runs, test, device=device)
        typer.echo("\n".join(["", *study.lines(), f"{runs.folder(spec) / f'{test}.json'}"]))


@app.command("match")
def match_files(
    queries: Annotated[
        list[Path], typer.Argument(help="Files of one modality: images, or spectra of two columns.")
    ],
    gallery: Annotated[
        Path, typer.Option(help="Folder with files of the other modality, in subfolders or not.")
    ],
    run: Annotated[str, typer.Option(help=RUN)],
    store: Store = Path("runs"),
    k: Annotated[int, typer.Option("-k", min=1, help="Length of a ranked list.")] = 5,
    alpha: Annotated[
        float,
        typer.Option(help="Share of queries like those of the run's test whose prediction set may miss."),
    ] = 0.1,
    query_modality: Annotated[
        str, typer.Option(help="By the benchmark's name for it, such as infrared or sketch; or v or r.")
    ] = "r",
    figure: Annotated[
        str, typer.Option(help="Where to draw queries and matches; empty: nowhere.")
    ] = "matches.png",
    as_data: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    device: Device = "auto",
) -> None:
    """Rank a gallery for queries of the other modality, by the cosine of a trained run's embeddings.

    The prediction set of a query holds all files that score high enough that 1 - alpha of the run's held-out test
    queries had a true match there. This holds for new queries that are exchangeable with those, as if drawn from the
    same cameras or instruments and the same kind of people or minerals, and whose identity the gallery shows; for
    others it promises nothing.

    An image in colour where the benchmark's are grey (sketches, infrared and thermal images) is refused as a query, and
    not searched in a gallery. Where the benchmark's are in colour, a grey one brings a warning.
    """
    from xmodal_lite.deployment import open_run

    retriever = open_run(run, store, device=device)

    def to_stderr(text: str) -> None:  # what is printed is the answer alone
        typer.echo(printable(text), err=True)

    found = retriever.match(queries, gallery, k, alpha=alpha, query_modality=query_modality, report=to_stderr)
    typer.echo(json.dumps(found.to_dict(), indent=1) if as_data else found)
    if figure:
        retriever.draw(found, figure)
        to_stderr(f"drawn: {figure}")


@app.command("export")
def export_run(
    run: Annotated[str, typer.Argument(help=RUN)],
    to: Annotated[Path, typer.Option(help="Folder to make.")],
    store: Store = Path("runs"),
    onnx: Annotated[bool, typer.Option("--onnx", help="Also write an ONNX file for each modality.")] = False,
) -> None:
    """Write what matching needs of a run into a folder: weights, record, calibration, model card, log, checksums."""
    from xmodal_lite.deployment import export, find_run

    differences = export(find_run(run, store), to, onnx=onnx)
    for name, apart in differences.items():
        typer.echo(f"{name}: embeddings at most {apart:.1e} from torch's")
    typer.echo(f"wrote {to}; next: xmodal match QUERY --gallery FOLDER --run {to}")


def _stored_already(record: experiments.RunRecord) -> str:
    """Say that a run was not made now, and by which code it was where that is not the code at hand."""
    from xmodal_lite.experiments import provenance

    other = f" by other code ({record.code[:12]}, now {provenance.CODE[:12]})"
    return f"stored already, finished {record.finished}{'' if record.code == provenance.CODE else other}:"


def _changes(items: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE of --set: a value in JSON, or a text."""
    changes: dict[str, Any] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise SpecError(f"--set takes NAME=VALUE, not '{item}'")
        try:
            changes[name] = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            changes[name] = value
    return changes


def main() -> None:
    """Run the command line; an error that the user can repair is one line, not a traceback."""
    try:
        app()
    except OSError as error:  # such as a name that is longer than the file system takes
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}; give another path")
    except (XmodalError, ValueError) as error:
        _fail(str(error))


def _fail(message: str) -> None:
    typer.secho(f"error: {printable(message)}", fg="red", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()

"""The command `xmodal`: data, runs and tables from a terminal."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from xmodal_lite import benchmarks as benchmark_registry
from xmodal_lite.benchmarks.download import fetch
from xmodal_lite.errors import SpecError, XmodalError
from xmodal_lite.experiments import (
    RunRecord,
    RunStore,
    export,
    find_run,
    load_table,
    make_spec,
    method_names,
    open_benchmark,
    open_run,
    profile_names,
    provenance,
    resolve,
    run,
    run_notebook,
    shown_markdown,
    sweep_table,
    table_names,
)
from xmodal_lite.experiments.data import dims_of, write_synthetic
from xmodal_lite.experiments.notebook import check_output, check_parameters
from xmodal_lite.experiments.page import stored_page, usual_seeds
from xmodal_lite.experiments.profiles import check_profile
from xmodal_lite.training import DEVICES, Recipe, check_device, main_process_first, make_accelerator

app = typer.Typer(
    help="Cross-modality matching: data, runs and paper tables.", no_args_is_help=True, add_completion=False
)
tables = typer.Typer(help="The papers' tables.", no_args_is_help=True)
app.add_typer(tables, name="tables")

Root = Annotated[
    str,
    typer.Option("--data-root", help="Folder in the benchmark's own layout; empty: its synthetic data set."),
]
Profile = Annotated[str, typer.Option(help=f"One of {', '.join(profile_names())}.")]
Store = Annotated[Path, typer.Option(help="Folder that keeps runs; a finished run is never repeated.")]
Device = Annotated[str, typer.Option(help=f"One of {', '.join(DEVICES)}.")]
RUN = "Folder of a finished or an exported run, or the start of a run's hash in --store."


@app.command("benchmarks")
def list_benchmarks() -> None:
    """List the benchmarks and the methods."""
    typer.echo(f"benchmarks: {', '.join(benchmark_registry.names())}")
    typer.echo(f"methods:    {', '.join(method_names())}")


@app.command("synthetic")
def make_synthetic(
    name: str,
    root: Path,
    identities: Annotated[int, typer.Option(min=2)] = 60,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    gap: Annotated[
        float, typer.Option(min=0, max=1, help="0: both modalities alike; 1: unrelated strengths.")
    ] = 0.5,
    images: Annotated[
        int,
        typer.Option(
            min=0, help="Most pictures of an identity in a camera; 0: the synthetic data set's own number."
        ),
    ] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw pictures.")] = os.cpu_count() or 1,
) -> None:
    """Write a procedural synthetic for a benchmark, in the benchmark's own layout."""
    if name == "rruff" and images:
        raise SpecError(
            "--images is for synthetic data sets of pictures, and rruff's are spectra; leave it out"
        )
    pictures = {} if name == "rruff" else {"workers": workers} | ({"images": images} if images else {})
    written = write_synthetic(name, root, identities=identities, seed=seed, gap=gap, **pictures)
    typer.echo(f"wrote {identities} identities to {written}; next: xmodal check {name} {written}")


@app.command("download")
def download_data(name: str, root: Path) -> None:
    """Fetch a benchmark that is open, with checksums; an interrupted download goes on where it stopped."""
    if name != "rruff":
        raise SpecError(f"'{name}' cannot be downloaded; open data: rruff. For the others, ask their owners.")
    fetch(root)
    typer.echo(f"next: xmodal check {name} {root}")


@app.command("check")
def check_data(name: str, root: Path) -> None:
    """Look a data folder over: counts, what was repaired, and every problem at once."""
    findings = benchmark_registry.check(name, root)
    typer.echo(str(findings))
    raise typer.Exit(1 if findings else 0)


@app.command("run")
def run_one(
    method: str,
    benchmark: str,
    data_root: Root = "",
    protocol: Annotated[str, typer.Option(help="By default the benchmark's first.")] = "",
    profile: Profile = "demo",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    change: Annotated[
        list[str], typer.Option("--set", help="Change the recipe: steps=100, loss_weights.adv=0, ...")
    ] = [],  # noqa: B006
    store: Store = Path("runs"),
    device: Device = "auto",
) -> None:
    """Run one method on one benchmark; started again after an interruption, it goes on from its last checkpoint."""
    check_device(device)
    overrides = dict(_parse_change(item) for item in change)
    recipe = resolve(
        method, benchmark, profile, overrides, dims=dims_of(benchmark, data_root)
    )  # a wrong name is told before any data is read or made
    accelerator = make_accelerator(recipe.precision, device) if isinstance(recipe, Recipe) else None
    with main_process_first(accelerator):
        data = open_benchmark(benchmark, data_root, profile=profile, size=recipe.image_size)
    spec = make_spec(
        method,
        data,
        protocol=protocol or data.protocols[0],
        profile=profile,
        seed=seed,
        overrides=overrides,
    )
    runs = RunStore(store)
    stored = runs.record(spec)
    record = run(spec, data, runs, accelerator=accelerator)
    if accelerator is not None and not accelerator.is_main_process:
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
    k: Annotated[int, typer.Option("-k", min=1, help="Places of a ranked list.")] = 5,
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

    A picture in colour where the benchmark's are grey (sketches, infrared and thermal pictures) is refused as a query,
    and left out of a gallery. A grey one where they are in colour is told of.
    """
    matcher = open_run(run, store, device=device)
    to_stderr = partial(typer.echo, err=True)  # what is printed is the answer alone
    matches = matcher.match(queries, gallery, k, alpha=alpha, query_modality=query_modality, report=to_stderr)
    typer.echo(json.dumps(matches.to_dict(), indent=1) if as_data else matches)
    if figure:
        matcher.draw(matches, figure)
        to_stderr(f"drawn: {figure}")


@app.command("export")
def export_run(
    run: Annotated[str, typer.Argument(help=RUN)],
    to: Annotated[Path, typer.Option(help="Folder to make.")],
    store: Store = Path("runs"),
    onnx: Annotated[bool, typer.Option("--onnx", help="Also write an ONNX file for each modality.")] = False,
) -> None:
    """Write what matching needs of a run into a folder: weights, record, calibration, model card, log, checksums."""
    differences = export(find_run(run, store), to, onnx=onnx)
    for name, apart in differences.items():
        typer.echo(f"{name}: embeddings at most {apart:.1e} from torch's")
    typer.echo(f"wrote {to}; next: xmodal match QUERY --gallery FOLDER --run {to}")


@tables.command("list")
def list_tables() -> None:
    """List the tables that can be re-run."""
    for name in table_names():
        table = load_table(name)
        typer.echo(f"{name}: {table.title} ({table.paper}, {table.number}; {len(table.rows)} rows)")


@tables.command("show")
def show_table(
    name: str,
    results: Annotated[Path, typer.Option(help="Folder of stored run records.")] = Path("results"),
    source: Annotated[str, typer.Option(help="real or synthetic; by default both.")] = "",
) -> None:
    """Print what the page of a table shows of the stored run records, without running anything."""
    page = stored_page(name, results)
    if not results.is_dir():
        raise SpecError(f"there is no folder {results}; give --results the one of a checkout")
    if source and source not in page.records:
        raise SpecError(f"unknown source '{source}'; known: {', '.join(page.records)}")
    for one in [source] if source else page.records:
        typer.echo(f"\n{page.markdown(one)}")


@tables.command("run")
def run_table_notebook(
    name: str,
    data_root: Root = "",
    profile: Profile = "demo",
    seeds: Annotated[
        int,
        typer.Option(
            min=0,
            help="Seeds 0, 1, ... up to this many; 0: the number that the table asks for, or 5 on its synthetic data set.",
        ),
    ] = 0,
    store: Store = Path("runs"),
    results: Annotated[str, typer.Option(help="Also copy the records into this folder.")] = "",
    output: Annotated[Path, typer.Option(help="Folder for the executed notebook.")] = Path("_build/tables"),
    scheduler: Annotated[
        str, typer.Option(help="Make the runs on Dask workers: a scheduler's address, or 'local'.")
    ] = "",
    workers: Annotated[
        int, typer.Option(min=0, help="Of '--scheduler local'; 0: one on each GPU, or on each core.")
    ] = 0,
    device: Device = "auto",
) -> None:
    """Re-run a table by papermill. Start the same command twice to share the runs between two processes."""
    table = load_table(name)
    check_profile(profile)
    if workers and scheduler != "local":
        raise SpecError("--workers is for '--scheduler local'; give both, or start workers at the scheduler")
    _train_on(device, scheduler)
    seeds = seeds or usual_seeds(table, "real" if data_root else "synthetic")
    notebook = Path("notebooks/tables") / f"{name.replace('-', '_')}.ipynb"
    parameters: dict[str, Any] = {
        "run": True,
        "data_root": str(Path(data_root).resolve()) if data_root else "",
        "profile": profile,
        "seeds": seeds,
        "store": str(store.resolve()),
        "publish_to": str(Path(results).resolve()) if results else "",
    }
    if scheduler:  # what stops the notebook is told before anything is run
        check_parameters(notebook, parameters)
        check_output(output / notebook.name)
        sweep_table(
            name, scheduler, data_root=data_root, profile=profile, seeds=seeds, store=store, workers=workers
        )
    done = run_notebook(notebook, output / notebook.name, parameters)
    typer.echo("\n\n".join(shown_markdown(done)))
    typer.echo(f"\nthe table is in {done}")


def _train_on(device: str, scheduler: str) -> None:
    """Choose the device of the processes that this one starts: a notebook's kernel, local workers."""
    check_device(device)
    if device != "auto" and scheduler not in ("", "local"):
        raise SpecError(
            f"--device {device} is of this machine, but the workers of {scheduler} choose their own: a GPU where they "
            "have one, or the processor where they are started with ACCELERATE_USE_CPU=true; leave --device out"
        )
    if device == "cpu":
        os.environ["ACCELERATE_USE_CPU"] = "true"  # they inherit it


def _stored_already(record: RunRecord) -> str:
    """Say that a run was not made now, and by which code it was where that is not the code at hand."""
    other = f" by other code ({record.code[:12]}, now {provenance.CODE[:12]})"
    return f"stored already, finished {record.finished}{'' if record.code == provenance.CODE else other}:"


def _parse_change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise SpecError(f"--set takes NAME=VALUE, not '{text}'")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def main() -> None:
    """Run the command line; an error that the user can mend is one line, not a traceback."""
    try:
        app()
    except (XmodalError, ValueError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""The commands `xmodal tables`: list, show and re-run the tables of the papers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from xmodal_lite import benchmarks as benchmark_registry
from xmodal_lite import experiments
from xmodal_lite.cli_options import Device, Profile, Root, Store
from xmodal_lite.errors import SpecError

tables = typer.Typer(help="The papers' tables.", no_args_is_help=True)


@tables.command("list")
def list_tables() -> None:
    """List the tables that can be re-run."""
    for name in experiments.table_names():
        table = experiments.load_table(name)
        typer.echo(f"{name}: {table.title} ({table.paper}, {table.number}; {len(table.rows)} rows)")


@tables.command("show")
def show_table(
    name: str,
    results: Annotated[Path, typer.Option(help="Folder of stored run records.")] = Path("results"),
    source: Annotated[str, typer.Option(help="real or synthetic; by default both.")] = "",
) -> None:
    """Print what the page of a table shows of the stored run records, without running anything."""
    from xmodal_lite.experiments.store import results_folder

    report = _stored(name, results)
    if not results_folder(results).is_dir():
        raise SpecError(f"there is no folder {results}; give --results the one of a checkout")
    if source and source not in report.records:
        raise SpecError(f"unknown source '{source}'; known: {', '.join(report.records)}")
    for one in [source] if source else report.records:
        typer.echo(f"\n{report.markdown(one)}")


@tables.command("run")
def run_table_notebook(
    name: str,
    data_root: Root = "",
    profile: Profile = "demo",
    seeds: Annotated[
        int,
        typer.Option(
            min=0, help="Seeds 0, 1, ... up to this many; 0: the table's own number, or 5 on synthetic data."
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
    """Re-run a table by papermill, or here if the book has no page for it. Two processes that do so share the runs."""
    from xmodal_lite.experiments.notebook import check_output, check_parameters
    from xmodal_lite.experiments.recipes import check_profile

    table = experiments.load_table(name)
    check_profile(profile)
    if workers and scheduler != "local":
        raise SpecError("--workers is for '--scheduler local'; give both, or start workers at the scheduler")
    _train_on(device, scheduler)
    real = data_root or benchmark_registry.data_set(table.benchmark).embedded
    seeds = seeds or experiments.default_seeds(table, "real" if real else "synthetic")
    notebook = Path("notebooks/tables") / f"{name.replace('-', '_')}.ipynb"
    parameters: dict[str, Any] = {
        "run": True,
        "data_root": str(Path(data_root).resolve()) if data_root else "",
        "profile": profile,
        "seeds": seeds,
        "store": str(store.resolve()),
        "publish_to": str(Path(results).resolve()) if results else "",
    }
    options: dict[str, Any] = {"data_root": data_root, "profile": profile, "seeds": seeds, "store": store}
    has_page = (
        notebook.is_file() or not notebook.parent.is_dir()
    )  # outside a checkout the notebook is missed below
    if scheduler:
        if has_page:  # what would stop the notebook stops the command before anything is run
            check_parameters(notebook, parameters)
            check_output(output / notebook.name)
        experiments.sweep_table(name, scheduler, workers=workers, **options)
    if not has_page:
        report = _run(name, publish_to=results, **options)
        typer.echo("\n\n".join(report.markdown(source) for source in report.records))
        return
    done = experiments.run_notebook(notebook, output / notebook.name, parameters)
    typer.echo("\n\n".join(experiments.shown_markdown(done)))
    typer.echo(f"\nthe table is in {done}")


def _stored(name: str, results: Path) -> experiments.TableReport:
    """Report what is stored of a table, or of a study's table."""
    if not experiments.load_table(name).study:
        return experiments.stored_table(name, results)
    from xmodal_lite.robustness import stored_study_table

    return stored_study_table(name, results)


def _run(name: str, **options: Any) -> experiments.TableReport:
    """Make a table, or a study's table."""
    if not experiments.load_table(name).study:
        return experiments.run_table(name, **options)
    from xmodal_lite.robustness import run_study_table

    return run_study_table(name, **options)


def _train_on(device: str, scheduler: str) -> None:
    """Choose the device of the processes that this one starts: a notebook's kernel, local workers."""
    from xmodal_lite.training import check_device

    check_device(device)
    if device != "auto" and scheduler not in ("", "local"):
        raise SpecError(
            f"--device {device} is of this machine, but the workers of {scheduler} choose their own: a GPU where they "
            "have one, or the processor where they are started with ACCELERATE_USE_CPU=true; leave --device out"
        )
    if device == "cpu":
        os.environ["ACCELERATE_USE_CPU"] = "true"  # they inherit it

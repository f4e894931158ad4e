"""Options that several commands of `xmodal` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Root = Annotated[
    str,
    typer.Option(
        "--data-root",
        help="Folder in the benchmark's own layout; empty: the data of the package, or its synthetic data set.",
    ),
]
Profile = Annotated[str, typer.Option(help="One of tiny, demo, paper.")]
Store = Annotated[Path, typer.Option(help="Folder that keeps runs; a finished run is never repeated.")]
Device = Annotated[str, typer.Option(help="One of auto, cpu, cuda.")]

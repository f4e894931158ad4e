"""Running a notebook by papermill, with its parameters checked first and its traces of this machine taken out."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from pydantic import TypeAdapter, ValidationError

from xmodal_lite.errors import SpecError, XmodalError


class NotebookError(XmodalError, RuntimeError):
    """A cell of the notebook failed; the message names the cell's error and where the partial output lies."""


def read_parameter(name: str, value: Any, kind: Any) -> Any:
    """Read a notebook's parameter: papermill hands over what it takes for text as text, such as `-p run false`.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value : object
        What was handed over.
    kind : type
        What it must be, for pydantic: `bool` also reads "false", "no" and 0.

    Raises
    ------
    SpecError
        The value is nothing of that kind.
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise SpecError(f"{name} = {value!r}: {error.errors()[0]['msg']}; give another value") from error


def run_notebook(notebook: Path, output: Path, parameters: dict[str, Any], *, echo: bool = True) -> Path:
    """Execute a notebook with parameters and keep the executed copy.

    Papermill itself only warns of a parameter that the notebook does not have, and then runs without it; here
    that is an error before anything starts.

    Parameters
    ----------
    notebook : Path
        An `.ipynb` with a cell tagged `parameters`.
    output : Path
        The executed copy; overwritten.
    parameters : dict
        Values by name.
    echo : bool
        Print the cells' output while they run.

    Returns
    -------
    Path
        `output`.

    Raises
    ------
    SpecError
        The notebook is missing, or has no parameter of that name; or papermill is missing; or the copy cannot be
        written.
    NotebookError
        A cell failed.
    """
    check_parameters(notebook, parameters)
    check_output(output)
    import papermill
    from papermill.exceptions import PapermillExecutionError

    try:
        papermill.execute_notebook(
            str(notebook),
            str(output),
            parameters=parameters,
            cwd=str(notebook.parent),
            log_output=echo,
            progress_bar=False,
        )
    except PapermillExecutionError as error:
        raise NotebookError(
            f"{notebook}, cell {error.exec_count}: {error.ename}: {error.evalue}. "
            f"What ran before it is in {output}."
        ) from error
    clean_notebook(output)
    return output


def check_parameters(notebook: Path, parameters: dict[str, Any]) -> None:
    """Refuse a parameter that the notebook does not have.

    Raises
    ------
    SpecError
        The notebook is missing, or has no parameter of that name; the known names are listed. Or papermill is missing.
    """
    if not notebook.is_file():
        raise SpecError(
            f"no notebook {notebook}; run from a checkout of the repository, where notebooks/ lies"
        )
    try:
        import papermill
    except ModuleNotFoundError as error:
        raise SpecError("tables need papermill: pip install papermill ipykernel") from error
    known = papermill.inspect_notebook(str(notebook))
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise SpecError(
            f"{notebook.name} has no parameter {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )


def check_output(output: Path) -> None:
    """Make the folder of a file to come, and refuse one that cannot be written.

    Raises
    ------
    SpecError
        The folder cannot be made or written.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise SpecError(f"cannot write {output}: {error}; choose another folder") from error


def shown_markdown(path: Path) -> list[str]:
    """Return the Markdown that an executed notebook displays, such as its tables."""
    import nbformat

    outputs = [
        out for item in nbformat.read(str(path), as_version=4).cells for out in item.get("outputs", [])
    ]
    return [out.data["text/markdown"] for out in outputs if "text/markdown" in out.get("data", {})]


def clean_notebook(path: Path) -> None:
    """Take papermill's and the kernel's traces (paths, times) out of an executed notebook, in place."""
    import nbformat

    node = nbformat.read(str(path), as_version=4)
    node.metadata.pop("papermill", None)
    for item in node.cells:
        for key in ("papermill", "execution"):
            item.metadata.pop(key, None)
        if not item.metadata.get("tags", True):
            item.metadata.pop("tags")
    nbformat.write(node, str(path))

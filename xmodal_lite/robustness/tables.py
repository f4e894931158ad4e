"""Tables of a study: every run of a table, made where it is missing and tested again under the study's change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments import (
    RunRecord,
    RunStore,
    Table,
    TableReport,
    load_table,
    open_benchmark,
    read_parameter,
    stored_table,
)
from xmodal_lite.experiments.store import results_folder
from xmodal_lite.experiments.sweep import Count, run_rows
from xmodal_lite.robustness.curves import curve_frame, summary
from xmodal_lite.robustness.records import Level, StudyRecord, read_study, write_study
from xmodal_lite.robustness.retest import retest
from xmodal_lite.robustness.studies import check_study


@dataclass(frozen=True)
class StudyReport(TableReport):
    """What the page of a study's table shows.

    Attributes
    ----------
    table, records
        See `TableReport`; the metrics of the records are those of both tests.
    studies : dict of str to sequence of StudyRecord
        By source, in the order of the records.
    """

    studies: Mapping[str, Sequence[StudyRecord]]

    def panels_of(
        self, source: str, case: str, curve: str, titles: Mapping[str, str]
    ) -> dict[str, pd.DataFrame]:
        """Return the curves of one change for `xmodal_lite.plots.plot_curves`, a panel for each metric.

        Parameters
        ----------
        source : {"real", "synthetic"}
            With runs.
        case : {"query", "gallery", "both"}
            What is changed.
        curve : str
            The change, see `Change.curve`.
        titles : mapping of str to str
            Titles of the panels by metric.
        """
        frame = self.curves(source)
        frame = frame[(frame["case"] == case) & (frame["curve"] == curve)]
        return {title: frame[frame["metric"] == metric] for metric, title in titles.items()}

    def curves(self, source: str) -> pd.DataFrame:
        """Return all curves of a source, in the order of the table.

        Returns
        -------
        pandas.DataFrame
            Columns `row` and `seed`, and those of `curve_frame`; empty where nothing was run.
        """
        found = [
            curve_frame(study).assign(row=row.label, seed=study.spec.seed)
            for row in self.table.run_rows
            for study in self.studies.get(source, ())
            if study.spec.method == row.method and study.spec.overrides == row.overrides
        ]
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def run_study_table(
    name: str,
    *,
    data_root: Path | str = "",
    folder: Path | str = "data",
    profile: str = "demo",
    seeds: int = 5,
    store: Path | str = "runs",
    publish_to: Path | str = "",
) -> StudyReport:
    """Make every run of a table that is not finished, test each under the table's study, and report the table.

    Parameters
    ----------
    name : str
        Name of a table whose definition names a study.
    data_root, folder, profile, seeds, store, publish_to
        As for `xmodal_lite.experiments.run_table`. Records of the study are copied below `publish_to` too.

    Returns
    -------
    StudyReport
        Its records have the metrics of both tests, "clean/..." and such as "corruption/...".

    Raises
    ------
    SpecError, DataError, CheckpointError, DeviceError
        See `xmodal_lite.experiments.run_table` and `retest`.
    """
    table, count = _study_table(name), read_parameter("seeds", seeds, Count)
    data = open_benchmark(table.benchmark, data_root, profile=profile, folder=folder, size=table.size)
    check_study(table.study, data)  # before any training
    records = run_rows(table, data, profile=profile, seeds=count, store=store, publish_to=publish_to)
    studies = [retest(record, data, RunStore(store), table.study) for record in records]
    if publish_to:
        publish_studies(studies, Path(publish_to), name)
    return StudyReport(table, {data.source: _both_tests(records, studies)}, {data.source: studies})


def stored_study_table(name: str, results: Path | str) -> StudyReport:
    """Report what is stored of a study's table, of real data and of the synthetic data set.

    Parameters
    ----------
    name : str
        Name of a table whose definition names a study.
    results : Path or str
        The folder that records are published into; where there is none, the records in the package are read.

    Raises
    ------
    SpecError
        There is no such table, or it has no study.
    CheckpointError
        A stored record is damaged or does not belong there, or a run has no record of the study.
    """
    table, runs = _study_table(name), stored_table(name, results).records
    folder = results_folder(results)
    studies = {
        source: stored_studies(studies_folder(folder, name, source, table.study), of)
        for source, of in runs.items()
    }
    both = {source: _both_tests(of, studies[source]) for source, of in runs.items()}
    return StudyReport(table, both, studies)


def stored_studies(folder: Path, runs: Sequence[RunRecord]) -> list[StudyRecord]:
    """Read the published records of a study, one for each of some runs.

    Raises
    ------
    CheckpointError
        One is missing, damaged, or of another run.
    """
    found = [read_study(folder / f"{record.spec.hash}.json") for record in runs]
    for study, record in zip(found, runs, strict=True):
        if study.spec != record.spec or study.fingerprint != record.fingerprint:
            path = folder / f"{record.spec.hash}.json"
            raise CheckpointError(
                f"{path} is of run {study.spec.hash}; remove that file, and publish it again"
            )
    return found


def studies_folder(results: Path, table: str, source: str, study: str) -> Path:
    """Return where records of a study lie, beside those of the runs."""
    return results / table / f"{source}-{study}"


def publish_studies(studies: Sequence[StudyRecord], results: Path, table: str) -> None:
    """Write records of studies into a folder that is kept under version control.

    Raises
    ------
    CheckpointError
        A file cannot be written.
    """
    for study in studies:
        folder = studies_folder(results, table, study.spec.source, study.study)
        write_study(study, folder / f"{study.spec.hash}.json")


def _study_table(name: str) -> Table:
    table = load_table(name)
    if not table.study:
        raise SpecError(f"table '{name}' has no study; run it with xmodal_lite.experiments.run_table")
    return table


def _both_tests(records: Sequence[RunRecord], studies: Sequence[StudyRecord]) -> list[RunRecord]:
    """Return the records with the metrics of the clean test and of the study, and both in the protocol."""
    found = []
    for record, study in zip(records, studies, strict=True):
        if len(study.levels) == 1:
            (level,) = study.levels
            metrics = {f"{study.study}/{name}": value for name, value in _of_one(level).items()}
            meaning = f"{study.study}/...: the same test with {level.change.curve}"
        else:
            metrics = summary(study)
            graded = len({level.change.curve for level in study.levels}) < len(study.levels)
            area = "the area under a curve, 100 % is no loss at any level"
            meaning = f"{study.study}: {area if graded else 'the same test with each change'}"
        metrics |= {f"clean/{name}": value for name, value in study.clean.items()}
        protocol = f"{study.protocol}; {meaning}"
        found.append(record.model_copy(update={"metrics": metrics, "protocol": protocol}))
    return found


def _of_one(level: Level) -> dict[str, float]:
    """Return the metrics of a level; a change of one modality leaves each metric in one case alone."""
    return {name: value for metrics in level.cases.values() for name, value in metrics.items()}

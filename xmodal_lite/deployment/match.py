"""Use a trained run: find the files of a gallery that show what a query of the other modality shows.

    from xmodal_lite.deployment import open_run

    retriever = open_run("runs/HASH")
    print(retriever.match(["query.jpg"], gallery="folder", k=5))

The score is the protocol's, the cosine of the embeddings. The prediction set of a query holds every gallery item whose
score is high enough that a query of the run's test had a true match there, but for a share alpha of the queries. That
holds for queries that are exchangeable with the run's test queries (`xmodal_lite.evaluation.conformal`), in a gallery
that shows their identity at all, about as often as the test set does; nothing is promised for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from xmodal_lite.data.cache import Entry, cached
from xmodal_lite.data.images import in_parallel
from xmodal_lite.deployment.load import LoadedRun, find_run, load_run
from xmodal_lite.deployment.reader import FileReader
from xmodal_lite.deployment.results import (
    Gallery,
    MatchResults,
    PredictionSetRule,
    QueryResult,
    one_line,
    search,
)
from xmodal_lite.errors import DataError, SpecError
from xmodal_lite.evaluation import conformal_threshold
from xmodal_lite.evaluation.distance import unit_rows
from xmodal_lite.experiments.runner import extract_chunks
from xmodal_lite.training import choose_device, usable_precision

QUERIES = 128  # read and embedded at a time
DRAWN_QUERIES, DRAWN_MATCHES = 20, 8  # a figure holds no more
ROUNDING = 1e-5  # of a cosine in float32: in another batch, or on another device, its last digits are others
FORMAT = 3  # of cached galleries; raise it when the same files get other embeddings or columns


class Retriever:
    """A finished run, ready to match files.

    Parameters
    ----------
    run : LoadedRun
        From `load_run`; its model is moved to the device.
    device : torch.device or str
        Where to embed.
    """

    def __init__(self, run: LoadedRun, device: torch.device | str = "cpu") -> None:
        self.run = run
        self.files = FileReader(run)
        self._model = run.matcher.to(device)
        on_gpu = torch.device(device).type == "cuda"
        has_bf16 = on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
        self._precision = usable_precision(run.recipe.precision, on_gpu, has_bf16)[0]

    @property
    def modalities(self) -> tuple[str, str]:
        """Names of modality 0 (v) and 1 (r)."""
        return self.run.modalities

    def modality(self, name: str) -> int:
        """Return the number of a modality: by the benchmark's name for it, or by "v" or "r".

        Raises
        ------
        SpecError
            The name is unknown.
        """
        known = [names.lower() for names in self.modalities]
        for names in (known, ["v", "r"]):
            if name.lower() in names:
                return names.index(name.lower())
        raise SpecError(
            f"unknown modality '{name}'; this run knows {' and '.join(self.modalities)} (v and r)"
        )

    def match(
        self,
        queries: Sequence[str | Path] | str | Path,
        gallery: str | Path | Gallery,
        k: int = 5,
        *,
        alpha: float = 0.1,
        query_modality: str = "r",
        report: Callable[[str], None] = print,
    ) -> MatchResults:
        """Rank the files of a gallery for each query.

        Parameters
        ----------
        queries : sequence of str or Path
            Files of one modality; or one file.
        gallery : str, Path or Gallery
            Folder of files of the other modality, or what `open_gallery` returned for it.
        k : int
            Length of each list; the whole gallery if it is smaller.
        alpha : float
            Share of the queries whose prediction set may miss the true match.
        query_modality : str
            Name of the queries' modality.
        report : callable
            Gets one sentence for each file of a gallery's folder that cannot be used, and for each query, or a whole
            gallery, that is grey where the benchmark's images are in colour.

        Raises
        ------
        DataError
            A query cannot be read, is of the other kind, or is in colour where the benchmark's images are grey; or the
            gallery holds nothing that can be used.
        SpecError
            k, alpha or the modality makes no sense, there is no query, or the gallery is of the queries' modality, or
            was embedded by another run.
        """
        paths = [Path(path) for path in ([queries] if isinstance(queries, str | Path) else queries)]
        side, run = self.modality(query_modality), self.run.record.spec.hash
        rule = self.rule(alpha, side)
        if k < 1 or not paths:
            raise SpecError(f"there must be a query and k 1 or more, not {len(paths)} queries and k {k}")
        asked = self.embed(paths, side, report)  # (Q, D)
        if not isinstance(gallery, Gallery):
            gallery = self.open_gallery(gallery, 1 - side, report)
        elif gallery.modality == side:
            raise SpecError(
                f"queries and gallery are both {self.modalities[side]}; one must be the other modality"
            )
        elif gallery.run != run:
            raise SpecError(f"the gallery was embedded by run {gallery.run}, not by {run}; open it again")
        found = search(asked, gallery, min(k, len(gallery.paths)), rule.distance)
        answers = (QueryResult(str(path), *answer) for path, answer in zip(paths, found, strict=True))
        names = self.modalities[side], self.modalities[1 - side]
        return MatchResults(run, names, gallery, rule, tuple(answers))

    def rule(self, alpha: float, query_modality: int) -> PredictionSetRule:
        """Return what puts an item into a prediction set, for queries of a modality."""
        calibration = self.run.calibration
        scores = [] if calibration is None else calibration.scores["r2v" if query_modality else "v2r"]
        try:
            return PredictionSetRule(alpha, len(scores), conformal_threshold(scores, alpha) + ROUNDING)
        except ValueError as error:
            raise SpecError(str(error)) from error

    def open_gallery(
        self, folder: str | Path, modality: int, report: Callable[[str], None] = print
    ) -> Gallery:
        """Embed all files below a folder; the second time they come from a cache in the run's folder.

        Parameters
        ----------
        folder : str or Path
            Images or spectra, in subfolders or not; other files and hidden ones are passed over.
        modality : int
            What they are, 0 (v) or 1 (r).
        report : callable
            Gets one sentence for each file that cannot be used and is therefore not searched.

        Raises
        ------
        DataError
            The folder is missing, or holds no file of the run's kind that can be used.
        """
        root, record = Path(folder), self.run.record
        files, gone = self.files.list(root)
        settings = {
            "run": record.spec.hash,
            "made": [record.finished, record.code],  # a run that is made again has other weights
            "folder": str(root.resolve()),  # all galleries of a run share one cache
            "modality": modality,
            "format": FORMAT,
        }
        embeddings, columns = cached(
            root, "gallery", files, settings, lambda: self._build(root, files, modality), self.run.folder
        )
        skipped = (*gone, *columns["skipped"].tolist())
        for sentence in skipped:
            report(f"skipped {sentence}")
        if columns["grey"]:
            report(self.files.warning(f"{root}: all {len(columns['path'])} images are grey", modality))
        return Gallery(root, modality, columns["path"], embeddings, skipped, record.spec.hash)

    def draw(self, matches: MatchResults, path: str | Path) -> None:
        """Save a figure, a row for each query with its matches: the first 20 queries, no more than 8 matches each.

        Samples are drawn as the model sees them. Members of the prediction set are framed.

        Parameters
        ----------
        matches : MatchResults
            From `match`.
        path : str or Path
            A name that matplotlib can save to, such as ``matches.png``.

        Raises
        ------
        DataError
            The figure cannot be saved.
        """
        import matplotlib.pyplot as plt  # here, as it takes its time and who only matches needs none

        from xmodal_lite import plots

        searched, read = matches.gallery.modality, self.files.read
        rows = [
            [(one_line(Path(answer.query).name), read(Path(answer.query), 1 - searched), False)]
            + [
                (f"{m.rank}: {m.score:.2f}", read(matches.gallery.folder / m.path, searched), m.in_set)
                for m in answer.matches[:DRAWN_MATCHES]
            ]
            for answer in matches.answers[:DRAWN_QUERIES]
        ]
        with plt.rc_context():
            plots.use_style()
            figure = plots.plot_matches(rows, matches.names, self.files.kind.axis)
            try:
                figure.savefig(path)
            except (OSError, ValueError) as error:
                raise DataError(f"{path}: the figure cannot be saved ({error}); give another name") from error
            finally:
                plt.close(figure)

    def embed(
        self, paths: Sequence[Path], modality: int, report: Callable[[str], None] = print
    ) -> np.ndarray:
        """Return the embeddings (n, D) float32, of unit length, of some files of one modality; see `FileReader.read`.

        `report` gets one sentence for each image that is grey where the benchmark's are in colour.
        """
        return self._embed(self._read(paths, modality, report), modality)

    def _read(
        self, paths: Sequence[Path], modality: int, report: Callable[[str], None]
    ) -> Iterator[np.ndarray]:
        """Yield the samples of some files, (n, C, ...) at a time."""
        for start in range(0, len(paths), QUERIES):
            part = paths[start : start + QUERIES]
            samples = [self.files.read(path, modality) for path in part]
            for path, sample in zip(part, samples, strict=True):
                if self.files.doubt([sample], modality):
                    report(self.files.warning(f"{path}: is grey", modality))
            yield np.stack(samples)

    def _build(self, root: Path, files: list[Path], modality: int) -> Entry:
        """Embed all files that can be used; remember which they are, and whether all are grey, for the cache."""
        paths: list[str] = []
        skipped: list[str] = []
        grey: list[bool] = []

        def look(path: Path) -> np.ndarray | str:
            try:
                return self.files.read(path, modality)
            except DataError as error:
                return str(error)

        def chunks() -> Iterator[np.ndarray]:
            left = iter(files)
            for piece in in_parallel(look, files, "embedding the gallery"):
                pairs = [(next(left), sample) for sample in piece]
                batch = [sample for _, sample in pairs if not isinstance(sample, str)]
                skipped.extend(sample for _, sample in pairs if isinstance(sample, str))
                paths.extend(p.relative_to(root).as_posix() for p, x in pairs if not isinstance(x, str))
                grey.append(self.files.doubt(batch, modality))
                if batch:
                    yield np.stack(batch)
            if not paths:
                raise DataError(
                    f"{root}: none of its {len(files)} files can be used; the first: {skipped[0]}"
                )

        features = self._embed(chunks(), modality)
        columns = {
            "path": np.array(paths),
            "skipped": np.array(skipped, dtype=str),
            "grey": np.array(all(grey)),
        }
        return features, columns

    def _embed(self, chunks: Iterable[np.ndarray], modality: int) -> np.ndarray:
        """Return the embeddings (n, D) float32, of unit length, of samples of one modality."""
        features = extract_chunks(self._model, chunks, modality, precision=self._precision)
        return unit_rows("embeddings", features)  # mixed precision leaves lengths near 1


def open_run(run: str | Path, store: str | Path = "runs", *, device: str = "auto") -> Retriever:
    """Load a finished run to match files with it.

    Parameters
    ----------
    run : str or Path
        Folder of a finished run or of an exported one, or the start of a run's hash.
    store : str or Path
        Where to look for a hash.
    device : {"auto", "cpu", "cuda"}
        Where to embed; "auto" takes a GPU where there is one.

    Raises
    ------
    CheckpointError
        There is no such run or several; it is not finished; a file of it is missing, damaged or of another run.
    SpecError
        Its method stores no weights.
    DeviceError
        The device is unknown, or CUDA is asked for and cannot be had.
    """
    chosen = choose_device(device)
    return Retriever(load_run(find_run(run, store)), chosen)

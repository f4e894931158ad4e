"""Use a trained run: find the files of a gallery that show what a query of the other modality shows.

    from xmodal_lite.experiments import open_run

    matcher = open_run("runs/HASH")
    print(matcher.match(["query.jpg"], gallery="folder", k=5))

The score is the protocol's, the cosine of the embeddings. The prediction set of a query holds every gallery item whose
score is high enough that a query of the run's test had a true match there, but for a share alpha of the queries. That
holds for queries that are exchangeable with the run's test queries (`xmodal_lite.evaluation.conformal`), in a gallery
that shows their identity at all, about as often as the test set does; nothing is promised for others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xmodal_lite.data.cache import Entry, cached
from xmodal_lite.data.images import COLOURLESS, GREY_TOLERANCE, SUFFIXES, chroma, in_parallel, read_image
from xmodal_lite.data.kinds import SpectrumKind
from xmodal_lite.data.spectra import Preparation, read_sample
from xmodal_lite.errors import DataError, SpecError
from xmodal_lite.evaluation import conformal_threshold, topk
from xmodal_lite.evaluation.distance import unit_rows
from xmodal_lite.experiments.run import extract_chunks
from xmodal_lite.experiments.stored import LoadedRun, find_run, load_run
from xmodal_lite.training import make_accelerator, usable_precision

QUERIES = 128  # read, embedded and compared with the gallery at a time
DRAWN_QUERIES, DRAWN_MATCHES = 20, 8  # a figure holds no more
ROUNDING = 1e-5  # of a cosine in float32: in another batch, or on another device, its last digits are others
FORMAT = 2  # of cached galleries; raise it when the same file gets another embedding
# Of pictures of modality v and r. Spectra have no colours, and what a folder of one's own holds is not known; nor
# whether CASIA's visible pictures are in colour in every copy.
EXPECTED = {
    "sysu-mm01": ("colour", "grey"),
    "regdb": ("colour", "grey"),
    "llcm": ("colour", "grey"),
    "cufs": ("colour", "grey"),
    "cufsf": ("any", "grey"),
    "casia-nir-vis": ("any", "grey"),
    "tufts": ("colour", "grey"),
}


@dataclass(frozen=True, eq=False)
class Gallery:
    """The files to search, embedded.

    Attributes
    ----------
    folder : Path
        Where they lie.
    modality : int
        0 (v) or 1 (r).
    paths : np.ndarray, shape (G,)
        Files relative to the folder, in order.
    embeddings : np.ndarray, shape (G, D)
        float32 of unit length; memory-mapped.
    skipped : tuple of str
        One sentence for each file that could not be read.
    run : str
        Hash of the run that embedded them.
    """

    folder: Path
    modality: int
    paths: np.ndarray
    embeddings: np.ndarray
    skipped: tuple[str, ...]
    run: str


@dataclass(frozen=True)
class Match:
    """One place of a ranked list.

    Attributes
    ----------
    rank : int
        From 1.
    path : str
        File of the gallery, relative to its folder.
    score : float
        Cosine with the query, from -1 to 1.
    in_set : bool
        Whether it is in the query's prediction set.
    """

    rank: int
    path: str
    score: float
    in_set: bool


@dataclass(frozen=True)
class PredictionSetRule:
    """What puts a gallery item into the prediction set.

    Attributes
    ----------
    alpha : float
        Share of queries that may miss.
    pairs : int
        Calibration scores of the run, one for each held-out test query with a match.
    distance : float
        Largest 1 - score of a member, `ROUNDING` included; infinite where the pairs are too few for alpha.
    """

    alpha: float
    pairs: int
    distance: float

    def __str__(self) -> str:
        """Say the rule in a sentence."""
        aim = f"prediction sets at {100 * (1 - self.alpha):g} %"
        if not np.isfinite(self.distance):
            return (
                f"{aim}: everything, as {self.pairs} calibration queries are too few for alpha {self.alpha:g}"
            )
        return (
            f"{aim}: every item that scores {1 - self.distance:.4f} or more (calibrated on {self.pairs} held-out "
            "queries of the run; holds for queries like those)"
        )


@dataclass(frozen=True)
class QueryResult:
    """What was found for one query.

    Attributes
    ----------
    query : str
        Its file.
    matches : tuple of Match
        The k best, best first.
    prediction_set : tuple of str
        All files of the gallery that are in the set, best first.
    """

    query: str
    matches: tuple[Match, ...]
    prediction_set: tuple[str, ...]


@dataclass(frozen=True)
class MatchResults:
    """What was found for some queries; printed, one line a match.

    Attributes
    ----------
    run : str
        Hash of the run.
    names : tuple of str
        Modality of the queries and of the gallery.
    gallery : Gallery
        What was searched.
    rule : PredictionSetRule
        What made the prediction sets.
    answers : tuple of QueryResult
        In the order of the queries.
    """

    run: str
    names: tuple[str, str]
    gallery: Gallery
    rule: PredictionSetRule
    answers: tuple[QueryResult, ...]

    def __str__(self) -> str:
        """Lay the answers out, one line a match."""
        lines = []
        for answer in self.answers:
            lines.append(
                f"{answer.query} ({self.names[0]}), in {len(self.gallery.paths)} files ({self.names[1]})"
            )
            lines += [
                f"{match.rank:>5}  {match.score:7.4f}  {'in set' if match.in_set else '':6}  {match.path}"
                for match in answer.matches
            ]
            lines.append(f"       {len(answer.prediction_set)} in the prediction set")
        return "\n".join([*lines, str(self.rule)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON; "least_score" is None where the sets hold everything."""
        least = 1 - self.rule.distance if np.isfinite(self.rule.distance) else None
        return {
            "run": self.run,
            "query_modality": self.names[0],
            "gallery_modality": self.names[1],
            "gallery": str(self.gallery.folder),
            "gallery_files": len(self.gallery.paths),
            "skipped": list(self.gallery.skipped),
            "alpha": self.rule.alpha,
            "calibration_queries": self.rule.pairs,
            "least_score": least,
            "answers": [asdict(answer) for answer in self.answers],
        }


class Retriever:
    """A finished run, ready to match files.

    Parameters
    ----------
    stored : LoadedRun
        From `load_run`; its model is moved to the device.
    device : torch.device or str
        Where to embed.
    """

    def __init__(self, stored: LoadedRun, device: torch.device | str = "cpu") -> None:
        self.stored = stored
        self._model = stored.matcher.to(device)
        on_gpu = torch.device(device).type == "cuda"
        has_bf16 = on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
        self._precision = usable_precision(stored.recipe.precision, on_gpu, has_bf16)[0]
        self._size = stored.recipe.image_size
        self._kind = "spectrum" if self._size is None else "image"
        self._suffixes = SpectrumKind.suffixes if self._size is None else SUFFIXES
        self._expected = EXPECTED.get(stored.record.spec.benchmark, ("any", "any"))

    @property
    def modalities(self) -> tuple[str, str]:
        """Names of modality 0 (v) and 1 (r)."""
        return self.stored.modalities

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
            Places of each list; the whole gallery if it is smaller.
        alpha : float
            Share of the queries whose prediction set may miss the true match.
        query_modality : str
            Name of the queries' modality.
        report : callable
            Gets one sentence for each file of a gallery's folder that cannot be used, and for each query, or a whole
            gallery, that is grey where the benchmark's pictures are in colour.

        Returns
        -------
        MatchResults
            Ranked list and prediction set of each query.

        Raises
        ------
        DataError
            A query cannot be read, is of the other kind, or is in colour where the benchmark's pictures are grey; or
            the gallery holds nothing that can be used.
        SpecError
            k, alpha or the modality makes no sense, there is no query, or the gallery is of the queries' modality, or
            was embedded by another run.
        """
        queries = [queries] if isinstance(queries, str | Path) else queries
        side = self.modality(query_modality)
        rule = self.rule(alpha, side)
        if k < 1 or not queries:
            raise SpecError(f"there must be a query and k 1 or more, not {len(queries)} queries and k {k}")
        asked = self.embed([Path(path) for path in queries], side)  # (Q, D)
        if self._expected[side] == "colour":
            for path in queries:
                if _is_grey(self.read(Path(path), side)):
                    report(self._doubt(f"{path}: is grey", side))
        if not isinstance(gallery, Gallery):
            gallery = self.open_gallery(gallery, 1 - side, report)
        elif gallery.modality == side:
            raise SpecError(
                f"queries and gallery are both {self.modalities[side]}; one must be the other modality"
            )
        elif gallery.run != self.stored.record.spec.hash:
            raise SpecError(
                f"the gallery was embedded by run {gallery.run}, not by {self.stored.record.spec.hash}; open it again"
            )
        found = _search(asked, gallery, min(k, len(gallery.paths)), rule.distance)
        answers = (QueryResult(str(query), *answer) for query, answer in zip(queries, found, strict=True))
        names = self.modalities[side], self.modalities[1 - side]
        return MatchResults(self.stored.record.spec.hash, names, gallery, rule, tuple(answers))

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

        searched = matches.gallery.modality
        rows = [
            [(Path(answer.query).name, self.read(Path(answer.query), 1 - searched), False)]
            + [
                (
                    f"{match.rank}: {match.score:.2f}",
                    self.read(matches.gallery.folder / match.path, searched),
                    match.in_set,
                )
                for match in answer.matches[:DRAWN_MATCHES]
            ]
            for answer in matches.answers[:DRAWN_QUERIES]
        ]
        with plt.rc_context():
            plots.use_style()
            axis = Preparation().axis() if self._size is None else None
            figure = plots.plot_matches(rows, matches.names, axis)
            try:
                figure.savefig(path)
            except (OSError, ValueError) as error:
                raise DataError(f"{path}: the figure cannot be saved ({error}); give another name") from error
            finally:
                plt.close(figure)

    def rule(self, alpha: float, query_modality: int) -> PredictionSetRule:
        """Return what puts an item into a prediction set, for queries of a modality."""
        calibration = self.stored.calibration
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
            Gets one sentence for each file that cannot be used; those are left out.

        Raises
        ------
        DataError
            The folder is missing, or holds no file of the run's kind that can be used.
        """
        root = Path(folder)
        listed, closed = self._list(root)
        files = [path for path in listed if os.access(path, os.R_OK)]
        gone = [
            f"{path}: cannot be opened; check its permissions, or where the link leads"
            for path in [*closed, *sorted(set(listed) - set(files))]
        ]
        if not files:
            raise DataError(f"{root}: none of its {len(listed)} files can be used; the first: {gone[0]}")
        record = self.stored.record
        settings = {
            "run": record.spec.hash,
            "made": [record.finished, record.code],  # a run that is made again has other weights
            "folder": str(root.resolve()),  # all galleries of a run share one cache
            "modality": modality,
            "format": FORMAT,
        }
        embeddings, columns = cached(
            root, "gallery", files, settings, lambda: self._build(root, files, modality), self.stored.folder
        )
        skipped = (*gone, *columns["skipped"].tolist())
        for sentence in skipped:
            report(f"skipped {sentence}")
        if self._expected[modality] == "colour" and columns["grey"]:
            report(self._doubt(f"{root}: all {len(columns['path'])} pictures are grey", modality))
        return Gallery(root, modality, columns["path"], embeddings, skipped, record.spec.hash)

    def read(self, path: Path, modality: int) -> np.ndarray:
        """Read one file as the run's benchmark did.

        Parameters
        ----------
        path : Path
            An image or a spectrum, as the run has them.
        modality : int
            What it should be, 0 (v) or 1 (r).

        Returns
        -------
        np.ndarray
            (3, H, W) uint8 of an image, (1, L) float32 of a spectrum.

        Raises
        ------
        DataError
            The file is of the other kind or cannot be read, or a spectrum has no signal on the axis; or an image is in
            colour, by more than `xmodal_lite.data.images.GREY_TOLERANCE`, where the benchmark's are grey: sketches, infrared
            and thermal pictures.
        """
        if path.suffix.lower() not in self._suffixes:
            raise DataError(
                f"{path}: is no {self._kind}, which run {self.stored.record.spec.hash} matches "
                f"({'/'.join(self._suffixes)}); give a file of that kind or a run of the other"
            )
        if self._size is not None:
            image = read_image(path, self._size)
            if self._expected[modality] == "grey" and (apart := chroma(image)) > GREY_TOLERANCE:
                raise DataError(
                    f"{path}: is in colour (its channels lie {apart:.0f} of 255 apart, {GREY_TOLERANCE} are allowed), but a "
                    f"{self.modalities[modality]} picture is expected, which is grey; give one, or say with "
                    "--query-modality what the queries are"
                )
            return image
        return read_sample(path)[None]

    def embed(self, paths: Sequence[Path], modality: int) -> np.ndarray:
        """Return the embeddings (n, D) float32, of unit length, of some files of one modality; see `read`."""
        parts = (paths[start : start + QUERIES] for start in range(0, len(paths), QUERIES))
        pieces = (np.stack([self.read(path, modality) for path in part]) for part in parts)
        return self._embed(pieces, modality)

    def _embed(self, pieces: Iterable[np.ndarray], modality: int) -> np.ndarray:
        features = extract_chunks(self._model, pieces, modality, precision=self._precision)
        return unit_rows("embeddings", features)  # mixed precision leaves lengths near 1

    def _doubt(self, found: str, modality: int) -> str:
        name, benchmark = self.modalities[modality], self.stored.record.spec.benchmark
        return (
            f"warning: {found}, but {name} pictures of {benchmark} are in colour; of another modality, the ranking "
            "says nothing"
        )

    def _list(self, root: Path) -> tuple[list[Path], list[Path]]:
        """List the files of a gallery, sorted by path, and the folders that cannot be opened."""
        if not root.is_dir():
            raise DataError(f"{root}: no such folder; give the folder of the gallery")
        files: list[Path] = []
        closed: list[Path] = []
        others = 0
        for folder, below, names in os.walk(root, onerror=lambda error: closed.append(Path(error.filename))):
            below[:] = sorted(name for name in below if not name.startswith("."))
            shown = [name for name in sorted(names) if not name.startswith(".")]
            mine = [name for name in shown if name.lower().endswith(self._suffixes)]
            files += [Path(folder, name) for name in mine]
            others += len(shown) - len(mine)
        if not files:
            raise DataError(
                f"{root}: holds no {self._kind} ({'/'.join(self._suffixes)}), but {others} other files and "
                f"{len(closed)} folders that cannot be opened; give the folder of a gallery of that kind"
            )
        return files, sorted(closed)

    def _build(self, root: Path, files: list[Path], modality: int) -> Entry:
        """Embed all files that can be used; remember which they are, and whether all are grey, for the cache."""
        paths: list[str] = []
        skipped: list[str] = []
        coloured: list[bool] = []

        def look(path: Path) -> np.ndarray | str:
            try:
                return self.read(path, modality)
            except DataError as error:
                return str(error)

        def pieces() -> Iterator[np.ndarray]:
            done = 0
            for piece in in_parallel(look, files, "embedding the gallery"):
                batch = [sample for sample in piece if not isinstance(sample, str)]
                skipped.extend(sample for sample in piece if isinstance(sample, str))
                names = (path.relative_to(root).as_posix() for path in files[done : done + len(piece)])
                paths.extend(
                    name for name, sample in zip(names, piece, strict=True) if not isinstance(sample, str)
                )
                done += len(piece)
                coloured.append(not all(map(_is_grey, batch)))
                if batch:
                    yield np.stack(batch)
            if not paths:
                raise DataError(
                    f"{root}: none of its {len(files)} files can be used; the first: {skipped[0]}"
                )

        features = self._embed(pieces(), modality)
        grey = np.array(not any(coloured))
        return features, {"path": np.array(paths), "skipped": np.array(skipped, dtype=str), "grey": grey}


def open_run(run: str | Path, store: str | Path = "runs", *, device: str = "auto") -> Retriever:
    """Open a finished run to match files with it.

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
    chosen = make_accelerator(device=device).device
    return Retriever(load_run(find_run(run, store)), chosen)


def _search(
    asked: np.ndarray, gallery: Gallery, k: int, distance: float
) -> Iterator[tuple[tuple[Match, ...], tuple[str, ...]]]:
    """Yield the k best matches and the prediction set of each query (Q, D): one product with the gallery for both."""
    stored = np.asarray(gallery.embeddings)  # no copy
    for start in range(0, len(asked), QUERIES):
        scores = asked[start : start + QUERIES] @ stored.T  # (q, G)
        found = topk(scores, k)
        for row, indices, best in zip(scores, found.indices, found.similarities, strict=True):
            inside = np.flatnonzero(1 - row <= distance)
            members = inside[np.argsort(-row[inside], kind="stable")]
            matches = tuple(
                Match(rank, str(gallery.paths[i]), float(score), bool(1 - score <= distance))
                for rank, (i, score) in enumerate(zip(indices, best, strict=True), start=1)
            )
            yield matches, tuple(gallery.paths[members].tolist())


def _is_grey(image: np.ndarray) -> bool:
    return chroma(image) < COLOURLESS

"""Draw the book's figures of measured spectra from a folder of RRUFF's own text files.

    python book/figures/real_spectra.py ../shared/data/rruff-sample

writes `book/_static/figures/real-*.png` and, beside each, a .json with names and hashes of its files. The
spectra are those of the RRUFF project (Lafuente et al. 2015); only drawings are kept here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from datetime import date
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no window

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from xmodal_lite import __version__
from xmodal_lite.data.spectra import Preparation, Spectrum, prepare, read_spectrum
from xmodal_lite.evaluation import cosine_distances
from xmodal_lite.plots import GREY, MODALITY_COLOURS, WIDTH, plot_similarity, plot_spectra_pair, use_style

OUT = Path(__file__).resolve().parents[1] / "_static" / "figures"
PAIRS = ("Calcite", "Gypsum", "Quartz", "Forsterite")
ROWS = {  # the minerals of the matrix, related ones together
    "carbonates": ("Azurite", "Calcite", "Dolomite", "Malachite", "Rhodochrosite"),
    "sulphates": ("Baryte", "Celestine", "Gypsum"),
    "isolated tetrahedra": ("Almandine", "Epidote", "Forsterite", "Kyanite", "Titanite", "Topaz"),
    "chains and sheets": ("Actinolite", "Diopside", "Muscovite", "Spodumene", "Talc", "Wollastonite"),
    "frameworks and rings": ("Albite", "Beryl", "Quartz"),
}
OVERLAP = (400, 1290)  # cm-1, measured by both techniques for nearly every mineral


def specimen(root: Path, mineral: str) -> tuple[Path, Path]:
    """Return the Raman and the mid-infrared file of one specimen, the first in the order of names.

    Raises
    ------
    FileNotFoundError
        No specimen of the mineral has processed spectra of both kinds in the folder.
    """
    for raman in sorted((root / "raman").glob(f"{mineral}__*Raman_Data_Processed*")):
        for infrared in sorted(
            (root / "infrared").glob(f"{mineral}__{raman.name.split('__')[1]}-*Processed*")
        ):
            if read_spectrum(infrared).x[-1] > 2000:
                return raman, infrared
    raise FileNotFoundError(
        f"{root}: no specimen of {mineral} was measured both ways; give a folder with raman/ and infrared/"
    )


def scaled(spectrum: Spectrum, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut a spectrum to a range and scale it from 0 to 1."""
    inside = (spectrum.x >= low) & (spectrum.x <= high)
    x, y = spectrum.x[inside], spectrum.y[inside]
    return x, (y - y.min()) / np.ptp(y)


def draw_mirrored(ax: Axes, raman: Spectrum, infrared: Spectrum, title: str) -> None:
    """Draw Raman upwards and infrared downwards over one axis."""
    for spectrum, sign, colour in zip((raman, infrared), (1, -1), MODALITY_COLOURS, strict=True):
        x, y = scaled(spectrum, 100, 1650)
        ax.fill_between(x, sign * y, color=colour, alpha=0.25, linewidth=0)
        ax.plot(x, sign * y, color=colour, linewidth=1.1)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set(xlim=(100, 1650), ylim=(-1.1, 1.1), title=title, yticks=[-0.6, 0.6])
    ax.set_yticklabels(["infrared", "Raman"], rotation=90, va="center", fontsize=10)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)


def draw_pairs(root: Path) -> list[Path]:
    """Four minerals, each seen both ways."""
    files = [specimen(root, mineral) for mineral in PAIRS]
    formulas = ("CaCO$_3$", "CaSO$_4$·2H$_2$O", "SiO$_2$", "Mg$_2$SiO$_4$")
    _, axes = plt.subplots(len(PAIRS), 1, figsize=(WIDTH, 8), sharex=True)
    for ax, mineral, formula, (raman, infrared) in zip(axes, PAIRS, formulas, files, strict=True):
        draw_mirrored(ax, read_spectrum(raman), read_spectrum(infrared), f"{mineral}, {formula}")
    for x, y, text in (
        (1086, 1, "$\\nu_1$"),
        (712, 0.35, "$\\nu_4$"),
        (872, -0.75, "$\\nu_2$"),
        (1440, -0.9, "$\\nu_3$"),
    ):
        axes[0].annotate(text, (x + 12, y), va="center", fontsize=12)
    axes[0].set_ylim(-1.1, 1.25)
    axes[-1].set_xlabel("Raman shift, infrared wavenumber (cm$^{-1}$)")
    return [file for pair in files for file in pair]


def draw_windows(root: Path) -> list[Path]:
    """One mineral over the whole range of both instruments."""
    raman, infrared = specimen(root, "Gypsum")
    spectra = read_spectrum(raman), read_spectrum(infrared)
    axes = plot_spectra_pair(
        (spectra[0].x, spectra[0].y), (spectra[1].x, spectra[1].y), "Gypsum: two windows that overlap in part"
    )
    for ax in axes:
        ax.axvspan(*OVERLAP, color=GREY, alpha=0.15, linewidth=0)
        ax.set_xlim(0, 4050)
    axes[0].annotate("seen by\nboth", (690, 0.7), ha="center")
    axes[1].annotate("water", (3480, 0.62), ha="center")
    return [raman, infrared]


def draw_matrix(root: Path) -> list[Path]:
    """Cosine of every Raman spectrum with every infrared one, over the part that both see."""
    names = [name for group in ROWS.values() for name in group]
    files = [specimen(root, name) for name in names]
    grid = Preparation().axis()
    both = (grid >= OVERLAP[0]) & (grid <= OVERLAP[1])
    raman, infrared = (
        np.array([prepare(read_spectrum(pair[m]))[both] for pair in files]) for m in (0, 1)
    )  # (23, 223) each
    similarity = 1 - cosine_distances(raman, infrared)
    found = int((similarity.argmax(1) == np.arange(len(names))).sum())
    title = f"The diagonal is its row's largest for {found} of {len(names)} minerals"
    ax = plot_similarity(similarity, title, "Raman", "infrared")
    plt.gcf().set_size_inches(WIDTH, WIDTH * 0.9)
    ax.set_xticks(range(len(names)), names, rotation=90, fontsize=9)
    ax.set_yticks(range(len(names)), names, fontsize=9)
    for edge in np.cumsum([len(group) for group in ROWS.values()])[:-1] - 0.5:
        ax.axhline(edge, color="white", linewidth=1)
        ax.axvline(edge, color="white", linewidth=1)
    return [file for pair in files for file in pair]


def main() -> None:
    """Draw all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder", type=Path, help="folder with raman/ and infrared/ as RRUFF distributes them"
    )
    root = parser.parse_args().folder
    use_style()
    OUT.mkdir(parents=True, exist_ok=True)
    for name, draw in (("pairs", draw_pairs), ("windows", draw_windows), ("cosine", draw_matrix)):
        files = draw(root)
        plt.savefig(OUT / f"real-{name}.png")
        plt.close()
        note = {
            "source": "RRUFF project, Lafuente et al. 2015",
            "drawn": date.today().isoformat(),
            "xmodal_lite": __version__,
            "sha256": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)},
        }
        (OUT / f"real-{name}.json").write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
        print(f"real-{name}.png from {len(files)} files")


if __name__ == "__main__":
    main()

"""The example of the page "Is my data fit?" is what `check` prints for the folder written here."""

from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks import check

PAGE = "book/is-my-data-fit.md"
X = {"raman": np.arange(150.0, 1301.0, 4.0), "infrared": np.arange(400.0, 4001.0, 10.0)}  # cm^-1


def text(x: np.ndarray, y: np.ndarray, between: str = ", ") -> str:
    return "".join(f"{a:.6f}{between}{b:.6f}\n" for a, b in zip(x, y, strict=True))


def bands(x: np.ndarray, k: int) -> np.ndarray:
    centres = 500 + 90 * k, 900 + 60 * k
    return 0.02 + sum(np.exp(-(((x - centre) / 30) ** 2)) for centre in centres)


def write(root: Path) -> None:
    """Write spectra of four minerals, most of them with a fault."""
    for part, names in (("train", "AB"), ("test", "CD")):
        for kind, x in X.items():
            for name in names:
                folder = root / part / kind / f"mineral-{name}"
                folder.mkdir(parents=True)
                for i in range(3):
                    (folder / f"{i}.txt").write_text(text(x, bands(x, ord(name) - 65) + 0.01 * i))
    infrared, raman = X["infrared"], X["raman"]
    y, counts = bands(infrared, 0), bands(raman, 0)
    percent, spike = 100 * 10**-y, np.where(raman == 702, 900.0, 0.0)
    wavelengths = 1e7 / (1e7 / 785 - raman)  # nm
    faults = {
        "train/infrared/mineral-A/0.txt": "##XUNITS=NANOMETERS\n##YUNITS=%T\n"
        + text(1e7 / infrared, percent),
        "train/infrared/mineral-B/0.txt": "cm-1,% Reflectance\n" + text(infrared, percent),
        "train/infrared/mineral-B/raman-1.txt": text(raman, counts),
        "train/raman/mineral-A/0.txt": text(raman, counts + spike),
        "train/raman/mineral-B/0.txt": "Wavelength (nm)\tCounts\n" + text(wavelengths, counts, "\t"),
        "test/infrared/mineral-C/0.txt": text(infrared, percent),
        "test/infrared/mineral-C/1.txt": text(infrared, percent / 100),
        "test/infrared/mineral-D/0.txt": text(infrared, y, "; ").replace(".", ","),
        "test/infrared/mineral-D/1.txt": text(infrared, np.where(infrared > 3900, -9999, y)),
        "test/raman/mineral-C/0.txt": text(np.arange(len(raman)), counts),
        "test/raman/mineral-D/0.txt": "464, 100\n206, 60\n128, 40\n",
    }
    for path, content in faults.items():
        (root / path).write_text(content)


def test_the_pages_example_is_what_check_prints(repository: Path, tmp_path: Path) -> None:
    root = tmp_path / "my-data"
    write(root)
    printed = str(check("folder", root)).replace(f"{tmp_path}/", "")
    page = (repository / PAGE).read_text(encoding="utf-8")
    block = page.partition("$ xmodal check folder my-data\n")[2].partition("\n```")[0]
    assert block == printed, f"copy this into {PAGE}:\n{printed}"


def test_every_problem_of_the_example_is_explained(repository: Path, tmp_path: Path) -> None:
    root = tmp_path / "my-data"
    write(root)
    page = (repository / PAGE).read_text(encoding="utf-8").partition("\n```\n")[2]
    for problem in check("folder", root):
        cause = problem.partition(": ")[2].partition(";")[0].partition(" (")[0].partition(":")[0]
        assert cause in page, f"{PAGE} does not explain: {cause}"

"""What several files say of the project must agree: its address, its version, its Python."""

import re
import textwrap
import tomllib
from pathlib import Path

import pytest
import yaml

ADDRESS = re.compile(r"github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?(?=[@/\s\"'()#?>\]]|$)")
COLAB = re.compile(r"colab\.research\.google\.com/github/([\w.-]+/[\w.-]+?)(?=/)")
PAGES = re.compile(r"([\w-]+)\.github\.io(?:/([\w.-]+))?")
GENERATED = ("*.md", "*.yml", "*.yaml", "*.cff", "*.txt", "*.py", "*.ipynb", "*.toml")
FOLDERS = ("book", "notebooks", "xmodal_lite", ".github")
OTHERS = {"googlecolab/backend-info"}  # repositories that the text may name without being ours


def texts(root: Path) -> dict[str, str]:
    """Every file that may name the repository: those at the root, and all below the folders."""
    files = [path for pattern in GENERATED for path in root.glob(pattern)]
    files += [path for folder in FOLDERS for pattern in GENERATED for path in (root / folder).rglob(pattern)]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in files}


def slugs(text: str) -> set[str]:
    """Return every owner/name that a text gives as an address on GitHub, Colab or Pages."""
    pages = {f"{owner}/{name}" for owner, name in PAGES.findall(text)}
    return (set(ADDRESS.findall(text)) | set(COLAB.findall(text)) | pages) - OTHERS


@pytest.fixture(scope="module")
def project(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def slug(project: dict) -> str:
    """The owner/name that pyproject.toml states, once for all."""
    return project["urls"]["Repository"].removeprefix("https://github.com/")


# Of benchmarks, where a reader asks for the data, and of a code that the book cites
OWNERS = {"wuancong/SYSU-MM01", "ZYK100/LLCM", "mangye16/Cross-Modal-Re-ID-baseline"}


def test_every_address_is_that_of_pyproject(repository: Path, slug: str):
    wrong = {name: slugs(text) - {slug} - OWNERS for name, text in texts(repository).items()}
    assert not {name: found for name, found in wrong.items() if found}, f"pyproject.toml says {slug}"


def test_the_places_that_need_the_address_have_it(repository: Path, slug: str):
    for name in ("README.md", "CITATION.cff", "_config.yml", "notebooks/_setup_cell.txt"):
        assert slug in slugs((repository / name).read_text(encoding="utf-8")), name


def test_the_book_links_to_the_address(repository: Path, slug: str):
    config = yaml.safe_load((repository / "_config.yml").read_text(encoding="utf-8"))
    address = f"https://github.com/{slug}"
    assert config["repository"]["url"] == address
    source_links = config["sphinx"]["config"]["extlinks"]["source"][0]
    assert source_links == f"{address}/blob/{config['repository']['branch']}/%s"


@pytest.mark.parametrize(
    "text",
    [
        "see https://github.com/somebody/xmodal-lite.",
        '"git+https://github.com/somebody/xmodal-lite@v0.1.0"',
        "https://colab.research.google.com/github/somebody/xmodal-lite/blob/main/notebooks/01.ipynb",
        "https://somebody.github.io/xmodal-lite",
    ],
)
def test_another_address_is_noticed(text: str):
    assert {found.rstrip(".") for found in slugs(text)} == {"somebody/xmodal-lite"}


def test_what_the_readme_links_to_exists(repository: Path, slug: str):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    here = re.findall(r"\]\((?!https?:)([^)#]+)", readme) + re.findall(
        rf"github/{slug}/blob/main/([^)]+)", readme
    )
    assert len(here) > 5
    assert [path for path in here if not (repository / path).exists()] == []


def test_the_example_of_the_readme_runs(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from xmodal_lite import synthetic

    synthetic.write("rruff", tmp_path / "data" / "rruff", identities=6)
    monkeypatch.chdir(tmp_path)
    readme = (repository / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL).group(1)
    scope: dict = {}
    exec(textwrap.dedent(code), scope)
    assert len(scope["split"].test) and scope["model"].embed


def test_the_version_is_the_same_everywhere(repository: Path):
    from xmodal_lite import __version__

    citation = yaml.safe_load((repository / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert f"@v{__version__}" in (repository / "notebooks" / "_setup_cell.txt").read_text(encoding="utf-8")
    assert f"\n## {__version__}" in (repository / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_lock_holds_versions_and_nothing_else(repository: Path):
    lines = (repository / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    form = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+( ; sys_platform == \"linux\")?")
    assert [line for line in pins if not form.fullmatch(line)] == []
    assert not any(line.lower().startswith("xmodal") for line in pins)


def test_the_lock_has_every_requirement(repository: Path, project: dict):
    lock = (repository / "requirements.lock").read_text(encoding="utf-8").lower().replace("_", "-")
    extras = [item for extra in project["optional-dependencies"].values() for item in extra]
    wanted = [*project["dependencies"], *extras]
    names = {re.match(r"[A-Za-z0-9._-]+", item).group().lower().replace("_", "-") for item in wanted}
    names -= {"bokeh"}  # only the page that Dask draws of a sweep needs it, and no test
    assert [name for name in names if f"\n{name}==" not in lock] == []


def test_the_book_pins_are_those_of_the_lock(repository: Path, project: dict):
    lock = (repository / "requirements.lock").read_text(encoding="utf-8").lower().replace("_", "-")
    pins = [item.lower() for item in project["optional-dependencies"]["book"]]
    assert [pin for pin in pins if f"\n{pin}\n" not in lock] == []


def test_no_file_names_a_machine(repository: Path):
    machine = re.compile(r"(?<![\w./])/(work|home|root|tmp)/\w|file:///|localhost|pypi\.org/simple")
    found = {name: machine.findall(text) for name, text in texts(repository).items()}
    assert not {name: matches for name, matches in found.items() if matches}

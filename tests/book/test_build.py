"""The built book: no warning, no broken link, no image without words, and whole without a network."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

PHONE = {"width": 390, "height": 844}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
LOADING_LINKS = {"stylesheet", "preload", "modulepreload", "icon", "manifest"}
FILE_NAME = re.compile(r"\S+\.(png|svg|jpe?g|gif)$|^[0-9a-f]{16,}$", re.IGNORECASE)


class Links(HTMLParser):
    """What a page points to, what can be pointed at, what it loads, and its images."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.images: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and found.get("href"):
            self.targets.append(found["href"])
        if tag in LOADING and found.get(LOADING[tag]) and loads(tag, found):
            self.loaded.append(found[LOADING[tag]])
        if tag == "img":
            self.images.append((found.get("src", ""), found.get("alt", "")))


def loads(tag: str, attributes: dict[str, str]) -> bool:
    return tag != "link" or bool(LOADING_LINKS & set(attributes.get("rel", "").split()))


def broken_links(pages: dict[Path, Links]) -> list[str]:
    """Links to files that do not exist, or to anchors that their page does not have."""
    found = []
    for path, page in pages.items():
        for target in page.targets + page.loaded:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[file].anchors if file in pages else {""}
            if not file.exists() or (parts.fragment and file in pages and parts.fragment not in anchors):
                found.append(f"{path.name} -> {target}")
    return found


def wordless(pages: dict[Path, Links]) -> list[str]:
    """Images without alternative text, or with a file name in its place."""
    images = {(path.name, *image) for path, page in pages.items() for image in page.images}
    return [f"{name}: {source}" for name, source, alt in sorted(images) if not alt or FILE_NAME.search(alt)]


def from_outside(pages: dict[Path, Links]) -> list[str]:
    return [
        f"{path.name}: {url}" for path, page in pages.items() for url in page.loaded if urlsplit(url).netloc
    ]


@pytest.fixture(scope="session")
def built(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the book once, as the continuous integration does; every warning is an error.

    `.ci/plain/build` builds it with plain Sphinx and names the folder.
    """
    if ready := os.environ.get("XMODAL_BOOK"):
        return Path(ready).resolve()
    folder = tmp_path_factory.mktemp("book")
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(repository)]
    options = ["-W", "-n", "--keep-going", "--path-output", str(folder)]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line or "ERROR" in line]
    assert done.returncode == 0, "\n".join(warnings or [done.stdout[-2000:], done.stderr[-2000:]])
    return folder / "_build" / "html"


@pytest.fixture(scope="session")
def pages(built: Path) -> dict[Path, Links]:
    """Every page of the book, read."""
    files = [path.resolve() for path in built.rglob("*.html") if "_static" not in path.parts]
    return {path: Links(path.read_text(encoding="utf-8")) for path in files}


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Chromium without a window."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser to look at the book with (none of {', '.join(BROWSERS)} is installed)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


def articles(pages: dict[Path, Links]) -> list[Path]:
    """Pages with text of their own."""
    return [path for path in pages if path.name not in ("index.html", "search.html", "genindex.html")]


def test_no_link_is_broken(pages: dict[Path, Links]):
    assert len(articles(pages)) > 5
    assert broken_links(pages) == []


def public_names(file: Path) -> list[str]:
    """The names in `__all__` of a package, without an import: the book is also tested where torch is not installed."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return []


def test_the_api_reference_has_every_public_name(repository: Path, pages: dict[Path, Links], built: Path):
    sources = sorted((repository / "book" / "api").glob("[a-hj-z]*.md"))
    assert len(sources) == 10
    for source in sources:
        package = f"xmodal_lite.{source.stem}"
        anchors = pages[(built / "book" / "api" / f"{source.stem}.html").resolve()].anchors
        named = public_names(repository / "xmodal_lite" / source.stem / "__init__.py")
        wanted = {f"{package}.{name}" for name in named if not name.isupper()}  # constants have no entry
        assert wanted and wanted - anchors == set(), package


def test_every_picture_says_what_it_shows(pages: dict[Path, Links]):
    assert any(page.images for page in pages.values())
    assert wordless(pages) == []


def test_nothing_is_loaded_from_outside(pages: dict[Path, Links]):
    assert from_outside(pages) == []


def test_links_to_the_repository_are_shown_once_it_is_public(repository: Path, pages: dict[Path, Links]):
    config = yaml.safe_load((repository / "_config.yml").read_text(encoding="utf-8"))
    address, published = config["repository"]["url"], config["sphinx"]["config"]["published"]
    for path, page in pages.items():
        launch = [target for target in page.targets if "colab.research.google.com" in target]
        if published and "notebooks" in path.parts:
            assert launch and all(link.split("#")[0].endswith(".ipynb") for link in launch), path.name
        if not published:
            assert launch + [link for link in page.targets if link.startswith(address)] == [], path.name


def test_the_book_reads_offline_and_on_a_telephone(pages: dict[Path, Links], browser):
    context = browser.new_context(viewport=PHONE, offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    equations = 0
    for path in articles(pages):
        page.goto(path.as_uri())
        if page.locator(".math").count():
            page.wait_for_function("() => window.MathJax?.startup?.promise")
            page.evaluate("() => MathJax.startup.promise")
        equations += page.locator("mjx-container").count()
        assert page.locator("mjx-merror").count() == 0, f"{path.name}: an equation that does not parse"
        text = page.locator("article").inner_text()
        assert "\\(" not in text and "\\[" not in text, f"{path.name}: raw TeX on the page"
        width = page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{path.name} is {width} px wide on a telephone"
    context.close()
    assert equations > 20
    assert [url for url in asked if url.startswith("http")] == []


def test_a_bad_page_is_noticed(tmp_path: Path):
    path = tmp_path / "page.html"
    path.write_text("")
    text = """<a href="gone.html">a</a> <a href="#gone">b</a> <a href="page.html#here">c</a> <p id="here"></p>
        <img src="page.html" alt="../_images/f00.png"> <img src="page.html">
        <img src="page.html" alt="A spectrum.">
        <script src="https://cdn.example/x.js"></script> <link rel="next" href="https://example.org/">"""
    pages = {path: Links(text)}
    assert broken_links(pages) == ["page.html -> gone.html", "page.html -> #gone"]
    assert len(wordless(pages)) == 2
    assert from_outside(pages) == ["page.html: https://cdn.example/x.js"]

"""A run is opened from its folder, files are ranked by it, and every mistake is one clear error."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xmodal_lite import benchmarks
from xmodal_lite.deployment import Gallery, Retriever, find_run, open_run
from xmodal_lite.deployment.reader import FileReader
from xmodal_lite.deployment.results import search
from xmodal_lite.errors import CheckpointError, DataError, SpecError
from xmodal_lite.evaluation import cosine_distances
from xmodal_lite.evaluation.distance import unit_rows
from xmodal_lite.experiments import RunStore, embed, make_spec, run, train
from xmodal_lite.training.checkpoint import load_checkpoint, save_checkpoint


@pytest.fixture(params=["image_run", "spectrum_run"])
def finished(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def copied(spectrum_run, tmp_path) -> Path:
    """A run's folder that a test may spoil."""
    return Path(shutil.copytree(spectrum_run.folder, tmp_path / "runs" / spectrum_run.folder.name))


@pytest.fixture
def people(image_run, tmp_path) -> Path:
    """The visible images of four people."""
    for person in sorted((image_run.root / "Visible").iterdir(), key=lambda path: path.name)[:4]:
        shutil.copytree(person, tmp_path / "people" / person.name)
    return tmp_path / "people"


def thermal(image_run) -> Path:
    return sorted((image_run.root / "Thermal").rglob("*.bmp"))[0]


def silent(_: str) -> None:
    pass


# ---- opening


def test_the_opened_run_scores_what_its_record_says(finished):
    stored = open_run(finished.folder).run
    split = finished.data.split(finished.record.spec.protocol, 0)
    features = embed(stored.matcher, finished.data, split.test, precision=stored.recipe.precision)
    assert split.evaluate(features).metrics == pytest.approx(finished.record.metrics)
    fitted = train(finished.record.spec, finished.data, finished.folder)  # nothing is left to train
    expected = embed(fitted.matcher, finished.data, split.test, precision=stored.recipe.precision)
    np.testing.assert_allclose(features, expected, atol=1e-6)


def test_a_run_is_found_by_the_start_of_its_hash(copied, tmp_path):
    store = tmp_path / "runs"
    assert find_run(copied) == find_run(copied.name[:5], store) == copied
    (store / f"{copied.name[:5]}0000000").mkdir()
    with pytest.raises(CheckpointError, match=f"2 runs in .* begin with '{copied.name[:5]}'"):
        find_run(copied.name[:5], store)
    with pytest.raises(CheckpointError, match=r"no run in .* begins so"):
        find_run("zzz", store)


def test_a_run_that_is_not_finished_is_refused(copied):
    (copied / "record.json").unlink()
    with pytest.raises(CheckpointError, match=r"no record\.json"):
        open_run(copied)


def test_missing_damaged_and_foreign_checkpoints_are_told_apart(copied, image_run):
    (checkpoint,) = copied.glob("checkpoint-*")
    weights = checkpoint / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    with pytest.raises(CheckpointError, match="is damaged"):
        open_run(copied)
    weights.write_bytes(whole)
    save_checkpoint(copied, replace(load_checkpoint(checkpoint, copied.name), step=3, history=[]))
    with pytest.raises(CheckpointError, match="is of step 3 of 5"):
        open_run(copied)
    shutil.rmtree(copied / "checkpoint-0000003")
    with pytest.raises(CheckpointError, match="has neither a checkpoint nor"):
        open_run(copied)
    (theirs,) = image_run.folder.glob("checkpoint-*")
    shutil.copytree(theirs, copied / theirs.name)
    with pytest.raises(CheckpointError, match=f"belongs to run {image_run.record.spec.hash}"):
        open_run(copied)


def test_a_method_without_weights_is_named(spectrum_run, tmp_path):
    data, store = spectrum_run.data, RunStore(tmp_path)
    spec = make_spec("cosine", data, protocol="A", profile="tiny", seed=0)
    run(spec, data, store)
    with pytest.raises(SpecError, match="'cosine' stores no weights"):
        open_run(spec.hash, tmp_path)


def test_a_calibration_of_another_run_or_cut_short_is_refused(copied):
    path = copied / "calibration.json"
    text = path.read_text()
    path.write_text(text.replace(copied.name, "0" * 16))
    with pytest.raises(CheckpointError, match="belongs to run 0000"):
        open_run(copied)
    path.write_text(text[:50])
    with pytest.raises(CheckpointError, match="not a whole calibration"):
        open_run(copied)


# ---- matching


def test_the_ranking_is_that_of_the_protocol(finished):
    matcher, data = open_run(finished.folder), finished.data
    sides = [np.flatnonzero(data.table.modality == m) for m in (0, 1)]
    paths = [data.table.path[rows] for rows in sides]
    folder = finished.root / str(paths[0][0]).partition("/")[0]
    matches = matcher.match([finished.root / paths[1][k] for k in (0, 3)], folder, k=4)
    features = [embed(matcher.run.matcher, data, rows) for rows in sides]
    distances = cosine_distances(features[1][[0, 3]], features[0])
    for answer, apart in zip(matches.answers, distances, strict=True):
        scores = {str(folder.relative_to(finished.root) / m.path): m.score for m in answer.matches}
        listed = {str(path): 1 - d for path, d in zip(paths[0], apart, strict=True)}
        assert [m.rank for m in answer.matches] == [1, 2, 3, 4]
        known = {
            name: score for name, score in scores.items() if name in listed
        }  # raw files are only in the folder
        assert len(known) >= 3
        assert known == pytest.approx({name: listed[name] for name in known}, abs=1e-4)
        assert min(scores.values()) >= sorted(listed.values())[-4] - 1e-4


def test_the_other_direction_is_asked_for_by_name(image_run):
    matcher = open_run(image_run.folder)
    query = sorted((image_run.root / "Visible").rglob("*.bmp"))[0]
    matches = matcher.match(query, image_run.root / "Thermal", query_modality="Visible")
    assert matches.names == ("visible", "thermal")
    assert matcher.modality("v") == matcher.modality("visible") == 0
    with pytest.raises(SpecError, match="unknown modality 'sketch'; this run knows visible and thermal"):
        matcher.modality("sketch")
    with pytest.raises(SpecError, match="both visible"):
        matcher.match(query, matcher.open_gallery(image_run.root / "Visible", 0), query_modality="visible")


def test_the_prediction_sets_cover_the_queries_they_are_calibrated_on(spectrum_run):
    matcher, data, alpha = open_run(spectrum_run.folder), spectrum_run.data, 0.2
    test = data.table.select(data.split("A", 0).test)
    queries, sought = test.select(test.modality == 1), test.select(test.modality == 0)
    mineral = dict(zip(sought.path.tolist(), sought.identity.tolist(), strict=True))
    matches = matcher.match(
        [spectrum_run.root / p for p in queries.path], spectrum_run.root / "raman", alpha=alpha
    )
    covered = [
        identity in {mineral.get(f"raman/{path}") for path in answer.prediction_set}
        for identity, answer in zip(queries.identity, matches.answers, strict=True)
    ]
    n = matches.rule.pairs
    assert n == len(queries) == len(matcher.run.calibration.scores["r2v"])
    assert sum(covered) == np.ceil(
        (n + 1) * (1 - alpha)
    )  # no more: no two scores are that near to each other
    for answer in matches.answers:
        assert [m.in_set for m in answer.matches] == [m.path in answer.prediction_set for m in answer.matches]
        inside = [m.path for m in answer.matches if m.in_set]
        assert list(answer.prediction_set[: len(inside)]) == inside  # best first


def test_too_few_calibration_queries_put_everything_into_the_set_and_say_so(image_run, people, copied):
    matches = open_run(image_run.folder).match(thermal(image_run), people, alpha=0.001)
    assert len(matches.answers[0].prediction_set) == len(matches.gallery.paths) == 8
    assert "everything, as 10 calibration queries are too few" in str(matches)
    assert matches.to_dict()["least_score"] is None
    (copied / "calibration.json").unlink()  # as for a run from before there were any
    matcher = open_run(copied)
    assert (matcher.rule(0.1, 1).distance, matcher.modalities) == (np.inf, ("v", "r"))


def test_the_second_search_reads_no_file_of_the_gallery(image_run, people, monkeypatch):
    first = open_run(image_run.folder).match(thermal(image_run), people)
    read, asked = FileReader.read, []
    monkeypatch.setattr(FileReader, "read", lambda self, path, m: asked.append(path) or read(self, path, m))
    second = open_run(image_run.folder).match(thermal(image_run), people)
    assert second.answers == first.answers
    assert asked == [thermal(image_run)]
    painted(people / "new.png", (9, 9, 9))
    third = open_run(image_run.folder).match(thermal(image_run), people)
    assert len(third.gallery.paths) == len(first.gallery.paths) + 1
    assert len(asked) == 2 + len(third.gallery.paths)


def test_a_run_that_is_made_again_embeds_its_gallery_again(image_run, people, monkeypatch):
    matcher = open_run(image_run.folder)
    matcher.match(thermal(image_run), people)
    read, asked = FileReader.read, []
    monkeypatch.setattr(FileReader, "read", lambda self, path, m: asked.append(path) or read(self, path, m))
    later = matcher.run.record.model_copy(update={"finished": "2099-01-01T00:00:00Z"})
    again = Retriever(replace(matcher.run, record=later))
    gallery = again.match(thermal(image_run), people).gallery
    assert len(asked) == 1 + len(gallery.paths)
    with pytest.raises(SpecError, match=r"was embedded by run 0123, not by .*; open it again"):
        again.match(thermal(image_run), replace(gallery, run="0123"))


def test_a_folder_of_a_gallery_that_cannot_be_opened_is_named(image_run, people, monkeypatch):
    (people / "closed").mkdir()
    walk = os.scandir

    def refuse(folder):
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(folder))
        return walk(folder)

    monkeypatch.setattr(os, "scandir", refuse)  # the tests may run as root, for whom nothing is closed
    told: list[str] = []
    assert open_run(image_run.folder).match(thermal(image_run), people, report=told.append).answers
    assert len(told) == 1 and "closed: cannot be opened (Permission denied); check its permissions" in told[0]


def test_two_folders_of_equal_names_sizes_and_times_are_two_galleries(image_run, tmp_path):
    galleries = []
    for name, colour in (("one", (9, 9, 9)), ("other", (200, 9, 9))):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "a.bmp"
        painted(path, colour)
        os.utime(path, (1e9, 1e9))
        galleries.append(open_run(image_run.folder).open_gallery(path.parent, 0))
    assert not np.array_equal(galleries[0].embeddings, galleries[1].embeddings)


def test_damaged_files_of_a_gallery_are_named_and_passed_over(image_run, people):
    damaged = [people / "damaged.jpg", people / "empty.png"]
    damaged[0].write_bytes(thermal(image_run).read_bytes()[:100])
    damaged[1].write_bytes(b"")
    (people / "nowhere.png").symlink_to(people / "gone.png")
    (people / "notes.md").write_text("not of the gallery")
    for _ in range(2):  # from the files, then from the cache
        told: list[str] = []
        matches = open_run(image_run.folder).match(thermal(image_run), people, 100, report=told.append)
        assert len(told) == 3 and all(str(p) in "\n".join(told) for p in (*damaged, people / "nowhere.png"))
        assert len(matches.answers[0].matches) == len(matches.gallery.paths) == 8
        assert len(matches.to_dict()["skipped"]) == 3


# ---- the wrong modality


def painted(path: Path, colour: tuple[int, int, int]) -> Path:
    path.parent.mkdir(exist_ok=True)
    shades = np.arange(40)[:, None, None] % 5  # an image of one colour all over is refused
    Image.fromarray(np.broadcast_to(np.array(colour) + shades, (40, 20, 3)).astype(np.uint8)).save(path)
    return path


def test_a_query_in_colour_where_the_modality_is_grey_is_refused(image_run, people, tmp_path):
    matcher = open_run(image_run.folder)
    with pytest.raises(
        DataError, match=r"skin\.png: is in colour, but a thermal image is expected.*query-mod"
    ):
        matcher.match([thermal(image_run), painted(tmp_path / "skin.png", (190, 140, 120))], people)
    noise = np.random.default_rng(0).integers(-60, 20, (40, 20, 1))
    toned = Image.fromarray((np.array((236, 232, 224)) + noise).clip(0, 255).astype(np.uint8))
    toned.save(tmp_path / "toned.jpg", quality=20)
    with Image.open(thermal(image_run)) as image:
        image.convert("L").convert("P").save(tmp_path / "palette.png")
    for name in (
        "toned.jpg",
        "palette.png",
    ):  # neither compression, nor a slight tint, nor a palette is a colour
        assert matcher.match(tmp_path / name, people).answers


def test_a_gallery_in_colour_where_the_modality_is_grey_is_passed_over(image_run, tmp_path):
    matcher, told = open_run(image_run.folder), []
    query = painted(tmp_path / "query.png", (190, 140, 120))
    painted(tmp_path / "mixed" / "skin.png", (190, 140, 120))
    shutil.copy(thermal(image_run), tmp_path / "mixed" / "warm.bmp")
    matches = matcher.match(query, tmp_path / "mixed", query_modality="visible", report=told.append)
    assert matches.gallery.paths.tolist() == ["warm.bmp"]
    assert len(told) == 1 and "skin.png: is in colour" in told[0]
    painted(tmp_path / "visible" / "skin.png", (190, 140, 120))
    with pytest.raises(DataError, match=r"none of its 1 files can be used; .*skin\.png: is in colour"):
        matcher.match(query, tmp_path / "visible", query_modality="visible", report=told.append)


def test_grey_images_where_colour_is_usual_are_warned_of(image_run, people, tmp_path):
    told: list[str] = []
    (tmp_path / "warm").mkdir()
    shutil.copy(thermal(image_run), tmp_path / "warm")
    for _ in range(2):  # from the files, then from the cache
        open_run(image_run.folder).match(thermal(image_run), tmp_path / "warm", report=told.append)
    assert len(told) == 2 and all("warm: all 1 images are grey, but visible" in one for one in told)
    matcher = open_run(image_run.folder)
    settings = {"query_modality": "visible", "report": told.append}
    assert matcher.match(thermal(image_run), tmp_path / "warm", **settings).answers
    assert len(told) == 3 and f"{thermal(image_run)}: is grey, but visible" in told[2]
    matcher.match(thermal(image_run), people, report=told.append)
    matcher.match(painted(tmp_path / "skin.png", (190, 140, 120)), tmp_path / "warm", **settings)
    assert len(told) == 3


def test_what_is_expected_is_known_of_every_benchmark_of_images_but_ones_own(image_run, tmp_path):
    stated = {name for name in benchmarks.names() if benchmarks.data_set(name).colours != ("any", "any")}
    assert stated == set(benchmarks.names()) - {"rruff", "folder"}
    stored = open_run(image_run.folder).run
    spec = stored.record.spec.model_copy(update={"benchmark": "folder"})
    own = Retriever(replace(stored, record=stored.record.model_copy(update={"spec": spec})))
    assert own.files.read(painted(tmp_path / "false-colours.png", (250, 120, 0)), 1).shape == (3, 64, 32)


def test_what_cannot_be_searched_is_one_clear_error(image_run, people, tmp_path):
    matcher, query = open_run(image_run.folder), thermal(image_run)
    (tmp_path / "spectrum.txt").write_text("1, 2\n3, 4\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no image")
    (tmp_path / "broken.png").write_bytes(b"no image")
    for gallery, words in (
        ("missing", "no such folder"),
        ("empty", "holds no image"),
        ("broken", "none of its 1 files can be used"),
    ):
        with pytest.raises(DataError, match=words):
            matcher.match(query, tmp_path / gallery, report=silent)
    for asked, words in (
        ("spectrum.txt", "is no image, which run"),
        ("missing.png", "no such file"),
        ("broken.png", "cannot be read as an image"),
    ):
        with pytest.raises(DataError, match=words):
            matcher.match(tmp_path / asked, people)
    for settings, words in (
        ({"k": 0}, "k 1 or more"),
        ({"queries": []}, "must be a query"),
        ({"alpha": 1.0}, "alpha must be between 0 and 1"),
    ):
        with pytest.raises(SpecError, match=words):
            matcher.match(**({"queries": [query], "gallery": people} | settings))


def test_spectra_without_signal_or_of_the_other_kind_are_refused(spectrum_run, tmp_path):
    matcher = open_run(spectrum_run.folder)
    (tmp_path / "flat.txt").write_text("\n".join(f"{x}, 1" for x in range(200, 900, 10)))
    with pytest.raises(DataError, match=r"flat\.txt: no signal between 100 and"):
        matcher.match(tmp_path / "flat.txt", spectrum_run.root / "raman")
    with pytest.raises(DataError, match="is no spectrum"):
        matcher.match(tmp_path / "image.png", spectrum_run.root / "raman")


def test_matches_are_drawn(finished, tmp_path):
    matcher, table = open_run(finished.folder), finished.data.table
    queries = [finished.root / path for path in table.path[table.modality == 1][:2]]
    folder = finished.root / str(table.path[table.modality == 0][0]).partition("/")[0]
    matcher.draw(matcher.match(queries, folder, 3), tmp_path / "matches.png")
    with Image.open(tmp_path / "matches.png") as image:
        assert image.width >= 900
    with pytest.raises(DataError, match="the figure cannot be saved"):
        matcher.draw(matcher.match(queries, folder, 3), tmp_path / "matches.xyz")


@pytest.mark.parametrize("name", ["$x^{$.bmp", "<b>&amp;*a*.bmp", "\x1b[31m\n    1  1.0000.bmp"])
def test_markup_in_names_changes_neither_text_nor_figure(image_run, people, tmp_path, name):
    query = Path(shutil.copy(thermal(image_run), tmp_path / name))
    shutil.copy(sorted(people.rglob("*.bmp"))[0], people / name)
    retriever = open_run(image_run.folder)
    found = retriever.match(query, people, k=9)
    assert name in found.gallery.paths.tolist()
    text = str(found)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 1 + 9 + 1 + 1  # query, matches, size of the set, rule
    retriever.draw(found, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_a_query_is_decoded_once(image_run, people, monkeypatch):
    retriever = open_run(image_run.folder)
    gallery = retriever.open_gallery(image_run.root / "Thermal", 1)
    read, asked = FileReader.read, []
    monkeypatch.setattr(FileReader, "read", lambda self, path, m: asked.append(path) or read(self, path, m))
    queries = sorted(people.rglob("*.bmp"))
    retriever.match(
        queries, gallery, query_modality="visible"
    )  # in colour, so that each is looked at for grey
    assert asked == queries


def test_opening_a_run_sets_up_no_accelerator(image_run, monkeypatch):
    monkeypatch.setattr("xmodal_lite.training.device.Accelerator", lambda **_: pytest.fail("one was made"))
    open_run(image_run.folder)


@pytest.mark.parametrize("distance", [-1.0, 0.4, 0.9, np.inf])
def test_a_search_finds_what_a_full_sort_finds(distance):
    rng = np.random.default_rng(0)
    asked, items = (unit_rows("x", rng.standard_normal((n, 8)).astype(np.float32)) for n in (150, 300))
    paths = np.array([f"{i}.png" for i in range(300)])
    gallery = Gallery(Path("."), 0, paths, items, (), "run")
    scores = asked @ items.T
    for row, (matches, members) in zip(scores, search(asked, gallery, 3, distance), strict=True):
        order = np.argsort(-row, kind="stable")
        assert [m.path for m in matches] == paths[order[:3]].tolist()
        assert list(members) == paths[order[1 - row[order] <= distance]].tolist()
        assert [m.in_set for m in matches] == [m.path in members for m in matches]


def test_a_run_that_was_changed_by_hand_is_refused(copied):
    path = copied / "record.json"
    record = json.loads(path.read_text())
    record["spec"]["seed"] = 3
    path.write_text(json.dumps(record))
    with pytest.raises(CheckpointError, match=r"is the record of run .*, so it was moved or edited"):
        open_run(copied)
    elsewhere = copied.rename(copied.with_name("renamed"))
    with pytest.raises(CheckpointError, match=f"belongs to run {copied.name}"):
        open_run(elsewhere)


@pytest.mark.parametrize("name", ["record.json", "calibration.json"])
@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to(path.name)])
def test_a_folder_or_a_link_loop_in_place_of_a_file_is_one_error(copied, name, make):
    (copied / name).unlink()
    make(copied / name)
    if name == "calibration.json" and (copied / name).is_symlink():
        assert open_run(copied).run.calibration is None  # a link to nothing, as if it were not there
        return
    with pytest.raises(CheckpointError, match=name):
        open_run(copied)

"""The face synthetic data sets: layouts, bytes, masks, refusals, and how hard the task is."""

import hashlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xmodal_lite.synthetic import disguised, write
from xmodal_lite.synthetic.faces import DISGUISES
from xmodal_lite.synthetic.faces.canvas import Canvas
from xmodal_lite.synthetic.faces.identity import draw_face, exaggerate
from xmodal_lite.synthetic.faces.moment import draw_moment
from xmodal_lite.synthetic.faces.portrait import GLASSES, HAIR, SKIN, Setting, portray

NAMES = ("cufs", "cufsf", "casia-nir-vis", "tufts")
FIRST = {"cufs": "photos/*", "cufsf": "photos/*", "casia-nir-vis": "s?/VIS*/*/*", "tufts": "visible/*/*"}
SECOND = {"cufs": "sketches/*", "cufsf": "sketches/*", "casia-nir-vis": "s?/NIR*/*/*", "tufts": "thermal/*/*"}
GAPS = (0.0, 0.5, 1.0)
PROTOCOLS = ("vis_train", "nir_train", "vis_gallery", "nir_probe")


def digest(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def mask_of(root: Path, path: Path) -> np.ndarray:
    with Image.open((root / "masks" / path.relative_to(root)).with_suffix(".png")) as mask:
        assert mask.mode == "L"
        return np.asarray(mask)


class Sample:
    """The images of one modality of a synthetic data set, their identities and their masks."""

    def __init__(self, name: str, root: Path, pattern: str) -> None:
        self.paths = sorted(root.glob(pattern))
        stems = [path.stem if name.startswith("cuf") else path.parent.name for path in self.paths]
        self.identities = np.array([int(re.match(r"\d+", stem)[0]) for stem in stems])
        self.images = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in self.paths])
        self.grey = (self.images @ np.array([0.299, 0.587, 0.114])).astype(np.float32)
        self.masks = np.stack([mask_of(root, path) for path in self.paths])

    def pixels(self) -> np.ndarray:
        """Coarse grey images without mean and of unit norm."""
        return unit(self.grey.reshape(-1, 16, 8, 16, 8).mean((2, 4)).reshape(len(self.grey), -1))

    def edges(self) -> np.ndarray:
        """How steep the image is in eight directions in each of 16 x 16 cells, without the mean over images."""
        down, right = np.gradient(self.grey, axis=(1, 2))
        steep, turn = np.hypot(down, right), (np.arctan2(down, right) % np.pi / np.pi * 8).astype(int) % 8
        cells = [
            (steep * (turn == k)).reshape(-1, 16, 8, 16, 8).sum((2, 4)).reshape(len(steep), 256)
            for k in range(8)
        ]
        share = np.sqrt(np.stack(cells, 2) / (np.sum(cells, 0)[..., None] + 200))
        return unit((share - share.mean(0)).reshape(len(steep), -1))


def unit(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rank1(query: np.ndarray, ids: np.ndarray, gallery: np.ndarray, gallery_ids: np.ndarray) -> float:
    """Share of queries whose most similar gallery image shows the same person; one image of each is there."""
    _, first = np.unique(gallery_ids, return_index=True)
    return float((gallery_ids[first][(query @ gallery[first].T).argmax(1)] == ids).mean())


def apart(query: np.ndarray, ids: np.ndarray, gallery: np.ndarray, gallery_ids: np.ndarray) -> float:
    """By how many standard deviations pairs of one person are more alike than pairs of two."""
    alike, same = query @ gallery.T, ids[:, None] == gallery_ids
    return float((alike[same].mean() - alike[~same].mean()) / alike[~same].std())


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, float], Path]:
    folder = tmp_path_factory.mktemp("faces")
    many = {"cufs": {"identities": 30}, "cufsf": {"identities": 30}}
    few = {"identities": 16, "images": 3}
    return {
        (name, gap): write(name, folder / f"{name}-{gap}", gap=gap, **many.get(name, few))
        for name in NAMES
        for gap in GAPS
    }


@pytest.fixture(scope="module")
def data_sets(roots: dict[tuple[str, float], Path]) -> dict[tuple[str, float], tuple[Sample, Sample]]:
    return {
        (name, gap): (Sample(name, root, FIRST[name]), Sample(name, root, SECOND[name]))
        for (name, gap), root in roots.items()
    }


def test_sketches_pair_with_photographs_by_the_leading_number(roots, data_sets):
    for name, pattern in (("cufs", r"\d{4}"), ("cufsf", r"\d{5}fa010_\d{6}")):
        photos, sketches = data_sets[name, 0.5]
        assert {path.name for path in roots[name, 0.5].iterdir()} == {
            "photos",
            "sketches",
            "masks",
            "synthetic.json",
        }
        assert all(re.fullmatch(pattern, path.stem) and path.suffix == ".jpg" for path in photos.paths)
        assert all(re.fullmatch(pattern[:5], path.stem) for path in sketches.paths)
        assert np.array_equal(photos.identities, sketches.identities)
        assert np.array_equal(photos.identities, np.arange(1, 31))


def test_casia_has_the_real_folders_and_folds(roots, data_sets):
    root = roots["casia-nir-vis", 0.5]
    visible, near = data_sets["casia-nir-vis", 0.5]
    assert {p.name for p in root.iterdir()} == {
        *(f"s{k}" for k in range(1, 5)),
        "protocols",
        "masks",
        "synthetic.json",
    }
    for path in (*visible.paths, *near.paths):
        assert re.fullmatch(r"s[1-4]/(VIS|NIR)_128x128/\d{5}/\d{3}\.bmp", path.relative_to(root).as_posix())
    assert {p.name for p in root.glob("protocols/*")} == {
        f"{p}_{k}.txt" for p in PROTOCOLS for k in range(1, 11)
    }
    folds = set()
    for fold in range(1, 11):
        lists = {p: (root / "protocols" / f"{p}_{fold}.txt").read_text().splitlines() for p in PROTOCOLS}
        assert all((root / line.replace("\\", "/")).is_file() for lines in lists.values() for line in lines)
        assert all("/" not in line for lines in lists.values() for line in lines)
        people = {part: [line.split("\\")[2] for line in lines] for part, lines in lists.items()}
        assert set(people["vis_train"]) == set(people["nir_train"])
        assert set(people["vis_gallery"]) == set(people["nir_probe"])
        assert len(set(people["vis_train"])) == len(set(people["nir_probe"])) == 8
        assert not set(people["vis_train"]) & set(people["nir_probe"])
        assert len(people["vis_gallery"]) == 8 and len(people["nir_probe"]) == 24
        folds.add(frozenset(people["vis_train"]))
    assert len(folds) > 5  # they differ


def test_tufts_has_the_real_folders_and_pairs_of_one_stem(roots, data_sets):
    root = roots["tufts", 0.5]
    visible, thermal = data_sets["tufts", 0.5]
    names = [path.relative_to(root / "visible").as_posix() for path in visible.paths]
    assert names == [path.relative_to(root / "thermal").as_posix() for path in thermal.paths]
    assert sorted(names) == sorted(f"{k}/{n:02d}.jpg" for k in range(1, 17) for n in range(1, 4))
    both = (visible.masks > 0) & (thermal.masks > 0)
    assert both.sum() > 0.97 * (visible.masks > 0).sum()  # of the same moment


def test_images_are_small_and_the_second_modality_is_grey(data_sets):
    for (name, _), (first, second) in data_sets.items():
        assert first.images.shape[1:] == second.images.shape[1:] == (128, 128, 3)
        with Image.open(first.paths[0]) as one, Image.open(second.paths[0]) as other:
            assert (one.mode, other.mode) == ("L" if name == "cufsf" else "RGB", "L")
        assert first.grey.std((1, 2)).min() > 12 and second.grey.std((1, 2)).min() > 12


def test_masks_cover_the_face_and_fit_their_images(data_sets):
    for first, second in data_sets.values():
        for sample in (first, second):
            assert set(np.unique(sample.masks)) == {0, GLASSES, HAIR, SKIN}
            head = sample.masks > 0
            assert head.mean((1, 2)).min() > 0.15 and head.mean((1, 2)).max() < 0.9
            assert head[:, 50:90, 52:76].mean() > 0.995  # eyes to mouth
            steep = np.hypot(*np.gradient(sample.grey, axis=(1, 2)))
            outline = np.abs(np.diff(head[:, :100], axis=2))  # above the neck
            beside = np.roll(outline, 6, axis=2)
            own, other = (
                np.array([s[:100, 1:][o].mean() for s, o in zip(steep, lines, strict=True)])
                for lines in (outline, beside)
            )
            assert (own > other).mean() > 0.85


def test_bytes_depend_on_the_parameters_and_not_on_the_workers(tmp_path):
    parameters = {"identities": 10, "images": 1}
    one = write("tufts", tmp_path / "one", **parameters)
    two = write("tufts", tmp_path / "two", workers=2, **parameters)
    same = digest(one)
    assert same == digest(two)
    assert "workers" not in json.loads((one / "synthetic.json").read_text())["parameters"]
    seeded = digest(write("tufts", tmp_path / "seeded", seed=1, **parameters))
    assert not set(same.values()) & set(seeded.values())


def test_the_gap_changes_the_second_modality_alone(roots):
    for name in NAMES:
        near, apart = digest(roots[name, 0.0]), digest(roots[name, 1.0])
        assert near.keys() == apart.keys()
        differ = {path for path in near if near[path] != apart[path]} - {"synthetic.json"}
        seconds = {str(path.relative_to(roots[name, 0.0])) for path in roots[name, 0.0].glob(SECOND[name])}
        assert seconds <= differ
        masks = {str(Path("masks", path).with_suffix(".png")) for path in seconds}
        assert differ - seconds <= (masks if name.startswith("cuf") else set())  # an artist changes outlines


def test_more_identities_leave_the_first_ones_as_they_are(roots, tmp_path):
    fewer = digest(write("casia-nir-vis", tmp_path / "fewer", identities=10, images=3))
    more = digest(roots["casia-nir-vis", 0.5])
    assert all(
        more[name] == fewer[name] for name in fewer if name.startswith(("s1", "s2", "s3", "s4", "masks"))
    )


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("cufs", {"identities": 9}, "identities=9: give 10 to 606"),
        ("cufs", {"identities": 607}, "give 10 to 606"),
        ("cufsf", {"identities": 1195}, "give 10 to 1194"),
        ("casia-nir-vis", {"identities": 726}, "give 10 to 725"),
        ("tufts", {"identities": 113}, "give 10 to 112"),
        ("tufts", {"images": 0}, "images=0"),
        ("cufs", {"images": 2}, "no parameter images"),
        ("cufsf", {"gap": 1.5}, r"gap=1\.5"),
        ("casia-nir-vis", {"gap": float("nan")}, "gap=nan"),
        ("cufs", {"seed": -1}, "seed=-1"),
        ("tufts", {"workers": 0}, "workers=0"),
    ],
)
def test_parameters_out_of_range_are_refused_before_anything_is_written(tmp_path, name, parameters, message):
    with pytest.raises(ValueError, match=message):
        write(name, tmp_path / "synthetic", **parameters)
    assert not list(tmp_path.iterdir())


def test_a_face_stays_and_its_moments_change(data_sets):
    for name in ("casia-nir-vis", "tufts"):
        for sample in data_sets[name, 0.5]:
            assert len({image.tobytes() for image in sample.images}) == len(sample.images)
            ids, (pixels, edges) = sample.identities, (sample.pixels(), sample.edges())
            later = np.setdiff1d(np.arange(len(ids)), np.unique(ids, return_index=True)[1])
            for features, least in ((pixels, 0.2), (edges, 0.5)):
                assert rank1(features[later], ids[later], features, ids) > least  # chance is 1 in 16


def test_a_face_that_turns_takes_its_features_along_and_keeps_its_place():
    calm = draw_moment(np.random.default_rng(0), lively=0.0, uneven=0.0)
    turns = [replace(calm, yaw=yaw, roll=0.0) for yaw in (-0.25, 0.0, 0.25)]
    nose = [np.abs(Canvas((128, 128), 5.0, 0.45, turn, "near", 0.5).u[70]).argmin() for turn in turns]
    assert nose[0] + 3 < nose[1] < nose[2] - 3
    face, setting = draw_face(0, 3, 0.5), Setting("near", 5.0)
    (_, left), (_, right) = (
        portray(face, turn, setting, 0.5, np.random.default_rng(1)) for turn in turns[::2]
    )
    assert ((left > 0) == (right > 0)).mean() > 0.95


def test_a_sketch_exaggerates_what_is_special():
    face = draw_face(0, 1, 1.0)
    drawn = exaggerate(face, 0.4, 0.0, np.random.default_rng(0))
    for name, trait in face.traits.items():
        assert drawn.traits[name] == pytest.approx(np.clip(1.4 * trait, -3.2, 3.2))
    assert replace(drawn, traits=face.traits) == face  # hair and all else stay


def test_pixels_alone_do_not_match_across_modalities(data_sets):
    for name in NAMES:
        first, second = data_sets[name, 0.5]
        assert rank1(second.pixels(), second.identities, first.pixels(), first.identities) < 0.5, name


def test_background_and_file_size_do_not_match_across_modalities(data_sets):
    for name in NAMES:
        first, second = data_sets[name, 0.5]
        corners = [
            unit(p.grey[:, 2:14, [*range(2, 18), *range(110, 126)]].reshape(len(p.grey), -1))
            for p in (first, second)
        ]
        assert rank1(corners[1], second.identities, corners[0], first.identities) < 0.25, name
        sizes = [np.array([path.stat().st_size for path in p.paths], float) for p in (first, second)]
        places = [np.stack([s - s.mean(), np.full(len(s), -0.5)], 1) / (s.std() + 1e-9) for s in sizes]
        near = -np.abs(places[1][:, :1] - places[0][None, :, 0])
        _, one = np.unique(first.identities, return_index=True)
        assert (first.identities[one][near[:, one].argmax(1)] == second.identities).mean() < 0.25, name


def test_people_are_told_apart_across_modalities_but_less_as_the_gap_grows(data_sets):
    for name in NAMES:  # a sketch loses outlines, the other lights lose what tones say
        look = Sample.edges if name.startswith("cuf") else Sample.pixels
        course = [
            apart(look(second), second.identities, look(first), first.identities)
            for first, second in (data_sets[name, gap] for gap in GAPS)
        ]
        assert course[0] > course[1] > course[2] > 0, (name, course)
        for gap in GAPS:
            first, second = data_sets[name, gap]
            found = rank1(second.edges(), second.identities, first.edges(), first.identities)
            assert found > 0.25, (name, gap)  # chance is 1 in 30 or 16


@pytest.mark.parametrize("name", NAMES)
def test_a_face_is_drawn_again_as_it_was_and_a_disguise_changes_the_face_alone(name, tmp_path):
    images = {"images": 1} if name in ("tufts", "casia-nir-vis") else {}
    root = write(name, tmp_path / name, identities=10, **images)
    paths = sorted(p.relative_to(root).as_posix() for p in root.rglob("*.[jb][pm][gp]"))
    assert len(paths) == 20
    chances = [np.random.default_rng(row) for row in range(20)]
    for path, content in zip(paths, disguised(root, paths, "", chances), strict=True):
        assert (root / path).read_bytes() == content, path
    for item in DISGUISES:
        for path, content in zip(paths, disguised(root, paths, item, chances), strict=True):
            before, after = (np.asarray(Image.open(one), float) for one in (root / path, io.BytesIO(content)))
            changed = np.abs(after - before).reshape(*before.shape[:2], -1).max(2) > 20
            assert 0.005 < changed.mean() < 0.6, (path, item)
            assert not changed[:8, :8].any(), (path, item)  # the wall behind


def test_only_synthetic_faces_of_this_version_can_be_disguised(tmp_path):
    with pytest.raises(ValueError, match="holds no synthetic faces"):
        list(disguised(tmp_path, [], "mask", []))
    root = write("cufs", tmp_path / "faces", identities=10)
    with pytest.raises(ValueError, match="unknown disguise 'beard'; known: sunglasses, mask, wig"):
        list(disguised(root, ["photos/0001.jpg"], "beard", [np.random.default_rng(0)]))
    marker = root / "synthetic.json"
    marker.write_text(marker.read_text().replace('"version": 2', '"version": 1'))
    with pytest.raises(ValueError, match="version 1 of the generators, not 2; write it again"):
        list(disguised(root, [], "mask", []))

"""The people synthetic data sets: layouts, bytes, masks, refusals, and how hard the task is."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xmodal_lite.synthetic import write
from xmodal_lite.synthetic.people.figure import draw_person

VISIBLE, INFRARED = (1, 2, 4, 5), (3, 6)
LUMINANCE = np.array([0.299, 0.587, 0.114])


def digest(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def mask_of(root: Path, path: Path) -> Path:
    return (root / "masks" / path.relative_to(root)).with_suffix(".png")


class Sample:
    """Every image of a SYSU-MM01 layout with its mask, identity and camera."""

    def __init__(self, root: Path) -> None:
        paths = sorted(root.glob("cam[1-6]/*/*.jpg"))
        self.images = np.stack([np.asarray(Image.open(path)) for path in paths])
        self.masks = np.stack([np.asarray(Image.open(mask_of(root, path))) > 0 for path in paths])
        self.identities = np.array([int(path.parent.name) for path in paths])
        self.cameras = np.array([int(path.parent.parent.name[3:]) for path in paths])

    def colour_histograms(self) -> np.ndarray:
        """Colours of six stripes of the middle of each whole image, mask or not: roots of shares."""
        middle = self.images[:, 24:264, 36:108].astype(int) // 32
        codes = (middle @ np.array([64, 8, 1])).reshape(len(middle) * 6, -1)
        codes += 512 * np.arange(len(codes))[:, None]
        counts = np.bincount(codes.ravel(), minlength=512 * len(codes)).reshape(len(middle), -1)
        return np.sqrt(counts / counts.sum(1, keepdims=True))

    def grey_histograms(self) -> np.ndarray:
        """Grey values of the person's upper and lower half: roots of shares."""
        grey = (self.images @ LUMINANCE / 11).astype(int).clip(0, 23)
        rows = []
        for image, mask in zip(grey, self.masks, strict=True):
            halves = (
                np.bincount(image[half][mask[half]], minlength=24) for half in (slice(140), slice(140, 288))
            )
            rows.append(np.concatenate([np.sqrt(half / max(half.sum(), 1)) for half in halves]))
        return np.stack(rows)

    def raw(self) -> np.ndarray:
        """Coarse grey images without mean and of unit norm."""
        coarse = (self.images[:, ::8, ::8] @ LUMINANCE).reshape(len(self.images), -1)
        coarse -= coarse.mean(1, keepdims=True)
        return coarse / np.linalg.norm(coarse, axis=1, keepdims=True)

    def rank1(self, features: np.ndarray, query: tuple[int, ...], gallery: tuple[int, ...]) -> float:
        """Share of queries whose most similar gallery image shows the same person; one image per gallery camera."""
        g = np.flatnonzero(np.isin(self.cameras, gallery))
        _, first = np.unique(self.identities[g] * 10 + self.cameras[g], return_index=True)
        g = g[first]
        q = np.flatnonzero(np.isin(self.cameras, query) & np.isin(self.identities, self.identities[g]))
        best = g[(features[q] @ features[g].T).argmax(1)]
        return float((self.identities[best] == self.identities[q]).mean())


@pytest.fixture(scope="module")
def sysu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("sysu-mm01", tmp_path_factory.mktemp("people") / "sysu", identities=60, images=1)


@pytest.fixture(scope="module")
def sample(sysu: Path) -> Sample:
    return Sample(sysu)


@pytest.fixture(scope="module")
def regdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("regdb", tmp_path_factory.mktemp("people") / "regdb", identities=11, images=3)


@pytest.fixture(scope="module")
def llcm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("llcm", tmp_path_factory.mktemp("people") / "llcm", identities=12, images=1)


def test_sysu_has_the_real_folders_and_lists(sysu, sample):
    assert {path.name for path in sysu.iterdir()} == {
        *(f"cam{k}" for k in range(1, 7)),
        "exp",
        "masks",
        "synthetic.json",
    }
    lists = {}
    for part in ("train", "val", "test"):
        text = (sysu / "exp" / f"{part}_id.txt").read_text()
        assert text.count("\n") == 1
        lists[part] = [int(item) for item in text.split(",")]
        assert lists[part] == sorted(set(lists[part]))
    assert [len(ids) for ids in lists.values()] == [36, 12, 12]  # 296, 99 and 96 of 491
    everyone = {identity for ids in lists.values() for identity in ids}
    assert len(everyone) == 60 and everyone == set(sample.identities)
    assert everyone != set(range(1, 61))  # numbers have gaps
    assert all(re.fullmatch(r"\d{4}", folder.name) for folder in sysu.glob("cam*/*"))


def test_sysu_identities_are_seen_in_both_lights_but_not_everywhere(sample):
    seen = {(i, c) for i, c in zip(sample.identities, sample.cameras, strict=True)}
    for identity in set(sample.identities):
        cameras = {c for i, c in seen if i == identity}
        assert cameras & set(VISIBLE) and cameras & set(INFRARED)
        assert cameras & {1, 4, 5} or 6 in cameras  # else camera 2 alone would have to answer camera 3
    share = [np.mean([(i, c) in seen for i in set(sample.identities)]) for c in range(1, 7)]
    assert max(share[:3]) < 0.85 and min(share[3:]) > 0.9  # indoors 58 % and outdoors 98 % in the real set


def test_some_test_identity_of_sysu_can_be_found_indoors(tmp_path):
    """The draw of this seed leaves both of the two outdoors."""
    root = write("sysu-mm01", tmp_path / "synthetic", identities=10, images=1, seed=1)
    tested = [int(item) for item in (root / "exp" / "test_id.txt").read_text().split(",")]
    seen = [{c for c in range(1, 7) if (root / f"cam{c}" / f"{i:04d}").exists()} for i in tested]
    assert any(cameras >= {1, 3} or cameras >= {1, 6} or cameras >= {2, 6} for cameras in seen)


def test_images_are_rgb_of_the_usual_size_and_infrared_is_grey(sample):
    assert sample.images.shape[1:] == (288, 144, 3)
    spread = np.ptp(sample.images[:, ::4, ::4].astype(int), axis=3).mean((1, 2))
    infrared = np.isin(sample.cameras, INFRARED)
    assert spread[infrared].max() == 0 and spread[~infrared].min() > 3


def test_every_image_has_a_mask_that_fits_it(sysu, sample):
    files = {path.relative_to(sysu / "masks").with_suffix("") for path in sysu.glob("masks/**/*.png")}
    assert files == {path.relative_to(sysu).with_suffix("") for path in sysu.glob("cam*/*/*.jpg")}
    share = sample.masks.mean((1, 2))
    assert share.min() > 0.12 and share.max() < 0.55
    grey = sample.images @ LUMINANCE
    edge = np.abs(np.diff(grey, axis=2))  # steep where the person ends
    outline = np.diff(sample.masks, axis=2)
    own = np.array([e[o].mean() for e, o in zip(edge, outline, strict=True)])
    others = np.array([e[o].mean() for e, o in zip(edge, np.roll(outline, 7, axis=0), strict=True)])
    assert (own > 1.3 * others).mean() > 0.9


def test_regdb_has_the_real_folders_and_lists(regdb):
    assert {path.name for path in regdb.iterdir()} == {"Visible", "Thermal", "idx", "masks", "synthetic.json"}
    for folder, letter in (("Visible", "v"), ("Thermal", "t")):
        assert {path.name for path in (regdb / folder).iterdir()} == {str(k) for k in range(1, 12)}
        files = list((regdb / folder).glob("*/*"))
        assert len(files) == 33
        for path in files:
            assert re.fullmatch(rf"(front|back)_{letter}_\d{{5}}_{path.parent.name}\.bmp", path.name)
            with Image.open(path) as image, Image.open(mask_of(regdb, path)) as mask:
                assert image.size == mask.size == (64, 128) and image.mode == "RGB"
    tests = set()
    for split in range(1, 11):
        ids = {}
        for part in ("train", "test"):
            for modality in ("visible", "thermal"):
                lines = (regdb / "idx" / f"{part}_{modality}_{split}.txt").read_text().splitlines()
                for line in lines:
                    path, label = line.split(" ")
                    assert path.split("/")[:2] == [modality.capitalize(), label] and (regdb / path).is_file()
                ids[part, modality] = {line.split(" ")[1] for line in lines}
                assert len(lines) == 3 * len(ids[part, modality])
            assert ids[part, "visible"] == ids[part, "thermal"]
        assert len(ids["train", "visible"]) == 5 and not ids["train", "visible"] & ids["test", "visible"]
        tests.add(frozenset(ids["test", "visible"]))
    assert len(tests) > 5  # the splits differ


def test_llcm_has_the_real_folders_and_lists(llcm):
    assert {path.name for path in llcm.iterdir()} == {"vis", "nir", "idx", "masks", "synthetic.json"}
    listed, labels = [], {}
    for part in ("train", "test"):
        for modality in ("vis", "nir"):
            for line in (llcm / "idx" / f"{part}_{modality}.txt").read_text().splitlines():
                path, label = line.split(" ")
                assert re.fullmatch(
                    rf"{modality}/(\d{{4}})/\1_c0[1-9]_s\d{{6}}_f\d{{4}}_{modality}\.jpg", path
                )
                assert int(path.split("/")[1]) == int(label)
                listed.append(path)
                labels.setdefault((part, modality), set()).add(label)
    assert sorted(listed) == sorted(
        str(p.relative_to(llcm)) for m in ("vis", "nir") for p in (llcm / m).glob("*/*")
    )
    assert len(labels["train", "vis"]) == 8 and len(labels["test", "nir"]) == 4  # 713 and 351 of 1,064
    assert (
        labels["train", "vis"] == labels["train", "nir"]
        and not labels["train", "vis"] & labels["test", "vis"]
    )
    assert all(mask_of(llcm, llcm / path).is_file() for path in listed)


def test_bytes_depend_on_the_parameters_and_not_on_the_workers(tmp_path):
    one = write("regdb", tmp_path / "one", identities=10, images=2)
    two = write("regdb", tmp_path / "two", identities=10, images=2, workers=2)
    assert digest(one) == digest(two)
    assert "workers" not in json.loads((one / "synthetic.json").read_text())["parameters"]
    assert write("regdb", one, identities=10, images=2, workers=3) == one  # whole already
    seeded, apart = (
        digest(write("regdb", tmp_path / str(key), identities=10, images=2, **{key: value}))
        for key, value in (("seed", 1), ("gap", 0.9))
    )
    same = digest(one)
    assert all(seeded[name] != same[name] for name in same if name.startswith("Visible") and name in seeded)
    assert all(apart[name] != same[name] for name in same if name.startswith("Thermal"))
    assert all(apart[name] == same[name] for name in same if name.startswith(("Visible", "masks")))


def test_more_identities_leave_the_first_ones_as_they_are(llcm, tmp_path):
    fewer, more = digest(write("llcm", tmp_path / "fewer", identities=10, images=1)), digest(llcm)
    assert all(more[name] == fewer[name] for name in fewer if name.startswith(("vis", "nir", "masks")))


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("sysu-mm01", {"identities": 9}, "identities=9: give 10 to 491"),
        ("sysu-mm01", {"identities": 492}, "identities=492: give 10 to 491"),
        ("regdb", {"identities": 413}, "give 10 to 412"),
        ("llcm", {"identities": 1065}, "give 10 to 1064"),
        ("llcm", {"images": 0}, "images=0"),
        ("regdb", {"gap": 1.5}, r"gap=1\.5"),
        ("regdb", {"gap": float("nan")}, "gap=nan"),
        ("sysu-mm01", {"seed": -1}, "seed=-1"),
        ("sysu-mm01", {"workers": 0}, "workers=0"),
        ("sysu-mm01", {"specimens": 2}, "no parameter specimens"),
    ],
)
def test_parameters_out_of_range_are_refused_before_anything_is_written(tmp_path, name, parameters, message):
    with pytest.raises(ValueError, match=message):
        write(name, tmp_path / "synthetic", **parameters)
    assert not list(tmp_path.iterdir())


def test_visible_to_visible_is_easy_by_colour(sample):
    histograms = sample.colour_histograms()
    for query, gallery in ((4, 5), (5, 4), (1, 2), (2, 1), (1, 4), (5, 1)):
        assert sample.rank1(histograms, (query,), (gallery,)) > 0.3, (query, gallery)


def test_visible_to_infrared_is_near_chance_without_learning(sample):
    for features in (sample.colour_histograms(), sample.grey_histograms(), sample.raw()):
        assert sample.rank1(features, INFRARED, VISIBLE) < 0.17  # chance is 1 in 60


def test_without_a_gap_grey_values_already_match(sample, tmp_path):
    root = write("sysu-mm01", tmp_path / "near", identities=12, images=2, gap=0)
    for folder in root.glob("cam*/*"):
        assert sorted(path.name for path in folder.iterdir()) == ["0001.jpg", "0002.jpg"]
    near = Sample(root)
    easy = near.rank1(near.grey_histograms(), INFRARED, VISIBLE)
    assert easy > 0.6 and easy > 4 * sample.rank1(sample.grey_histograms(), INFRARED, VISIBLE)


def test_infrared_reflectance_departs_from_luminance_as_the_gap_grows():
    correlations = []
    for gap in (0, 0.25, 0.5, 0.75, 1):
        cloths = [
            draw_person(0, number, gap).materials[part] for number in range(120) for part in ("top", "bottom")
        ]
        luminance = [cloth.colour[0] @ LUMINANCE for cloth in cloths]
        correlations.append(
            [
                np.corrcoef(luminance, [m[0] for m in tone])[0, 1]
                for tone in ([cloth.near for cloth in cloths], [cloth.heat for cloth in cloths])
            ]
        )
    near, heat = np.array(correlations).T
    for course in (near, heat):
        assert course[0] > 0.999 and (np.diff(course) < 0).all() and abs(course[-1]) < 0.2

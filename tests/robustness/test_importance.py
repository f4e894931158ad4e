"""Importance of the cells of a pair: against captum, and on networks whose answer is known."""

import numpy as np
import pytest
import torch
from torch import nn

from xmodal_lite.models import build
from xmodal_lite.robustness import pair_importance, pointing_score
from xmodal_lite.robustness.importance import cells


class LooksAt(nn.Module):
    """Embeds one corner of an image and nothing else."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def embed(self, x, modality):
        return self.scale * (x[:, :, :4, :4].float().flatten(1) - 127)


def images(count=3, size=(16, 8), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 3, *size), dtype=np.uint8)


def test_only_the_cell_that_the_network_looks_at_is_important():
    v = images()
    found = pair_importance(LooksAt(), v, v, (4, 2))
    assert found.shape == (3, 4, 2)
    assert (found[:, 0, 0] > 0.1).all()
    np.testing.assert_allclose(found.reshape(3, -1)[:, 1:], 0, atol=1e-6)


@pytest.mark.parametrize("hidden", [0, 1])
@pytest.mark.parametrize("dims", [1, 2])
def test_it_is_what_captum_finds(dims, hidden):
    occlusion = pytest.importorskip("captum.attr").Occlusion
    torch.manual_seed(0)
    options = {"backbone": "resnet10"} if dims == 2 else {}
    matcher = build("two-stream", dims=dims, num_classes=4, **options).eval()
    if dims == 2:
        v, r, grid, window = images(2, (64, 32), 1), images(2, (64, 32), 2), (4, 2), (3, 16, 16)
    else:
        rng = np.random.default_rng(0)
        v, r = (rng.random((2, 1, 1024), dtype=np.float32) for _ in range(2))
        grid, window = (8,), (1, 128)
    pair = [torch.from_numpy(v), torch.from_numpy(r)]
    fixed = matcher.embed(pair[1 - hidden], 1 - hidden)

    def similarity(x):
        return nn.functional.cosine_similarity(matcher.embed(x, hidden), fixed)

    x = pair[hidden]
    baseline = x.float().mean((2, 3), keepdim=True).round().to(x.dtype).expand_as(x) if dims == 2 else 0.0
    with torch.inference_mode():
        wanted = occlusion(similarity).attribute(x, window, strides=window, baselines=baseline)
    # captum gives every point of a window the drop of the window
    wanted = wanted[:, 0, ::16, ::16] if dims == 2 else wanted[:, 0, ::128]
    found = pair_importance(matcher, v, r, grid, hidden=hidden, batch=5)
    np.testing.assert_allclose(found, wanted.numpy(), atol=2e-6)
    assert np.abs(found).max() > 1e-4


def test_cells_cover_every_point_once():
    found = cells((10, 7), (3, 2))
    assert found.shape == (6, 10, 7)
    np.testing.assert_array_equal(found.sum(0), 1)
    assert found[0, 0, 0] and found[5, 9, 6]


def test_a_uniform_map_scores_the_share_of_the_object_and_a_map_on_it_scores_one():
    masks = np.zeros((2, 8, 8), dtype=bool)
    masks[:, :4, :2] = True  # an eighth of the image; half of the first of four cells
    on_it = np.zeros((2, 2, 4))
    on_it[:, 0, 0] = 3.0
    np.testing.assert_allclose(pointing_score(np.ones((2, 2, 4)), masks), 1 / 8)
    np.testing.assert_allclose(pointing_score(on_it, masks), 1)
    assert np.isnan(pointing_score(-on_it, masks)).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pair_importance(LooksAt(), images(3), images(2), (4, 2)), "as many of each"),
        (lambda: pair_importance(LooksAt(), images(), images(), (17, 2)), "does not fit"),
        (lambda: pair_importance(LooksAt(), images(), images(), (4,)), "does not fit"),
        (lambda: pointing_score(np.ones((2, 2, 2)), np.ones((3, 8, 8), dtype=bool)), "one mask a map"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()

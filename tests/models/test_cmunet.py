"""CmUNet in one and two dimensions, and its discriminator."""

import pytest
import torch

from xmodal_lite.models import CrossModalityUNet, LineageUNet
from xmodal_lite.models.discriminator import PatchDiscriminator


def awake(unet):
    """Give the correction, which starts at 0, some weight."""
    torch.manual_seed(0)
    torch.nn.init.normal_(unet.residual_head.weight)
    return unet


@pytest.mark.parametrize("length", [512, 500, 33])
@pytest.mark.parametrize("targets", [1, 2])
def test_keeps_the_shape_of_a_spectrum(length, targets):
    unet = awake(CrossModalityUNet(1, width=4, targets=targets))
    assert unet(torch.rand(2, 1, length), 0).shape == (2, targets, length)


def test_keeps_the_shape_of_an_image_and_stays_small():
    unet = awake(CrossModalityUNet(2, channels=3, context=4))
    assert unet(torch.rand(2, 3, 72, 40), 1).shape == (2, 3, 72, 40)
    assert sum(p.numel() for p in unet.parameters()) < 1_500_000


def test_the_default_is_small():
    assert sum(p.numel() for p in CrossModalityUNet().parameters()) < 1_500_000


def test_the_modality_makes_a_difference():
    unet, x = awake(CrossModalityUNet(1, width=4)), torch.rand(2, 1, 512)
    torch.nn.init.normal_(unet.bottleneck_embedding)
    assert not torch.allclose(unet(x, 0), unet(x, 1))


def test_the_offset_at_the_top_reaches_the_inside():
    unet, x = awake(CrossModalityUNet(1, width=4)), torch.rand(2, 1, 512)
    torch.nn.init.normal_(unet.modality_embedding)
    assert (unet(x, 0) - unet(x, 1))[..., 128:384].abs().mean() > 0.05  # not at the padded ends alone


def test_every_place_reaches_every_place():
    unet = awake(CrossModalityUNet(1, width=4))
    x = torch.rand(1, 1, 512, requires_grad=True)
    (unet(x, 0)[0, 0, 2] - x[0, 0, 2]).backward()
    assert (x.grad[0, 0].reshape(32, 16) != 0).any(1).all()


def test_one_axis_must_be_longer_than_the_halvings():
    for unet, small, enough in (
        (CrossModalityUNet(1, width=4), (16,), (17,)),
        (CrossModalityUNet(2, width=4, depth=2), (4, 3), (5, 3)),
    ):
        assert unet(torch.rand(1, 1, *enough), 0).shape == (1, 1, *enough)
        with pytest.raises(ValueError, match="more than 1 value"):  # torch's
            unet(torch.rand(1, 1, *small), 0)


def test_dims_are_checked():
    with pytest.raises(ValueError, match=r"1 dimension .spectra. or 2 .images., not 3"):
        CrossModalityUNet(3)


@pytest.mark.parametrize(("dims", "size"), [(1, (512,)), (2, (64, 64))])
def test_discriminator_sees_each_patch_on_its_own(dims, size):
    discriminator = PatchDiscriminator(dims)
    x = torch.rand(2, 1, *size)
    assert discriminator(x).shape == (2, 1, *[n // 16 for n in size])
    changed = x.clone()
    changed[..., -1] += 1.0
    same = discriminator(x).flatten(1)[:, 0] == discriminator(changed).flatten(1)[:, 0]
    assert same.all()
    least = (1, 1, *[16] * dims)
    assert discriminator(torch.rand(least)).numel() == 1


@pytest.mark.parametrize(("dims", "size"), [(1, (512,)), (1, (35,)), (2, (48, 64)), (2, (33, 42))])
def test_downscaled_it_translates_at_the_size_of_the_sample(dims, size):
    unet, x = awake(CrossModalityUNet(dims, width=4, downscale=2)), torch.rand(2, 1, *size)
    assert unet(x, 0).shape == x.shape
    assert not torch.allclose(unet(x, 0), x)


def test_downscaled_it_sees_means_alone():
    unet, x = awake(CrossModalityUNet(2, width=4, downscale=2)), torch.rand(2, 1, 64, 64)
    exchanged = x.unflatten(3, (32, 2)).flip(4).flatten(3)  # the two pixels of each window
    torch.testing.assert_close(unet(exchanged, 1) - exchanged, unet(x, 1) - x)


@pytest.mark.parametrize("length", [1024, 500])
def test_the_lineage_has_the_size_of_its_source_and_keeps_the_shape(length):
    unet = LineageUNet(targets=2)
    assert sum(p.numel() for p in unet.parameters()) == pytest.approx(11.4e6, rel=0.02)  # TeaNet's figure
    assert unet(torch.rand(2, 1, length), 0).shape == (2, 2, length)


def test_the_lineage_is_for_spectra():
    with pytest.raises(ValueError, match="dims=1"):
        LineageUNet(2)

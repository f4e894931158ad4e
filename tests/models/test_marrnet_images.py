"""MarrNet on images: the two-stream network behind a cmUNet, trained by what pixels and what identities show."""

import pytest
import torch

from xmodal_lite.models import Batch, build

SIZE = (48, 32)
EVERY = {"id", "tri", "rec", "tra", "adv", "per"}
VARIANTS = [
    {},
    {"transform": "perceptual"},
    {"target": "both"},
    {"target": "both", "transform": "perceptual"},
    {
        "transform": "perceptual",
        "unet_downscale": 2,
        "label_smoothing": 0.1,
        "width": 8,
        "pooling": "grid",
        "grid": 3,
    },
]


def make(num_classes=3, **options):
    torch.manual_seed(0)
    return build("marrnet", dims=2, num_classes=num_classes, backbone="resnet10", unet_width=4, **options)


def pairs(n=6):
    generator = torch.Generator().manual_seed(1)
    v, r = (torch.randint(256, (n, 3, *SIZE), dtype=torch.uint8, generator=generator) for _ in range(2))
    labels = torch.arange(3).repeat_interleave(n // 3)
    return Batch(v, r, labels, torch.arange(n) % 2 == 0)


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_has_every_loss_and_trains_every_parameter(options):
    model, batch = make(**options), pairs()
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    for _ in range(2):  # the correction starts at 0, so what lies before it learns from the second step on
        optimizer.zero_grad()
        losses = model(batch)
        assert set(losses) == EVERY
        sum(losses.values()).backward()
        optimizer.step()
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert not [n for n, p in trained.items() if p.grad is None or not p.grad.isfinite().all()]
    assert not [n for n, p in trained.items() if p.ndim > 1 and not p.grad.any()]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_embeddings_have_unit_length_in_either_modality(options):
    model, x = make(**options).eval(), pairs().v
    for modality in (0, 1):
        norms = model.embed(x, modality).norm(dim=1)
        torch.testing.assert_close(norms, torch.ones(len(x)))


def test_without_cmunet_and_with_the_weighted_triplet_it_is_the_two_stream_network():
    alone, batch = make(unet=False, triplet="weighted"), pairs()
    torch.manual_seed(0)
    two_stream = build("two-stream", dims=2, num_classes=3, backbone="resnet10")
    assert all(
        torch.equal(a, b)
        for a, b in zip(alone.state_dict().values(), two_stream.state_dict().values(), strict=True)
    )
    theirs = two_stream(batch)
    assert {name: loss.item() for name, loss in alone(batch).items()} == {
        n: x.item() for n, x in theirs.items()
    }


def test_an_untrained_cmunet_leaves_images_as_they_are():
    x = pairs().v
    assert torch.equal(make().translate(x, 1), x.float() / 255)
    both = make(target="both").translate(x, 0)
    assert torch.equal(both, torch.cat([x, x], dim=1).float() / 255)


def test_two_equal_images_are_embedded_as_one_by_a_widened_first_convolution():
    """So that ImageNet's weights serve both ways of drawing."""
    wide, plain = make(target="both").eval(), make(unet=False).eval()
    shapes = {name: x.shape for name, x in wide.extractor.state_dict().items()}
    fitting = {n: x for n, x in plain.extractor.state_dict().items() if x.shape == shapes[n]}
    wide.extractor.load_state_dict(fitting, strict=False)
    for mine, theirs in zip(wide.extractor.backbone.stems, plain.extractor.backbone.stems, strict=True):
        mine[0].weight.data.copy_(theirs[0].weight.data.repeat(1, 2, 1, 1) / 2)
    x = pairs().r
    torch.testing.assert_close(wide.embed(x, 1), plain.embed(x, 1), rtol=1e-4, atol=1e-5)


def test_black_sets_a_target_in_a_picture():
    model, batch = make(losses=["id", "rec", "tra"]), pairs()
    batch.v = torch.zeros_like(batch.v)
    torch.nn.init.constant_(model.unet.residual_head.bias, 0.5)
    losses = model(batch)
    assert losses["rec"].item() == pytest.approx(0.5)
    brightness = (batch.r.float() / 255 + 0.5)[batch.aligned].mean().item()
    assert losses["tra"].item() == pytest.approx(brightness, rel=1e-5)


def test_perceptual_losses_train_cmunet_alone():
    model = make(losses=["id", "per", "tra"], transform="perceptual").eval()
    losses = model(pairs())
    (losses["per"] + losses["tra"]).backward()
    assert all(p.grad is None for p in model.extractor.parameters())
    assert model.unet.residual_head.weight.grad.any()


def test_the_perceptual_transformation_compares_identities_not_pairs():
    model, batch = make(losses=["id", "tra"], transform="perceptual").eval(), pairs()
    torch.nn.init.normal_(model.unet.residual_head.weight)
    order = torch.tensor([1, 0, 3, 2, 5, 4])  # other pairs of the same identities
    other = Batch(batch.v[order], batch.r, batch.labels, batch.aligned)
    assert model(batch)["tra"].item() == pytest.approx(model(other)["tra"].item(), rel=1e-5)
    other.v = batch.v[[2, 3, 4, 5, 0, 1]]
    assert model(batch)["tra"].item() != pytest.approx(model(other)["tra"].item(), rel=1e-5)


@pytest.mark.parametrize("size", [(12, 12), (8, 32), (32, 15), (16, 16)])
def test_images_that_cmunet_or_the_discriminator_cannot_see_are_refused(size):
    x = torch.zeros(4, 3, *size)
    batch = Batch(x, x, torch.arange(4) // 2, torch.ones(4, dtype=torch.bool))
    words = rf"16 points or more along every axis, and more along one, got {size[0]} x {size[1]}; load larger"
    for call in (lambda model: model(batch), lambda model: model.embed(x, 0)):
        with pytest.raises(ValueError, match=words):
            call(make())
        call(make(unet=False))


def test_the_smallest_images_are_taken():
    x = torch.rand(4, 3, 17, 16)
    losses = make()(Batch(x, x, torch.arange(4) // 2, torch.ones(4, dtype=torch.bool)))
    assert all(loss.isfinite() for loss in losses.values())
    assert make().eval().embed(x[:1], 1).isfinite().all()


def test_is_small_at_the_size_of_the_recipe():
    model = build("marrnet", dims=2, num_classes=3, backbone="resnet10", unet_width=8, unet_widest=64)
    assert sum(p.numel() for p in model.unet.parameters()) < 1_500_000


def test_learns_to_match_random_pairs():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    v, r = (torch.randint(256, (4, 3, *SIZE), dtype=torch.uint8, generator=generator) for _ in range(2))
    batch, model = Batch(v, r, torch.arange(4), torch.ones(4, dtype=torch.bool)), make(num_classes=4)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    for _ in range(25):
        optimizer.zero_grad()
        sum(model(batch).values()).backward()
        optimizer.step()
    similarity = model.embed(v, 0) @ model.embed(r, 1).T
    assert torch.equal(similarity.argmax(1), torch.arange(4))

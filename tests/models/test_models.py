"""Every trained model: shapes, unit length, gradients everywhere, exact repetition, bad options refused."""

from dataclasses import replace

import pytest
import torch

from xmodal_lite.losses import gaussian_consistency, info_nce, mmd
from xmodal_lite.models import Batch, TwoStream, build, model_names

SMALL = {"width": 4, "features": 16, "segments": 16}
VARIANTS = [
    ("contrastive", {}),
    ("two-stream", {}),
    ("two-stream", {"shared": True}),
    ("marrnet", {}),
    ("marrnet", {"unet": False}),
    ("marrnet", {"target": "both"}),
    ("marrnet", {"triplet": "weighted", "losses": ["tri", "rec"]}),
    ("marrnet", {"transform": "perceptual"}),
    ("marrnet", {"transform": "perceptual", "target": "both"}),
    ("marrnet", {"unet": False, "losses": ["id", "tri", "mmd", "w2"], "blocks": 3}),
    ("combined", {}),
    ("combined", {"unet": False, "auxiliary": "none"}),
]
EXTRACTOR, CMUNET = {"id", "tri"}, {"rec", "tra", "adv", "per"}


def make(name, options, seed=0):
    torch.manual_seed(seed)
    return build(name, dims=1, num_classes=4, **SMALL, **options)


def pairs(n=8, length=512):
    torch.manual_seed(1)
    labels = torch.arange(n) % 4
    return Batch(torch.rand(n, 1, length), torch.rand(n, 1, length), labels, torch.arange(n) % 2 == 0)


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_embeddings_have_unit_length(name, options):
    model = make(name, options).eval()
    for modality in (0, 1):
        f = model.embed(torch.rand(3, 1, 512), modality)
        assert f.shape == (3, 16)
        torch.testing.assert_close(f.norm(dim=1), torch.ones(3))


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_samples_of_a_test_batch_do_not_see_each_other(name, options):
    model, x = make(name, options).eval(), torch.rand(5, 1, 512)
    with torch.inference_mode():
        torch.testing.assert_close(model.embed(x, 1)[2:3], model.embed(x[2:3], 1))


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_every_parameter_is_trained(name, options):
    model, batch = make(name, options), pairs()
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    for _ in range(
        2
    ):  # cmUNet's correction starts at 0, so what lies before it learns from the second step on
        optimizer.zero_grad()
        sum(model(batch).values()).backward()
        optimizer.step()
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert not [n for n, p in trained.items() if p.grad is None or not p.grad.isfinite().all()]
    assert not [n for n, p in trained.items() if p.ndim > 1 and not p.grad.any()]


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_repeats_bit_for_bit(name, options):
    def trained():
        model, batch = make(name, options), pairs()
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
        for _ in range(3):
            optimizer.zero_grad()
            sum(model(batch).values()).backward()
            optimizer.step()
        return model.state_dict()

    first, second = trained(), trained()
    assert all(torch.equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize("name", model_names())
def test_learns_to_match_random_pairs(name):
    model, batch = make(name, {"dropout": 0.0}), pairs(4)
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    for _ in range(25):
        optimizer.zero_grad()
        sum(model(batch).values()).backward()
        optimizer.step()
    similarity = model.embed(batch.v, 0) @ model.embed(batch.r, 1).T
    assert torch.equal(similarity.argmax(1), torch.arange(4))


@pytest.mark.parametrize(("name", "options"), [*VARIANTS, ("mun", {}), ("enhancing", {})])
def test_what_is_no_modality_is_refused(name, options):
    model, x = make(name, options).eval(), torch.rand(3, 1, 512)
    for modality in (-1, 2, True):
        with pytest.raises(ValueError, match=rf"the modality is 0 \(v\) or 1 \(r\), got {modality}"):
            model.embed(x, modality)


def test_names_of_the_losses():
    batch = pairs()
    assert set(make("contrastive", {})(batch)) == {"nce"}
    assert set(make("two-stream", {})(batch)) == EXTRACTOR
    assert set(make("marrnet", {})(batch)) == EXTRACTOR | CMUNET
    assert set(make("marrnet", {"unet": False})(batch)) == EXTRACTOR
    assert set(make("marrnet", {"losses": ["tri", "tra"]})(batch)) == {"tri", "tra"}


@pytest.mark.parametrize("name", model_names())
def test_a_model_tells_the_names_of_all_its_losses(name):
    names = make(name, {}).loss_names
    options = {} if name == "contrastive" else {"losses": list(names)}
    assert sorted(names) == sorted(make(name, options)(pairs()))


def test_the_contrastive_loss_and_its_embeddings_are_in_full_precision():
    model, batch = make("contrastive", {"dropout": 0.0}), pairs()
    with torch.autocast("cpu", torch.bfloat16):
        g_v, g_r = (model.extractor(x, m).float() for m, x in enumerate((batch.v, batch.r)))
        losses, embedded = model(batch), model.eval().embed(batch.v, 0)
    assert torch.equal(losses["nce"], info_nce(g_v, g_r, batch.labels, model.temperature))
    assert losses["nce"].dtype == embedded.dtype == torch.float32
    torch.testing.assert_close(embedded.norm(dim=1), torch.ones(8))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"v": torch.zeros(0, 1, 512)}, "has no v"),
        ({"r": torch.zeros(9, 1, 512)}, "8 of v, 9 of r"),
        ({"labels": torch.zeros(8, dtype=torch.long)}, "one identity alone"),
    ],
)
def test_the_contrastive_pair_refuses_what_the_others_refuse(changes, words):
    with pytest.raises(ValueError, match=words):
        make("contrastive", {})(replace(pairs(), **changes))


def test_sharing_leaves_one_set_of_blocks():
    shared, own = make("two-stream", {"shared": True}), make("two-stream", {})
    blocks = sum(p.numel() for p in own.extractor.branches[0].stages.parameters())
    assert sum(p.numel() for p in own.parameters()) - sum(p.numel() for p in shared.parameters()) == blocks


def test_untrained_cmunet_changes_nothing():
    x = torch.rand(2, 1, 512)
    assert torch.equal(make("marrnet", {}).translate(x, 1), x)
    both = make("marrnet", {"target": "both"}).translate(x, 0)
    assert torch.equal(both, torch.cat([x, x], dim=1))


def test_losses_of_an_untrained_cmunet_by_hand():
    batch = pairs()
    losses = make("marrnet", {})(batch)
    apart = (batch.r - batch.v).abs()[batch.aligned].mean()
    assert losses["rec"].item() == 0
    assert losses["tra"].item() == pytest.approx(apart.item(), rel=1e-5)


def test_perceptual_loss_trains_cmunet_only():
    model = make("marrnet", {"losses": ["tri", "per"]})
    before = {k: v.clone() for k, v in model.extractor.state_dict().items()}
    model.eval()  # no batch statistics from the other terms
    model(pairs())["per"].backward()
    assert all(p.grad is None for p in model.extractor.parameters())
    assert model.unet.residual_head.weight.grad.any()
    assert all(p.requires_grad for p in model.extractor.parameters())
    assert all(torch.equal(before[k], v) for k, v in model.extractor.state_dict().items())


def test_adversarial_loss_pulls_both_sides_apart():
    """A step down its gradient helps the discriminator; the same step of cmUNet hurts it."""
    torch.manual_seed(0)
    batch = pairs()
    for part, sign in (("discriminator", -1), ("unet", 1)):
        model = make("marrnet", {"losses": ["tri", "adv"]})
        before = model(batch)["adv"]
        before.backward()
        with torch.no_grad():
            for p in getattr(model, part).parameters():
                p -= 1e-2 * (p.grad if p.grad is not None else 0)
        after = model(batch)["adv"]
        assert sign * (after.item() - before.item()) > 0


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("resnet", {}, "contrastive, two-stream, marrnet"),
        ("marrnet", {"unets": 1}, "no option unets; known: unet,"),
        ("marrnet", {"losses": ["id", "gan"]}, r"unknown losses \['gan'\]; known: id, tri"),
        ("marrnet", {"losses": ["rec"]}, "nothing would tell identities apart: switch on id or tri"),
        ("marrnet", {"target": "r"}, "known: v, both"),
        ("marrnet", {"transform": "pixels"}, "known: pixel, perceptual"),
        ("marrnet", {"triplet": "hard"}, "known: info-nce, weighted"),
        ("contrastive", {"shares": True}, "known: temperature, "),
        (
            "two-stream",
            {"latent": 3},
            "no option latent; known: losses, label_smoothing, features, shared, width, blocks, segments, dropout$",
        ),
        ("mun", {"shared": True}, "no option shared; known: .*latent, length"),
        ("two-stream", {"width": "a"}, "width='a'; it needs a whole number of 1 or more, such as 16"),
        ("two-stream", {"width": True}, "width=True; it needs a whole number"),
        ("mun", {"latent": 8.0}, "latent=8.0; it needs a whole number"),
        ("two-stream", {"segments": 0}, "segments=0; it needs a whole number of 1 or more, such as 64"),
        ("marrnet", {"unet_width": 0}, "unet_width=0; it needs a whole number of 1 or more"),
        ("marrnet", {"unet": "False"}, "unet='False'; it needs true or false, such as True"),
        ("marrnet", {"losses": 5}, "losses=5; it needs a list of names"),
        ("mun", {"losses": "id"}, "losses='id'; it needs a list of names"),
        ("marrnet", {"temperature": "a"}, "temperature='a'; it needs a number, such as 0.07"),
        ("marrnet", {"target": None}, "target=None; it needs a name, such as 'v'"),
    ],
)
def test_bad_options_are_refused(name, options, words):
    with pytest.raises(ValueError, match=words):
        build(name, dims=1, num_classes=4, **options)


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize("num_classes", [0, -1])
def test_a_model_of_no_identity_is_refused(name, num_classes):
    with pytest.raises(ValueError, match=f"one identity or more to train on, got num_classes={num_classes}"):
        build(name, dims=1, num_classes=num_classes)


def test_values_of_another_type_that_serve_as_well_are_taken():
    make("marrnet", {"temperature": 1, "dropout": 0, "losses": {"id": None}, "shared": False})


def test_images_are_refused_where_a_model_is_for_spectra():
    with pytest.raises(ValueError, match="dims=1"):
        build("contrastive", dims=2, num_classes=4)


@pytest.mark.parametrize("name", model_names())
def test_every_method_is_the_two_stream_network_and_something(name):
    model = make(name, {})
    assert isinstance(model, TwoStream)
    assert set(model.discriminative) <= set(model.loss_names)
    for part in model.training_only:
        assert part == "classifier" or hasattr(model, part)


def test_without_cmunet_marrnet_is_the_two_stream_network():
    batch, marrnet = pairs(), make("marrnet", {"unet": False, "triplet": "weighted", "dropout": 0.0})
    baseline = make("two-stream", {"dropout": 0.0})
    assert baseline.state_dict().keys() == marrnet.state_dict().keys()
    baseline_losses, losses = baseline(batch), marrnet(batch)
    assert list(baseline_losses) == list(losses)
    assert all(torch.equal(losses[name], loss) for name, loss in baseline_losses.items())


def test_alignment_losses_compare_the_embeddings_of_both_modalities():
    model, batch = make("two-stream", {"losses": ["id", "mmd", "w2"], "dropout": 0.0}).train(), pairs()
    losses = model(batch)
    g = torch.nn.functional.normalize(model.extractor.forward_pair(batch.v, batch.r)[1], dim=1).chunk(2)
    torch.testing.assert_close(losses["mmd"], mmd(*g))
    torch.testing.assert_close(losses["w2"], gaussian_consistency(*g, "w2"))


def test_combined_is_mun_where_its_further_parts_are_off():
    batch, plain = pairs(), {"dropout": 0.0}
    mun = make("mun", plain)
    combined = make("combined", plain | {"unet": False, "losses": ["id", "ia", "ma", "tri"]})
    assert mun.state_dict().keys() == combined.state_dict().keys()
    expected, losses = mun(batch), combined(batch)
    assert list(expected) == list(losses)
    assert all(torch.equal(losses[name], loss) for name, loss in expected.items())


def test_combined_trains_on_what_cmunet_made():
    model, batch = make("combined", {"dropout": 0.0}), pairs()
    losses = model(batch)
    assert set(losses) == {"id", "ia", "ma", "tri", "w2", "rec", "tra"}
    assert losses["rec"] == 0  # the residual starts at 0
    difference = (batch.r - batch.v).abs().mean(dim=(1, 2))
    torch.testing.assert_close(losses["tra"], difference[batch.aligned].mean())
    assert model.needs_aligned_pairs and not make("combined", {"losses": ["id"]}).needs_aligned_pairs


def test_embedding_uses_nothing_that_only_training_needs():
    for name in model_names():
        model, x = make(name, {}).eval(), torch.rand(3, 1, 512)
        before = [model.embed(x, m) for m in (0, 1)]
        for part in model.training_only:
            if hasattr(model, part):
                delattr(model, part)
        assert all(torch.equal(model.embed(x, m), before[m]) for m in (0, 1))


@pytest.mark.parametrize(
    ("name", "options", "needed"),
    [
        ("marrnet", {}, True),
        ("marrnet", {"transform": "perceptual"}, False),
        ("marrnet", {"losses": ["id", "rec"]}, False),
        ("marrnet", {"unet": False}, False),
        ("two-stream", {}, False),
        ("mun", {}, False),
    ],
)
def test_which_models_need_aligned_pairs(name, options, needed):
    assert make(name, options).needs_aligned_pairs is needed

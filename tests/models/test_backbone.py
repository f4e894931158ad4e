"""The backbone: shapes, what is shared and what is not, pooling, neck, ImageNet weights, bad batches."""

import copy
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import get_model, get_weight

from xmodal_lite.models import Batch, Neck, SharedExtractor, build, make_backbone
from xmodal_lite.models.matcher import full_precision

SMALL_SPECTRA = {"width": 4, "features": 16, "segments": 16, "latent": 8, "length": 4}
FILE = "resnet18-f37072fd.pth"  # as torchvision names the ImageNet weights of ResNet-18


def make(dims=2, **options):
    torch.manual_seed(0)
    return make_backbone(dims, **({"backbone": "resnet10"} if dims == 2 else SMALL_SPECTRA) | options)


def images(n=4, size=(32, 16), seed=1):
    return torch.randint(256, (n, 3, *size), generator=torch.manual_seed(seed), dtype=torch.uint8)


def pairs(identities=4, samples=2, size=(64, 32)):
    labels = torch.arange(identities).repeat_interleave(samples)
    n = len(labels)
    return Batch(images(n, size, 1), images(n, size, 2), labels, torch.zeros(n, dtype=torch.bool))


# ---- shapes and sizes


@pytest.mark.parametrize(("name", "features"), [("resnet10", 512), ("resnet18", 512), ("resnet50", 2048)])
def test_shapes_of_an_image_on_its_way(name, features):
    backbone = make(backbone=name).eval()
    with torch.no_grad():
        z = backbone.stem(images(2, (64, 32)), 0)
        before = backbone.trunk(z)
        after = backbone.last(before)
        f = backbone.pool(after)
    assert backbone.features == features
    assert z.shape == (2, backbone.stem_channels, 16, 8)
    assert before.shape == (2, features // 2, 4, 2)
    assert after.shape == (2, features, 4, 2)  # the last stage keeps the resolution
    assert f.shape == (2, features) and f.dtype == torch.float32
    torch.testing.assert_close(f, backbone(z))


def test_shapes_of_a_spectrum_on_its_way():
    backbone = make(1).eval()
    z = backbone.stem(torch.rand(2, 1, 512), 1)
    assert z.shape == (2, backbone.stem_channels, 4) == (2, 8, 4)
    assert backbone.last(backbone.trunk(z)).shape == (2, 16, 4)
    assert backbone(z).shape == (2, backbone.features) == (2, 16)


def test_sizes_that_do_not_divide_are_taken():
    backbone = make().eval()
    f = backbone(backbone.stem(images(1, (75, 37)), 0))
    assert f.shape == (1, 512) and f.isfinite().all()


def shared_weights(blocks):
    """Count the weights of ResNet-18 or ResNet-10 from its plan: 3 x 3 convolutions, norms, 1 x 1 ways around."""
    stages, count = ((64, 64), (64, 128), (128, 256), (256, 512)), 0
    for inputs, outputs in stages:
        for block in range(blocks):
            first = inputs if block == 0 else outputs
            count += 9 * first * outputs + 9 * outputs * outputs + 4 * outputs
            count += first * outputs + 2 * outputs if first != outputs else 0
    return count


@pytest.mark.parametrize(("name", "blocks"), [("resnet10", 1), ("resnet18", 2)])
def test_parameters_are_two_stems_and_one_of_all_else(name, blocks):
    stem = 7 * 7 * 3 * 64 + 2 * 64
    assert sum(p.numel() for p in make(backbone=name).parameters()) == 2 * stem + shared_weights(blocks)


def test_resnet50_has_the_parameters_of_torchvision_and_a_second_stem():
    plain = get_model("resnet50")
    without_head = sum(p.numel() for n, p in plain.named_parameters() if not n.startswith("fc"))
    second = plain.conv1.weight.numel() + 2 * 64
    assert sum(p.numel() for p in make(backbone="resnet50").parameters()) == without_head + second


def test_weights_are_channels_last():
    four = [p for p in make().parameters() if p.ndim == 4 and p.shape[1] > 1 and p.shape[2] > 1]
    assert len(four) > 8
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in four)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown backbone 'resnet34'; known: resnet10, resnet18, resnet50"):
        make(backbone="resnet34")
    with pytest.raises(ValueError, match=r"1 dimension \(spectra\) or 2 \(images\), not 3"):
        make_backbone(3)
    with pytest.raises(ValueError, match="no ImageNet weights for resnet10"):
        make(pretrained=True)


# ---- what goes in, what comes out


def test_bytes_and_shares_are_one_image():
    backbone, x = make().eval(), images()
    assert torch.equal(backbone.stem(x, 0), backbone.stem(x.float() / 255, 0))


def test_images_are_scaled_by_the_colours_of_imagenet():
    """An image of exactly the mean colour is nothing to the first convolution."""
    backbone = make().eval()
    seen = []
    backbone.stems[1][0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    backbone.stem(mean, 1)
    one_up = mean + torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    backbone.stem(one_up, 1)
    torch.testing.assert_close(seen[0], torch.zeros(1, 3, 8, 8))
    torch.testing.assert_close(seen[1], torch.ones(1, 3, 8, 8))


def test_pooling_is_the_cube_root_of_the_mean_cube():
    z = torch.rand(3, 7, 4, 2) * 10
    by_numpy = np.cbrt((z.double().numpy() ** 3).mean((2, 3)))
    np.testing.assert_allclose(make().pool(z).numpy(), by_numpy, rtol=1e-5)
    flat = torch.full((1, 2, 3, 5), 4.0)
    torch.testing.assert_close(make().pool(flat), torch.full((1, 2), 4.0))
    assert (z.mean((2, 3)) < make().pool(z)).all() and (make().pool(z) < z.amax((2, 3))).all()


def test_a_narrow_network_is_the_same_network_with_fewer_channels():
    narrow, wide = make(width=16), make()
    strides = [[m.stride for m in net.modules() if isinstance(m, torch.nn.Conv2d)] for net in (narrow, wide)]
    assert strides[0] == strides[1]
    z = narrow.stem(images(), 0)
    assert z.shape == (4, narrow.stem_channels, 8, 4) == (4, 16, 8, 4)
    assert narrow(z).shape == (4, narrow.features) == (4, 128)


def test_only_resnet10_has_a_choice_of_width():
    with pytest.raises(ValueError, match=r"leave model\.width out, or use resnet10"):
        make(backbone="resnet18", width=32)


def test_pooling_over_a_grid_sees_positions():
    backbone, z = make(width=8, pooling="grid", embedding=24), torch.rand(2, 64, 4, 4)
    assert backbone.pool(z).shape == (2, backbone.features) == (2, 24)
    assert not torch.allclose(backbone.pool(z), backbone.pool(z.flip(3)))
    assert torch.allclose(make(width=8).pool(z), make(width=8).pool(z.flip(3)))


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="unknown pooling 'max'; known: gem, grid"):
        make(pooling="max")


def test_a_channel_that_is_silent_everywhere_leaves_the_gradient_finite():
    z = torch.zeros(2, 3, 4, 2, requires_grad=True)
    f = make().pool(z)
    f.sum().backward()
    assert (f < 1e-5).all()
    assert torch.equal(z.grad, torch.zeros_like(z))


def test_pooling_of_sixteen_bits_counts_in_float32():
    z = (
        torch.rand(2, 3, 4, 2) * 50
    ).bfloat16()  # its cubes would overflow float16 and lose digits in bfloat16
    np.testing.assert_allclose(make().pool(z).numpy(), make().pool(z.float()).numpy(), rtol=1e-6)


# ---- own and shared


@pytest.mark.parametrize("dims", [1, 2])
def test_stems_are_a_modality_s_own_and_the_rest_is_shared(dims):
    backbone = make(dims).train()
    x = images() if dims == 2 else torch.rand(4, 1, 128)
    for modality in (0, 1):
        backbone.zero_grad()
        backbone(backbone.stem(x, modality)).square().sum().backward()
        touched = {n for n, p in backbone.named_parameters() if p.grad is not None and p.grad.any()}
        own = {n for n, _ in backbone.named_parameters() if n.startswith(f"stems.{modality}.")}
        shared = {n for n, _ in backbone.named_parameters() if not n.startswith("stems.")}
        assert own and shared
        assert touched == own | shared


def test_stems_start_alike_and_part():
    """Both start from one set of weights, as with ImageNet's, and share no memory."""
    backbone, x = make().eval(), images()
    assert torch.equal(backbone.stem(x, 0), backbone.stem(x, 1))
    with torch.no_grad():
        backbone.stems[1][0].weight.mul_(2)
    assert not torch.equal(backbone.stem(x, 0), backbone.stem(x, 1))


@pytest.mark.parametrize("dims", [1, 2])
def test_a_copied_last_stage_is_a_branch_of_its_own(dims):
    backbone = make(dims)
    branch = copy.deepcopy(backbone.last)
    assert not {p.data_ptr() for p in branch.parameters()} & {p.data_ptr() for p in backbone.parameters()}
    x = images() if dims == 2 else torch.rand(4, 1, 128)
    before = backbone.trunk(backbone.stem(x, 0))
    torch.testing.assert_close(branch(before), backbone.last(before))


def test_a_pair_is_both_samples_v_first():
    torch.manual_seed(0)
    extractor = SharedExtractor(make()).eval()
    v, r = images(seed=1), images(seed=2)
    f, g = extractor.forward_pair(v, r)
    assert f.shape == g.shape == (8, 512)
    torch.testing.assert_close(g[:4], extractor(v, 0))
    torch.testing.assert_close(g[4:], extractor(r, 1))


# ---- neck


def test_neck_is_a_normalisation_without_offset():
    torch.manual_seed(0)
    neck, f = Neck(5), 3 + 2 * torch.randn(16, 5)
    by_numpy = (f - f.mean(0)) / (f.var(0, unbiased=False) + neck.eps).sqrt()
    torch.testing.assert_close(neck(f), by_numpy)


def test_neck_keeps_its_offset_at_zero_through_training():
    torch.manual_seed(0)
    model = build("two-stream", dims=2, num_classes=4, backbone="resnet10")
    optimizer = torch.optim.SGD(model.parameters(), 0.1, weight_decay=0.1)
    sum(model(pairs()).values()).backward()
    optimizer.step()
    neck = model.extractor.neck
    assert torch.equal(neck.bias, torch.zeros(512))
    assert not torch.equal(neck.weight, torch.ones(512))


# ---- precision and bad batches


def test_losses_in_sixteen_bits_are_close_to_those_in_thirty_two():
    torch.manual_seed(0)
    model, batch = build("two-stream", dims=2, num_classes=4, backbone="resnet10"), pairs()
    plain = model(batch)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model(batch)
    assert all(loss.dtype == torch.float32 for loss in mixed.values())
    for name in plain:
        assert mixed[name].item() == pytest.approx(plain[name].item(), rel=0.03), name
        assert mixed[name].item() != plain[name].item()  # the network itself did run in 16 bits


def test_full_precision_ends_autocast_inside_it():
    a = torch.rand(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert (a @ a).dtype == torch.bfloat16
        with full_precision(a.device):
            assert (a @ a).dtype == torch.float32


@pytest.fixture(scope="module")
def two_stream():
    return build("two-stream", dims=2, num_classes=4, backbone="resnet10")


def broken(**changes):
    batch = pairs(2, 1, (32, 16))
    return Batch(
        **{name: changes.get(name, getattr(batch, name)) for name in ("v", "r", "labels", "aligned")}
    )


NONE = torch.zeros(0, 3, 32, 16, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (broken(v=NONE, r=NONE, labels=torch.zeros(0, dtype=torch.long)), "the batch is empty"),
        (broken(v=NONE), "the batch has no v; a step needs samples of both modalities"),
        (broken(r=NONE), "the batch has no r; a step needs samples of both modalities"),
        (broken(r=images(3)), "belong together, but there are 2 of v, 3 of r, 2 of labels"),
        (broken(labels=torch.zeros(2, dtype=torch.long)), "one identity alone"),
    ],
    ids=["empty", "no v", "no r", "lengths", "one identity"],
)
def test_bad_batches_are_refused_with_what_to_do(two_stream, batch, words):
    with pytest.raises(ValueError, match=words):
        two_stream(batch)


# ---- ImageNet weights


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """Give torch an empty cache folder of its own, and a server that refuses to answer."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(weight18(), "url", f"http://127.0.0.1:1/{FILE}")
    return tmp_path / "hub" / "checkpoints"


def weight18():
    return get_weight("ResNet18_Weights.IMAGENET1K_V1").value


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Random weights of ResNet-18, as a file."""
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("weights") / FILE
    torch.save(get_model("resnet18").state_dict(), path)
    return path


@pytest.fixture
def serve(weights, monkeypatch, cache):
    """Serve the weights from this machine: `serve(share)` sends that share of the bytes; returns the requests seen."""
    servers = []

    def start(share=1.0):
        data, requests = weights.read_bytes(), []
        name = f"resnet18-{hashlib.sha256(data).hexdigest()[:8]}.pth"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: int(share * len(data))])

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        monkeypatch.setattr(weight18(), "url", f"http://127.0.0.1:{server.server_port}/{name}")
        return requests

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def pretrained():
    return build("two-stream", dims=2, num_classes=4, backbone="resnet18", pretrained=True)


def assert_has_weights(model, file):
    state, backbone = torch.load(file, weights_only=True), model.extractor.backbone
    for stem in backbone.stems:
        assert torch.equal(stem[0].weight, state["conv1.weight"])
    assert torch.equal(backbone.trunk[0][0].conv1.weight, state["layer1.0.conv1.weight"])
    assert torch.equal(backbone.last[1].conv2.weight, state["layer4.1.conv2.weight"])
    assert torch.equal(backbone.last[1].bn2.running_var, state["layer4.1.bn2.running_var"])


def test_weights_in_torch_s_cache_are_loaded_without_a_network(cache, weights):
    cache.mkdir(parents=True)
    (cache / FILE).write_bytes(weights.read_bytes())
    assert_has_weights(pretrained(), weights)


def test_weights_are_downloaded_once(serve, cache, weights, capfd):
    requests = serve()
    for _ in range(2):
        assert_has_weights(pretrained(), weights)
    assert len(requests) == 1
    assert [path.read_bytes() == weights.read_bytes() for path in cache.iterdir()] == [True]


def test_without_a_network_the_message_names_file_and_folder(cache):
    with pytest.raises(
        ValueError, match=f"Put a whole {FILE} into {cache} yourself, or set model.pretrained to false"
    ):
        pretrained()
    assert not list(cache.iterdir())


def test_a_torn_download_is_not_left_behind(serve, cache, weights, capfd):
    serve(share=0.4)
    with pytest.raises(ValueError, match=f"cannot be had.*into {cache} yourself"):
        pretrained()
    assert not list(cache.iterdir())
    serve()
    assert_has_weights(pretrained(), weights)


@pytest.mark.parametrize("content", [b"", b"<html>sign in first</html>", None], ids=["empty", "page", "half"])
def test_a_damaged_file_in_the_cache_is_named(cache, weights, content):
    cache.mkdir(parents=True)
    whole = weights.read_bytes()
    (cache / FILE).write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(ValueError, match=f"Put a whole {FILE} into {cache}"):
        pretrained()

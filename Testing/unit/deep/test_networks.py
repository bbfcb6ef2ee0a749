"""Networks by name: shapes, published parameter counts, layers, and weights that cannot run code."""

from __future__ import annotations

import hashlib
import http.server
import pickle
import threading
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from DeepRadiomicsFusionLib.networks.catalogue import (  # noqa: E402
    NETWORKS,
    build_network,
    layer_of,
    network_spec,
    parameter_count,
    recorded_output,
)
from DeepRadiomicsFusionLib.networks.weights import (  # noqa: E402
    IMAGENET,
    WeightSource,
    copy_to_cache,
    fetch_weights,
    freeze_all_but,
    hash_note,
    load_imagenet,
    load_state,
    read_tensors,
)
from RadiomicsCoreLib.errors import DependencyError, InputError, ModelError  # noqa: E402

# Parameters with three input channels and 1000 classes, as published with the ImageNet weights.
PUBLISHED_PARAMETERS = {
    "efficientnet_lite0": 4_652_008,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "densenet121": 7_978_856,
    "vgg19": 143_667_240,
    "inception_v3": 23_834_568,  # without the auxiliary head (27,161,264 with it)
}


@pytest.mark.parametrize("name", PUBLISHED_PARAMETERS)
def test_parameter_count_is_the_published_one(name):
    with torch.device("meta"):
        network = build_network(name, in_channels=3, out_features=1000)
    assert parameter_count(network) == PUBLISHED_PARAMETERS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_shapes_are_those_of_the_table(name):
    spec = network_spec(name)
    network = build_network(name, out_features=2, seed=0).eval()
    image = torch.zeros(1, 1, *[spec.input_size] * spec.spatial_dims)
    with torch.no_grad(), recorded_output(network, spec.feature_layer) as outputs:
        answer = network(image)
    expected = (1, 2, 256, 256) if spec.output_layer is None else (1, 2)
    assert answer.shape == expected
    assert outputs[-1].shape[:2] == (1, spec.features)
    if spec.output_layer is not None:
        assert layer_of(network, spec.output_layer).out_features == 2


def test_unet_bottleneck_is_16_by_16_by_1024():
    network = build_network("unet", seed=0).eval()
    with torch.no_grad(), recorded_output(network, "down_4") as outputs:
        network(torch.zeros(1, 1, 256, 256))
    assert outputs[0].shape == (1, 1024, 16, 16)
    assert any(isinstance(module, torch.nn.ELU) for module in network.modules())
    assert sum(isinstance(module, torch.nn.ConvTranspose2d) for module in network.modules()) == 4


def test_se_network_has_the_papers_stages_and_its_ablation_lacks_the_gates():
    network = build_network("se_resnet3d", seed=0).eval()
    shapes = []
    with torch.no_grad():
        volume = network.stem(torch.zeros(1, 1, 64, 64, 64))
        for stage in network.stages:
            volume = stage(volume)
            shapes.append(tuple(volume.shape[1:]))
    assert shapes == [(64, 16, 16, 16), (128, 8, 8, 8), (256, 4, 4, 4), (512, 2, 2, 2)]
    linear = [(m.in_features, m.out_features) for m in network.head if isinstance(m, torch.nn.Linear)]
    assert linear == [(512, 512), (512, 256), (256, 128), (128, 1)]
    assert isinstance(network.head[-1], torch.nn.Tanh)
    # Two 1x1x1 convolutions with biases a stage, hidden width channels / 64.
    gates = sum(2 * c * max(1, c // 64) + c + max(1, c // 64) for c in (64, 128, 256, 512))
    assert parameter_count(network) - parameter_count(build_network("resnet3d")) == gates


def test_the_same_seed_gives_the_same_weights_and_leaves_the_generator_alone():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first, second = (build_network("resnet18", seed=7).conv1.weight for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: build_network("resnet81"), InputError, "did you mean 'resnet18'"),
        (lambda: build_network("resnet18", in_channels=0), InputError, "in_channels is 0"),
        (lambda: layer_of(build_network("resnet3d"), "stages.7"), ModelError, "no layer 'stages.7'"),
        (lambda: load_imagenet(build_network("unet"), "unet"), InputError, "no ImageNet weights"),
        (lambda: read_tensors(Path("nowhere.pth")), InputError, "nowhere.pth"),
    ],
)
def test_a_wrong_word_is_said_in_one_line(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_packaged_imagenet_weights_load_offline_and_grey_equals_three_equal_channels():
    grey, colour = (build_network("efficientnet_lite0", in_channels=c, seed=0).eval() for c in (1, 3))
    for network in (grey, colour):
        load_imagenet(network, "efficientnet_lite0")
    image = torch.rand(1, 1, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features = [network.extract_features(image.expand(-1, c, -1, -1)) for network, c in ((grey, 1), (colour, 3))]
    assert features[0].std() > 0.1
    torch.testing.assert_close(*features, rtol=1e-4, atol=1e-4)


@pytest.fixture
def published_state() -> dict:
    return build_network("resnet18", in_channels=3, out_features=1000, seed=5).state_dict()


@pytest.fixture
def loopback(tmp_path, monkeypatch):
    """A folder served on loopback, and an empty weights cache."""
    monkeypatch.setenv("PERITUMORAL_WEIGHTS", str(tmp_path / "cache"))
    served = tmp_path / "served"
    served.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **words):
            super().__init__(*arguments, directory=str(served), **words)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield served, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_weights_are_fetched_checked_cached_and_loaded(loopback, published_state):
    served, url = loopback
    torch.save(published_state, served / "resnet18.pth")
    digest = hashlib.sha256((served / "resnet18.pth").read_bytes()).hexdigest()
    source = WeightSource("resnet18.pth", f"{url}/resnet18.pth", digest[:8], "test")
    network = build_network("resnet18", seed=1)
    fractions: list[float] = []
    load_imagenet(network, "resnet18", source=source, progress=lambda fraction, _: fractions.append(fraction))
    assert torch.equal(network.layer1[0].conv1.weight, published_state["layer1.0.conv1.weight"])
    torch.testing.assert_close(network.conv1.weight, published_state["conv1.weight"].sum(1, keepdim=True))
    assert network.fc.out_features == 1 and fractions[-1] == 1.0
    (served / "resnet18.pth").unlink()
    assert fetch_weights(source).is_file()  # from the cache now


def test_a_file_that_is_not_the_published_one_is_refused_and_not_kept(loopback):
    served, url = loopback
    (served / "w.pth").write_bytes(b"something else")
    source = WeightSource("w.pth", f"{url}/w.pth", "f37072fd", "test")
    with pytest.raises(InputError, match="not the published file"):
        fetch_weights(source)
    assert not list((served.parent / "cache").iterdir())


def test_without_network_the_error_says_what_to_put_where(loopback):
    served, _ = loopback
    source = WeightSource("w.pth", "http://127.0.0.1:9/w.pth", "f37072fd", "test")
    with pytest.raises(DependencyError, match=r"w\.pth cannot be fetched .*put it into .*cache"):
        fetch_weights(source)
    with pytest.raises(InputError, match="not the published file"):
        file = served / "mine.pth"
        file.write_bytes(b"x")
        copy_to_cache(file, "resnet18")


def test_published_sources_state_the_start_of_their_hash():
    assert all(len(source.sha256) == 8 and source.sha256 in source.file_name for source in IMAGENET.values())


def test_a_whole_hash_beside_the_weights_is_checked_where_they_are_fetched_cached_or_the_users_own(
    loopback, published_state
):
    served, url = loopback
    file = served / "resnet18.pth"
    torch.save(published_state, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    source = WeightSource("resnet18.pth", f"{url}/resnet18.pth", digest[:8], "test")
    cache = served.parent / "cache"
    cache.mkdir()
    beside = cache / "resnet18.pth.sha256"
    forged = digest[:8] + 56 * "0"  # passes the publisher's eight digits
    beside.write_text(f"{forged}  resnet18.pth\n")
    with pytest.raises(InputError, match=f"has the SHA-256 {digest}, not {forged}"):
        fetch_weights(source)
    assert [path.name for path in cache.iterdir()] == [beside.name]  # what does not match is not kept
    beside.write_text(f"{digest.upper()}  resnet18.pth\n")
    assert fetch_weights(source) == cache / "resnet18.pth"
    beside.write_text(forged)
    with pytest.raises(InputError, match=r"as resnet18\.pth\.sha256 states; it was not loaded"):
        fetch_weights(source)  # the cached file too
    own = served / "resnet18.pth.sha256"
    network = build_network("resnet18", seed=1)
    own.write_text(digest)
    load_imagenet(network, "resnet18", file=file)
    own.write_text(forged)
    with pytest.raises(InputError, match="it was not loaded"):
        load_imagenet(network, "resnet18", file=file)
    own.write_text("f37072fd")
    with pytest.raises(InputError, match="does not start with a SHA-256 of 64 digits"):
        load_imagenet(network, "resnet18", file=file)


def test_it_is_said_that_eight_digits_do_not_find_a_forged_file(loopback):
    served, _ = loopback
    assert "8 digits of its SHA-256 that its publisher states" in hash_note("resnet50")
    assert "not a forged one" in hash_note("resnet50")
    (served.parent / "cache").mkdir()
    (served.parent / "cache" / "resnet50-0676ba61.pth.sha256").write_text(64 * "a")
    assert "whole SHA-256" in hash_note("resnet50")
    assert hash_note("efficientnet_lite0") == ""


def test_densenet_names_of_the_vision_project_are_understood():
    network = build_network("densenet121", seed=2)
    renamed = {}
    for key, value in network.state_dict().items():
        published = key.replace(".layers.norm", ".norm.").replace(".layers.conv", ".conv.")
        renamed[published.replace("class_layers.out", "classifier")] = value + 1
    other = build_network("densenet121", seed=3)
    load_state(other, "densenet121", renamed)
    key = "features.denseblock1.denselayer1.layers.conv1.weight"
    assert torch.equal(other.state_dict()[key], network.state_dict()[key] + 1)


class Malice:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_hostile_or_torn_file_is_refused_and_never_run(tmp_path, suffix, published_state):
    victim = tmp_path / "ran"
    hostile = tmp_path / f"hostile{suffix}"
    hostile.write_bytes(pickle.dumps(Malice(victim)))
    with pytest.raises(ModelError, match="was not run"):
        read_tensors(hostile)
    assert not victim.exists()
    torn = tmp_path / f"torn{suffix}"
    torch.save(published_state, torn)
    torn.write_bytes(torn.read_bytes()[:5000])
    with pytest.raises(ModelError, match="plain tensors"):
        read_tensors(torn)


def test_a_hostile_pytorch_archive_is_refused_and_never_run(tmp_path):
    victim = tmp_path / "ran"
    torch.save({"conv1.weight": Malice(victim)}, tmp_path / "hostile.pth")
    with pytest.raises(ModelError, match="was not run"):
        read_tensors(tmp_path / "hostile.pth")
    assert not victim.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("layer1.0.conv1.weight"), "has no 'layer1.0.conv1.weight'"),
        (lambda state: state.update({"layer1.0.conv1.weight": torch.zeros(64, 64, 5, 5)}), "another network"),
    ],
)
def test_weights_of_another_network_are_refused(published_state, change, message):
    change(published_state)
    with pytest.raises(ModelError, match=message):
        load_state(build_network("resnet18"), "resnet18", published_state)


def test_safetensors_of_the_users_own_load(tmp_path, published_state):
    from safetensors.torch import save_file

    save_file(published_state, str(tmp_path / "mine.safetensors"))
    network = build_network("resnet18", in_channels=3, out_features=1000)
    load_imagenet(network, "resnet18", file=tmp_path / "mine.safetensors")
    assert torch.equal(network.fc.weight, published_state["fc.weight"])


def test_freezing_leaves_the_head_alone_trainable():
    network = build_network("resnet18")
    freeze_all_but(network, "fc")
    assert parameter_count(network) == 513

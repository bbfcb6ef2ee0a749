"""Bundles of networks: they come back whole, refuse what they were not made for, and never run anything."""

from __future__ import annotations

import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
safetensors_torch = pytest.importorskip("safetensors.torch")

from DeepRadiomicsFusionLib.networks.network_bundle import (  # noqa: E402
    Architecture,
    NetworkBundle,
    check_fits,
    is_network_bundle,
    load_network_bundle,
    save_network_bundle,
)
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import Task  # noqa: E402
from PeritumoralRadiomicsLib.regions.ring_settings import RingLayout, RingSettings  # noqa: E402
from RadiomicsCoreLib.errors import InputError, ModelError  # noqa: E402
from RadiomicsStudyLib.cli import main  # noqa: E402

torch.set_num_threads(1)


def bundle_of(architecture: Architecture, **change: Any) -> NetworkBundle:
    arguments: dict[str, Any] = {
        "architecture": architecture,
        "network": architecture.build(seed=7).eval(),
        "task": Task.CLASSIFICATION,
        "outputs": tuple(f"e{n}" for n in range(architecture.out_features)),
        "phase": "ct",
        "input": NetworkInput("patch", region="ring_0_3mm", size=32, window_level=40, window_width=300),
        "rings": RingSettings(outer_mm=(3,), layout=RingLayout.BANDS, window=(-150, 250)),
        "thresholds": {"e0": 0.37},
        "training": {"settings": {"epochs": 2}},
        "provenance": {"cohort": "abc"},
    }
    return NetworkBundle(**(arguments | change))


@pytest.fixture
def bundle():
    return bundle_of(Architecture("resnet18", out_features=2))


@pytest.fixture
def folder(bundle, tmp_path):
    save_network_bundle(bundle, tmp_path / "model")
    return tmp_path / "model"


def zipped(folder: Path, target: Path, top: str = "") -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"{top}{file.name}")
    return target


def edit(folder: Path, change: Any) -> None:
    path = folder / "model.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def test_a_bundle_comes_back_whole_from_a_folder_its_json_or_a_zip(bundle, folder, tmp_path):
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 1, 32, 32)).astype(np.float32))
    for path in (folder, folder / "model.json", zipped(folder, tmp_path / "model.zip", top="model/")):
        assert is_network_bundle(path)
        back = load_network_bundle(path)
        assert replace(back, network=bundle.network) == bundle
        with torch.no_grad():
            assert torch.equal(back.network(image), bundle.network(image))
        assert not back.network.training


@pytest.mark.parametrize(
    ("architecture", "change"),
    [
        (Architecture("resnet18", scores=2, out_features=3), {"score_names": ("a.signature", "b.signature")}),
        (Architecture("unet", out_features=2, width=4), {"task": Task.SEGMENTATION}),
        (Architecture("se_resnet3d"), {"task": Task.SURVIVAL, "input": NetworkInput("box_3d", size=16)}),
    ],
    ids=["RadScores", "narrow U-Net", "3D"],
)
def test_every_kind_of_network_comes_back(architecture, change, tmp_path):
    bundle = bundle_of(architecture, **change)
    save_network_bundle(bundle, tmp_path)
    back = load_network_bundle(tmp_path)
    assert replace(back, network=bundle.network) == bundle
    for name, value in bundle.network.state_dict().items():
        assert torch.equal(back.network.state_dict()[name], value)


def test_the_json_tells_a_person_what_the_network_was_trained_on(folder):
    record = json.loads((folder / "model.json").read_text())
    assert record["phases"] == ["ct"] and record["regions"] == ["ring_0_3mm"]
    assert record["input"]["window_level"] == 40 and record["rings"]["outer_mm"] == [3.0]
    assert record["rings"]["layout"] == "bands"
    assert record["outputs"] == ["e0", "e1"] and record["thresholds"] == {"e0": 0.37}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"phase": "pet"}, "trained on phase 'ct', not 'pet'"),
        ({"region": "intratumour"}, "trained on region 'ring_0_3mm', not 'intratumour'"),
        ({"settings": {"window_width": 400}}, "input setting window_width = 300, not 400"),
        ({"settings": {"scaling": "none"}}, "input setting scaling = zscore, not none"),
        ({"rings": {"layout": "cumulative"}}, "rings setting layout = bands, not cumulative"),
    ],
)
def test_other_data_than_it_was_trained_on_are_refused_in_one_line(bundle, data, message):
    given = dict(data)
    if "settings" in given:
        given["settings"] = replace(bundle.input, **given["settings"])
    if "rings" in given:
        given["rings"] = replace(bundle.rings, **given["rings"])
    with pytest.raises(ModelError, match=message) as caught:
        check_fits(bundle, **given)
    assert "\n" not in str(caught.value)


def test_its_own_data_are_taken(bundle):
    check_fits(bundle, phase="ct", region="ring_0_3mm", settings=bundle.input, rings=bundle.rings)


class _Bomb:
    """Unpickling this runs code that leaves a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


def _pickle_as_weights(folder: Path, tmp_path: Path) -> None:
    content = pickle.dumps({"conv1.weight": _Bomb(tmp_path / "executed")})
    (folder / "network.safetensors").write_bytes(content)
    edit(folder, lambda record: record["weights"].update(sha256=_sha256(content)))


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def test_a_pickle_in_the_place_of_the_weights_is_refused_and_never_run(folder, tmp_path):
    _pickle_as_weights(folder, tmp_path)
    for path in (folder, zipped(folder, tmp_path / "model.zip")):
        with pytest.raises(ModelError, match=r"holds no plain tensors .* it was not run"):
            load_network_bundle(path)
    assert not (tmp_path / "executed").exists()
    pickle.loads((folder / "network.safetensors").read_bytes())  # the trap does work
    assert (tmp_path / "executed").exists()


def _tensors(folder: Path, change: Any) -> None:
    state = safetensors_torch.load_file(str(folder / "network.safetensors"))
    content = safetensors_torch.save(change(dict(state)))
    (folder / "network.safetensors").write_bytes(content)
    edit(folder, lambda record: record["weights"].update(sha256=_sha256(content)))


def _without(state, name):
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: (f / "network.safetensors").unlink(), "network.safetensors cannot be read"),
        (lambda f: (f / "model.json").write_text("{"), "not sound JSON"),
        (lambda f: (f / "model.json").write_text("[" * 200_000), "not sound JSON"),
        (lambda f: (f / "model.json").write_text("[1]"), "is not of a peritumoral network model"),
        (lambda f: edit(f, lambda r: r.update(version=9)), "format version 9 cannot be read"),
        (lambda f: edit(f, lambda r: r.pop("outputs")), "a part is missing or has the wrong form .KeyError: 'outputs'"),
        (lambda f: edit(f, lambda r: r.update(outputs="abc")), "no list of names"),
        (lambda f: edit(f, lambda r: r.update(phases=["ct", "pet"])), "phases are .*; a network has one"),
        (lambda f: edit(f, lambda r: r.update(outputs=["a"])), "1 outputs are named, the network has 2"),
        (lambda f: edit(f, lambda r: r.update(regions=["intratumour"])), "the input shows 'ring_0_3mm'"),
        (lambda f: edit(f, lambda r: r.update(score_names=["a"])), "1 RadScores are named, the network takes 0"),
        (lambda f: edit(f, lambda r: r["input"].update(kind="box_3d")), "'resnet18' cannot see a 3D input"),
        (lambda f: edit(f, lambda r: r["architecture"].update(network="os.system")), "no network 'os.system'"),
        (lambda f: edit(f, lambda r: r["architecture"].update(out_features=10**9)), "out_features is 1000000000"),
        (lambda f: edit(f, lambda r: r["architecture"].update(network="resnet50")), "belongs to another network"),
        (lambda f: edit(f, lambda r: r["architecture"].update(evil=1)), "wrong form"),
        (lambda f: edit(f, lambda r: r["input"].update(size=10**6)), "size is 1000000"),
        (lambda f: edit(f, lambda r: r["weights"].update(sha256="0")), "does not match its SHA-256 in model.json"),
        (lambda f: _tensors(f, lambda s: _without(s, "fc.bias")), "lacks 'fc.bias'"),
        (lambda f: _tensors(f, lambda s: s | {"extra": torch.ones(1)}), "holds 'extra' that has no place"),
        (lambda f: _tensors(f, lambda s: s | {"fc.bias": torch.zeros(3)}), r"'fc.bias' has shape \(3,\)"),
        (lambda f: _tensors(f, lambda s: s | {"fc.bias": torch.full((2,), np.nan)}), "weight that is not finite"),
    ],
)
def test_a_broken_or_hostile_bundle_ends_in_one_line(folder, harm, message):
    harm(folder)
    with pytest.raises(ModelError, match=message) as caught:
        load_network_bundle(folder)
    assert "\n" not in str(caught.value)


def test_a_torn_weights_file_with_its_own_hash_is_refused(folder):
    content = (folder / "network.safetensors").read_bytes()[:5000]
    (folder / "network.safetensors").write_bytes(content)
    edit(folder, lambda record: record["weights"].update(sha256=_sha256(content)))
    with pytest.raises(ModelError, match="holds no plain tensors"):
        load_network_bundle(folder)


def test_zips_that_are_torn_or_doubled_or_swell_are_refused(folder, tmp_path, monkeypatch):
    torn = tmp_path / "torn.zip"
    torn.write_bytes(zipped(folder, tmp_path / "whole.zip").read_bytes()[:4000])
    with pytest.raises(ModelError, match="neither a folder nor a sound zip"):
        load_network_bundle(torn)
    doubled = tmp_path / "doubled.zip"
    with zipfile.ZipFile(doubled, "w") as archive:
        archive.write(folder / "model.json", "a/model.json")
        archive.write(folder / "model.json", "b/model.json")
    with pytest.raises(ModelError, match=r"2 files called model\.json"):
        load_network_bundle(doubled)
    monkeypatch.setattr("DeepRadiomicsFusionLib.networks.network_bundle.LARGEST_WEIGHTS_MB", 1)
    for path in (tmp_path / "whole.zip", folder):
        with pytest.raises(ModelError, match="larger than 1 MB"):
            load_network_bundle(path)
    with pytest.raises(ModelError, match="no such file or folder"):
        load_network_bundle(tmp_path / "nowhere")


def test_a_folder_that_cannot_be_written_is_said(bundle, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save_network_bundle(bundle, tmp_path / "file" / "model")


def test_an_output_is_found_by_name(bundle):
    assert bundle.output_index(None) == 0 and bundle.output_index("e1") == 1
    with pytest.raises(ModelError, match="no output 'e7'; it has e0, e1"):
        bundle.output_index("e7")


@pytest.fixture
def small(tmp_path):
    """A zip whose weights are few, so that many bytes of it can be changed one by one."""
    architecture = Architecture("unet", out_features=1, width=1)
    bundle = bundle_of(architecture, task=Task.SEGMENTATION, outputs=("inside",), thresholds={})
    save_network_bundle(bundle, tmp_path / "small")
    return zipped(tmp_path / "small", tmp_path / "small.zip")


def test_a_zip_with_a_changed_byte_anywhere_is_refused_in_one_line_or_read(small):
    whole, rng = small.read_bytes(), np.random.default_rng(0)
    refused = 0
    for place in [*rng.integers(0, len(whole), 40), *range(len(whole) - 120, len(whole), 3)]:
        content = bytearray(whole)
        content[place] ^= int(rng.integers(1, 256))
        small.write_bytes(bytes(content))
        is_network_bundle(small)  # says yes or no, whatever stands there
        try:
            load_network_bundle(small)
        except ModelError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 40


def test_a_locked_zip_is_said_to_be_unsound(small):
    content = bytearray(small.read_bytes())
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        place = -1
        while (place := content.find(start, place + 1)) >= 0:
            content[place + (6 if start == b"PK\x03\x04" else 8)] |= 1  # the flag of an encrypted member
    small.write_bytes(bytes(content))
    with pytest.raises(ModelError, match=r"neither a folder nor a sound zip .*encrypted"):
        load_network_bundle(small)


def test_a_bundle_that_asks_for_a_network_beyond_all_memory_is_refused_before_it_is_built(tmp_path, monkeypatch):
    save_network_bundle(
        bundle_of(
            Architecture("unet", out_features=1, width=1), task=Task.SEGMENTATION, outputs=("in",), thresholds={}
        ),
        tmp_path,
    )
    edit(tmp_path, lambda record: record["architecture"].update(width=1000))  # 7.6 billion weights
    built = []
    build = Architecture.build

    def noted(self, **options):
        network = build(self, **options)
        built.append({parameter.device.type for parameter in network.parameters()})
        return network

    monkeypatch.setattr(Architecture, "build", noted)
    with pytest.raises(ModelError, match="the weights belong to another network"):
        load_network_bundle(tmp_path)
    assert built == [{"meta"}]


@pytest.mark.parametrize("thresholds", [{"e0": float("inf")}, {"e7": 0.5}])
def test_a_threshold_that_calls_nobody_or_belongs_to_nothing_is_refused(folder, thresholds):
    edit(folder, lambda record: record.update(thresholds=thresholds))
    with pytest.raises(ModelError, match=r"the threshold of 'e[07]' is"):
        load_network_bundle(folder)


@pytest.fixture
def small_zip(tmp_path):
    """A small network's bundle as a zip; where its weights and its record begin matters to nobody."""
    save_network_bundle(bundle_of(Architecture("unet", out_features=2, width=2), **SEGMENTING), tmp_path / "small")
    return zipped(tmp_path / "small", tmp_path / "small.zip")


SEGMENTING: dict[str, Any] = {
    "task": Task.SEGMENTATION,
    "outputs": ("background", "inside"),
    "input": NetworkInput("full_slice", region="ring_0_3mm", size=32, masked=False),
    "thresholds": {},
}


def told(path: Path, capsys: Any) -> str:
    """What ``apply`` says of a bundle that cannot be used: one line, and exit code 2."""
    (path.parent / "cohort.csv").write_text("case_id,ct_image,ct_mask\nP1,a.nii,b.nii\n")
    assert main(["apply", str(path), str(path.parent / "cohort.csv"), "-o", str(path.parent / "out")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("peritumoral: "), lines
    return lines[0]


def test_a_zip_with_a_changed_byte_is_refused_in_one_line_or_read(small_zip):
    whole, rng = small_zip.read_bytes(), np.random.default_rng(1)
    refused = 0
    for place in [*rng.integers(0, len(whole), 60), *range(len(whole) - 120, len(whole), 4)]:
        content = bytearray(whole)
        content[place] ^= int(rng.integers(1, 256))
        small_zip.write_bytes(bytes(content))
        try:
            load_network_bundle(small_zip)
        except ModelError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 50


@pytest.mark.parametrize("method", [1, 9, 12, 14, 93, 99])
def test_a_zip_that_says_another_packing_than_it_has_is_refused_in_one_line(small_zip, method, capsys):
    content = bytearray(small_zip.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset : place + offset + 2] = method.to_bytes(2, "little")
            place = content.find(mark, place + 1)
    small_zip.write_bytes(bytes(content))
    assert "small.zip" in told(small_zip, capsys)


def test_a_torn_zip_ends_apply_in_one_line_that_says_so(small_zip, capsys):
    whole = small_zip.read_bytes()
    for length in (0, 4, 100, len(whole) - 30):
        small_zip.write_bytes(whole[:length])
        assert "neither a folder nor a sound zip" in told(small_zip, capsys)

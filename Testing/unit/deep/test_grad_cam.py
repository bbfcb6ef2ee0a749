"""Maps of a network's attention: they peak where the decision is made, and lie where the patient has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("captum")

from DeepRadiomicsFusionLib.explanation.grad_cam import class_activation, explain_case, input_gradient, relative_map  # noqa: E402
from DeepRadiomicsFusionLib.inputs.patches import network_image  # noqa: E402
from DeepRadiomicsFusionLib.inputs.patient_grid import map_on_patient  # noqa: E402
from DeepRadiomicsFusionLib.networks.catalogue import build_network, network_names, network_spec  # noqa: E402
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput  # noqa: E402
from RadiomicsCoreLib.errors import InputError, ModelError  # noqa: E402

torch.set_num_threads(1)

# A rotation about no axis of the patient: nothing of it is symmetric.
OBLIQUE = np.linalg.qr(np.array([[0.9, 0.3, -0.2], [-0.25, 0.95, 0.3], [0.3, -0.2, 0.85]]))[0]
OBLIQUE[:, 2] *= np.sign(np.linalg.det(OBLIQUE))
AXIAL = np.eye(3)
LAYER = {2: "layer4", 3: "last_activation"}  # the feature layers of resnet18 and resnet3d


class BrightnessNetwork(torch.nn.Module):  # type: ignore[name-defined]
    """Decides by bright spots: a smoothing convolution, a threshold, the mean. Registered names as in a ResNet."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        kind = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[dims]
        self.layer = LAYER[dims]
        maps: Any = torch.nn.Sequential(kind(1, 2, 5, stride=2, padding=2), torch.nn.ReLU(inplace=True))
        self.add_module(self.layer, maps)
        self.fc = torch.nn.Linear(2, 1)
        with torch.no_grad():
            maps[0].weight[0] = 1 / 5**dims  # channel 0: bright spots
            maps[0].weight[1] = -1 / 5**dims  # channel 1: dark spots, which speak against
            maps[0].bias.zero_()
            self.fc.weight.copy_(torch.tensor([[1.0, -1.0]]))
            self.fc.bias.zero_()

    def forward(self, image: Any) -> Any:
        return self.fc(self.maps(image).flatten(2).mean(dim=2))

    def maps(self, image: Any) -> Any:
        return getattr(self, self.layer)(image)


def case_with_bright_patch(direction: np.ndarray):
    """A dark scan, a tumour, and in it, off its centre, the patch that decides; its centre in mm."""
    scan = sitk.Image(80, 72, 20, sitk.sitkFloat32)
    scan.SetSpacing((0.9, 1.2, 2.5))
    scan.SetOrigin((-31.0, 12.5, 77.0))
    scan.SetDirection(direction.ravel().tolist())
    tumour = sitk.Image(scan.GetSize(), sitk.sitkUInt8)
    tumour.CopyInformation(scan)
    tumour[20:60, 18:52, 5:15] = 1
    scan[28:34, 40:45, 8:11] = 100.0
    centre = scan.TransformContinuousIndexToPhysicalPoint((30.5, 42.0, 9.0))
    return scan, {"intratumour": tumour}, np.array(centre)


def peak_mm(image: sitk.Image) -> np.ndarray:
    """Centre of the voxels at or near the highest value, in mm."""
    values = sitk.GetArrayViewFromImage(image)
    places = np.argwhere(values > 0.95 * values.max())[:, ::-1].mean(axis=0)
    return np.array(image.TransformContinuousIndexToPhysicalPoint(places.tolist()))


@pytest.mark.parametrize("direction", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
@pytest.mark.parametrize("kind", ["grad_cam", "input_gradient"])
@pytest.mark.parametrize("shown", ["patch", "full_slice", "resized_slice", "rough_box", "box_3d"])
def test_the_map_peaks_in_the_patient_where_the_planted_patch_lies(direction, kind, shown):
    scan, regions, centre = case_with_bright_patch(direction)
    settings = NetworkInput(shown, size=48 if shown != "full_slice" else 80, masked=False)
    name = "resnet3d" if settings.spatial_dims == 3 else "resnet18"
    network = BrightnessNetwork(settings.spatial_dims)
    if shown in ("patch", "full_slice", "resized_slice"):
        # One slice is seen, the one with the largest area: the lowest of equal ones.
        scan[28:34, 40:45, 5:6] = 100.0
        scan[28:34, 40:45, 8:11] = 0.0
        centre = np.array(scan.TransformContinuousIndexToPhysicalPoint((30.5, 42.0, 5.0)))
    found = explain_case(network, name, scan, regions, settings, kind=kind)
    assert found.on_patient.GetSize() == scan.GetSize()
    assert found.on_patient.GetDirection() == scan.GetDirection()
    assert found.on_patient.GetOrigin() == scan.GetOrigin()
    if kind == "grad_cam":
        assert np.linalg.norm(peak_mm(found.on_patient) - centre) < 2.5
    else:  # the gradient is not zero where, and only where, the threshold lets something through
        values = sitk.GetArrayFromImage(found.on_patient)
        peak = np.array(scan.TransformPhysicalPointToIndex(centre.tolist()))
        assert values[tuple(peak[::-1])] > 0


def test_a_gradient_map_of_a_network_that_sees_one_channel_is_its_analytic_gradient():
    class Weighed(torch.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.arange(64.0).reshape(8, 8) - 20)

        def forward(self, image: Any) -> Any:
            return (self.weight * image[:, 0] ** 2 / 2).sum(dim=(1, 2))[:, None]

    array = np.random.default_rng(0).normal(size=(11, 1, 8, 8)).astype(np.float32)
    expected = np.abs((np.arange(64.0).reshape(8, 8) - 20) * array[:, 0])
    np.testing.assert_allclose(input_gradient(Weighed(), array), expected, rtol=1e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_grad_cam_is_the_papers_formula_computed_by_hand(dims):
    network = BrightnessNetwork(dims)
    array = np.random.default_rng(1).normal(size=(2, 1, *(12,) * dims)).astype(np.float32)
    maps = network.maps(torch.from_numpy(array))
    # The output is the mean of channel 0 minus that of channel 1, so their weights are 1 / size and -1 / size.
    size = float(np.prod(maps.shape[2:]))
    coarse = torch.relu(maps[:, :1] / size - maps[:, 1:] / size)
    mode = "bilinear" if dims == 2 else "trilinear"
    expected = torch.nn.functional.interpolate(coarse, (12,) * dims, mode=mode)[:, 0].detach().numpy()
    np.testing.assert_allclose(class_activation(network, array, LAYER[dims]), expected, rtol=1e-4, atol=1e-8)


def test_grad_cam_equals_monais():
    from monai.visualize import GradCAM

    network = build_network("resnet18", seed=2).eval()
    array = np.random.default_rng(3).normal(size=(2, 1, 64, 64)).astype(np.float32)
    plain = GradCAM(network, "layer4", upsampler=lambda size: lambda x: x, postprocessing=lambda x: x)
    coarse = plain(torch.from_numpy(array), class_idx=0)
    expected = torch.nn.functional.interpolate(coarse, (64, 64), mode="bilinear")[:, 0].detach().numpy()
    np.testing.assert_allclose(class_activation(network, array, "layer4"), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in network_names() if name not in ("resnet101", "vgg19")])
def test_every_network_can_be_explained_at_its_feature_layer(name):
    if name == "efficientnet_lite0":
        pytest.importorskip("efficientnet_lite_pytorch")
    spec = network_spec(name)
    edge = 96 if name == "inception_v3" else 32
    array = np.random.default_rng(0).normal(size=(1, 1, *(edge,) * spec.spatial_dims)).astype(np.float32)
    network = build_network(name, seed=0)
    for values in (class_activation(network, array, spec.feature_layer), input_gradient(network, array)):
        assert values.shape == (1, *(edge,) * spec.spatial_dims)
        assert np.isfinite(values).all() and (values >= 0).all()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert network.training


@pytest.mark.parametrize("direction", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
@pytest.mark.parametrize("spacing_mm", [None, 1.0])
@pytest.mark.parametrize("kind", ["full_slice", "rough_box", "box_3d"])
def test_the_input_itself_mapped_back_is_the_patients_image(direction, spacing_mm, kind):
    # An L with arms of different length along each axis: any flip, swap or shift of axes would show.
    scan, regions, _ = case_with_bright_patch(direction)
    scan = scan * 0
    scan[22:56, 20:26, 5:15] = 50.0
    scan[22:28, 20:48, 5:15] = 50.0
    scan[22:28, 20:26, 10:15] = 90.0
    smooth = sitk.DiscreteGaussian(scan, [4.0] * 3)
    settings = NetworkInput(kind, size=96, scaling="none", masked=False, spacing_mm=spacing_mm)
    shown = network_image(smooth, regions, settings)
    back = sitk.GetArrayFromImage(map_on_patient(shown.image, smooth, shown))
    truth, inside = (sitk.GetArrayFromImage(item) for item in (smooth, regions["intratumour"]))
    core = np.zeros_like(inside, bool)
    core[5 if kind == "full_slice" else slice(6, 14), 20:50, 22:58] = True
    core &= (inside > 0) & (back != 0)
    assert core.sum() > 400
    assert np.corrcoef(back[core], truth[core])[0, 1] > 0.99
    assert np.abs(back - truth)[core].mean() < 0.06 * truth.max()


def test_a_thin_slice_always_meets_a_slice_of_the_patient():
    scan, _, _ = case_with_bright_patch(OBLIQUE)
    for lowest in range(3, 8):
        tumour = sitk.Image(scan.GetSize(), sitk.sitkUInt8)
        tumour.CopyInformation(scan)
        tumour[20:60, 18:52, lowest : lowest + 3] = 1
        tumour[18:62, 16:54, lowest + 1 : lowest + 2] = 1
        noise = sitk.AdditiveGaussianNoise(scan, 5.0, 0.0, 1)
        settings = NetworkInput("resized_slice", size=32, spacing_mm=0.7, scaling="none")
        shown = network_image(noise, {"intratumour": tumour}, settings)
        ones = shown.image * 0 + 1
        seen = np.unique(np.nonzero(sitk.GetArrayFromImage(map_on_patient(ones, scan, shown)))[0])
        assert 1 <= len(seen) <= 2 and set(seen) <= {lowest, lowest + 1, lowest + 2}


def test_nothing_is_claimed_outside_what_the_network_saw():
    scan, regions, _ = case_with_bright_patch(AXIAL)
    shown = network_image(scan, regions, NetworkInput("box_3d", size=32, scaling="none"))
    seen = sitk.GetArrayFromImage(map_on_patient(shown.image * 0 + 1, scan, shown)) > 0
    np.testing.assert_array_equal(seen, sitk.GetArrayFromImage(regions["intratumour"]) > 0)


@pytest.mark.parametrize(("kind", "name"), [("full_slice", "resnet18"), ("box_3d", "resnet3d")])
def test_what_a_mask_hides_has_no_gradient(kind, name):
    scan, regions, _ = case_with_bright_patch(OBLIQUE)
    noise = sitk.AdditiveGaussianNoise(scan, 20.0, 50.0, 1)
    network = build_network(name, seed=1)
    maps = []
    for masked in (True, False):
        margin = 0.0 if kind == "full_slice" else 4.0
        settings = NetworkInput(kind, size=80 if kind == "full_slice" else 32, masked=masked, margin_mm=margin)
        smaller = {"intratumour": sitk.BinaryErode(regions["intratumour"], (6, 6, 1), sitk.sitkBall)}
        explained = explain_case(network, name, noise, smaller, settings, kind="input_gradient")
        values = sitk.GetArrayFromImage(explained.on_input)
        maps.append(values[sitk.GetArrayFromImage(explained.shown.mask) == 0])
    assert len(maps[0]) and not maps[0].any() and maps[1].any()


def test_the_explained_output_is_reported_and_can_be_chosen():
    network = build_network("resnet18", out_features=3, seed=5)
    scan, regions, _ = case_with_bright_patch(AXIAL)
    settings = NetworkInput("patch", size=48, scaling="none")
    found = explain_case(network, "resnet18", scan, regions, settings, output=2)
    with torch.no_grad():
        expected = network.eval()(network_image(scan, regions, settings).tensor())[:, 2].numpy()
    np.testing.assert_allclose(found.outputs, expected, rtol=1e-5)


def test_a_network_with_rad_scores_is_explained_with_the_patients_own():
    from DeepRadiomicsFusionLib.networks.rad_score_network import build_rad_score_network

    network = build_rad_score_network("resnet18", scores=2, seed=0)
    array = np.random.default_rng(0).normal(size=(1, 1, 32, 32)).astype(np.float32)
    assert class_activation(network, array, "layer4", scores=[0.3, -1.0]).shape == (1, 32, 32)
    for asked, scores in ((network, None), (build_network("resnet18"), [1.0])):
        with pytest.raises(InputError, match="RadScores needs the patient's"):
            class_activation(asked, array, "layer4", scores=scores)


def test_a_relative_map_has_a_highest_value_of_one_and_zeros_stay():
    image = sitk.GetImageFromArray(np.array([[[0.0, 2.0, 8.0]]], np.float32))
    assert sitk.GetArrayFromImage(relative_map(image)).ravel().tolist() == [0, 0.25, 1]
    assert not sitk.GetArrayFromImage(relative_map(image * 0)).any()


def test_what_cannot_be_explained_is_said_in_one_line():
    network = build_network("resnet18", seed=0)
    scan, regions, _ = case_with_bright_patch(AXIAL)
    patch = NetworkInput("patch", size=32, scaling="none")
    with pytest.raises(InputError, match="map is 'lime'; choose from grad_cam, input_gradient"):
        explain_case(network, "resnet18", scan, regions, patch, kind="lime")
    with pytest.raises(InputError, match="takes 2D input, the settings show 3D"):
        explain_case(network, "resnet18", scan, regions, NetworkInput("box_3d"))
    with pytest.raises(ModelError, match="no output 4; the network has 1"):
        explain_case(network, "resnet18", scan, regions, patch, output=4)
    with pytest.raises(ModelError, match="no layer 'layer7'"):
        explain_case(network, "resnet18", scan, regions, patch, layer="layer7")
    with pytest.raises(ModelError, match="'fc' has no map over the image"):
        explain_case(network, "resnet18", scan, regions, patch, layer="fc")


@pytest.mark.parametrize("direction", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
def test_the_picture_lays_the_map_over_the_same_voxels_of_the_slice(direction):
    from DeepRadiomicsFusionLib.explanation.map_figure import map_figure

    scan, regions, _ = case_with_bright_patch(direction)
    scan[28:34, 40:45, 5:6] = 100.0
    ring = sitk.BinaryDilate(regions["intratumour"], (3, 3, 0)) - regions["intratumour"]
    regions = {**regions, "ring_0_3mm": ring}
    plain, under, bar = map_figure(scan, sitk.Cast(scan > 50, sitk.sitkFloat32), regions, title="case").axes
    heat = np.asarray(under.images[1].get_array())
    np.testing.assert_array_equal(heat == 1, np.asarray(plain.images[0].get_array()) > 50)
    assert under.images[1].get_extent() == under.images[0].get_extent()
    assert "99.5th percentile" in bar.get_ylabel()

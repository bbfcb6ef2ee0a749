"""Ten endpoints with missing labels from one cohort, in one run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from DeepRadiomicsFusionLib.networks.prediction import predict  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings  # noqa: E402
from DeepRadiomicsFusionLib.tables.multi_endpoint import endpoint_cases, score_endpoints  # noqa: E402
from DeepRadiomicsFusionLib.training.loop import train_network  # noqa: E402
from RadiomicsCoreLib.errors import InputError  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")

ENDPOINTS = ["lvi", "pleura", "t4", "egfr", "kras", "alk", "tp53", "pik3ca", "ros1", "pdl1"]


def cohort(count: int, seed: int, missing: float = 0.3) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Endpoint e is told by the mean of the image's row e."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(count, 1, 10, 4)).astype(np.float32)
    labels = (images[:, 0].mean(axis=2) > 0).astype(float)
    labels[rng.random(labels.shape) < missing] = np.nan
    names = [f"p{seed}_{n}" for n in range(count)]
    table = pd.DataFrame({"case_id": names, **dict(zip(ENDPOINTS, labels.T, strict=True))})
    return table, dict(zip(names, images, strict=True))


def cases_of(count: int, seed: int):
    table, images = cohort(count, seed)
    return endpoint_cases(table, ENDPOINTS, images)


def test_ten_endpoints_with_missing_labels_are_learned_in_one_run():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 10))
    settings = TrainingSettings(
        "classification", learning_rate=0.05, epochs=12, batch_size=32, device="cpu", weight_decay=1e-3
    )
    trained = train_network(network, cases_of(250, 0), settings)
    test = cases_of(200, 1)
    scores = score_endpoints(predict(trained.network, test.images, device="cpu"), test)
    assert [score.name for score in scores] == ENDPOINTS
    assert min(score.auc.value for score in scores) > 0.8
    assert all(score.missing > 30 and score.cases + score.missing == len(test) for score in scores)


def test_an_endpoint_learns_from_its_labelled_cases_alone():
    table, images = cohort(24, 3, missing=0.0)
    table.loc[2:, "pleura"] = np.nan
    table.loc[:1, "pleura"] = (0, 1)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 2))
    before = network[1].weight.detach().clone()
    settings = TrainingSettings(
        "classification", "sgd", learning_rate=0.1, batch_size=24, epochs=1, device="cpu", validation_fraction=0.0
    )
    train_network(network, endpoint_cases(table, ["lvi", "pleura"], images), settings)
    step = (network[1].weight.detach() - before)[1].numpy()
    # One step of plain gradient descent on a linear layer is a sum of the images that had a label.
    labelled = np.stack([images["p3_0"].ravel(), images["p3_1"].ravel()])
    combined, *_ = np.linalg.lstsq(labelled.T, step, rcond=None)
    np.testing.assert_allclose(combined @ labelled, step, atol=1e-6)
    assert combined[0] < 0 < combined[1]


def test_cases_without_an_image_or_any_label_take_no_part_and_order_is_the_tables():
    table, images = cohort(40, 4)
    table.loc[5, ENDPOINTS] = np.nan
    del images["p4_2"]
    cases = endpoint_cases(table, ENDPOINTS, images, scores={case: (n, 1.0) for n, case in enumerate(images)})
    expected = [f"p4_{n}" for n in range(40) if n not in (2, 5)]
    assert list(cases.case_ids) == expected
    np.testing.assert_array_equal(
        cases.targets, table.loc[table.case_id.isin(expected), ENDPOINTS].to_numpy(np.float32)
    )
    assert cases.scores.shape == (38, 2)


def test_an_endpoint_without_both_classes_among_the_test_cases_says_why_it_has_no_area():
    table, images = cohort(40, 5)
    cases = endpoint_cases(table, ENDPOINTS, images)
    cases.targets[:, 3] = np.where(np.isnan(cases.targets[:, 3]), np.nan, 0)
    cases.targets[0, 4] = 1
    cases.targets[1:, 4] = 0
    scores = score_endpoints(np.zeros((len(cases), 10)), cases)
    assert scores[3].auc is None
    assert scores[3].reason == "only one class among the labelled cases"
    assert "single case in one class" in scores[4].reason
    assert scores[5].auc.value == 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"egfr": "wild"}, "'egfr' holds text"),
        ({"egfr": 1.0}, "'egfr' is 1 for all 20 labelled cases"),
        ({"egfr": 3.0}, "'egfr' holds 3.0"),
    ],
)
def test_a_bad_endpoint_is_named(change, message):
    table, images = cohort(20, 6)
    with pytest.raises(InputError, match=message):
        endpoint_cases(table.assign(**change), ENDPOINTS, images)


def test_images_or_scores_of_other_cases_are_said():
    table, images = cohort(20, 7)
    with pytest.raises(InputError, match="none of the 20 labelled cases has an image"):
        endpoint_cases(table, ENDPOINTS, {"other": np.zeros((1, 10, 10))})
    with pytest.raises(InputError, match="19 cases have no RadScores, the first is 'p7_1'"):
        endpoint_cases(table, ENDPOINTS, images, scores={"p7_0": [1.0]})
    with pytest.raises(InputError, match="do not belong to labels"):
        score_endpoints(np.zeros((3, 10)), endpoint_cases(table, ENDPOINTS, images))

"""What a model remembers of its training patients, and who lies outside."""

from __future__ import annotations

import numpy as np

from DeepRadiomicsFusionLib.models.cross_validation import MeanOfModels
from DeepRadiomicsFusionLib.models.fusion import FusedModel, LogisticFusion
from DeepRadiomicsFusionLib.models.rad_score import RadScore
from DeepRadiomicsFusionLib.models.training_range import far_from_training, training_scale


def score(name: str, mean: float, sd: float) -> RadScore:
    return RadScore((name,), np.ones(1), 0.0, np.array([mean]), np.array([sd]), 0.1)


def test_the_scale_of_fold_models_is_their_mean_and_signatures_are_looked_into():
    parts = {"tumour": score("a", 2.0, 1.0), "ring": score("b", 10.0, 4.0)}
    fused = FusedModel(parts, LogisticFusion(tuple(parts), np.ones(2), 0.0, np.ones(2), False))
    assert training_scale(MeanOfModels((fused, score("a", 4.0, 3.0)))) == {"a": (3.0, 2.0), "b": (10.0, 4.0)}


def test_the_farthest_feature_comes_first_and_near_ones_not_at_all():
    model = MeanOfModels((score("near", 0.5, 1.5), score("far", 0.5, 2.0), score("farther", 0.5, 2.0)))
    values = {"near": 5.0, "far": 0.5 + 2 * 4.5, "farther": 0.5 - 2 * 6.0, "of another model": 1e9}
    assert far_from_training(model, values) == [("farther", -6.0), ("far", 4.5)]


def test_a_feature_that_is_not_scaled_says_nothing():
    assert training_scale(score("a", 0.0, 1.0)) == {}
    assert training_scale(object()) == {}

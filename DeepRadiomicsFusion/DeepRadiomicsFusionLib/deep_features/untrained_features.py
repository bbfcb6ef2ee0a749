"""Refuses deep features that only a trained network has, such as the probability of a random last layer."""

from __future__ import annotations

from RadiomicsCoreLib.errors import InputError

from ..networks.network_bundle import NetworkBundle
from ..networks.network_source import IMAGENET, RANDOM, NetworkSource
from ..settings.deep_feature_settings import DeepFeatureSettings, FeatureSource
from ..settings.study_networks import STUDIES
from ..settings.training_settings import Task

_OF_THE_LAST_LAYER = (FeatureSource.PROBABILITY, FeatureSource.OUTPUT)


def refuse_untrained(
    source: NetworkSource,
    bundle: NetworkBundle | None,
    features: DeepFeatureSettings | None,
    study: str | None = None,
) -> None:
    """Refuse features that mean nothing without a training.

    What enters the last layer has been learned with published weights, the outputs of that layer have not: its
    thousand ImageNet classes were replaced by random numbers.

    Args:
        source: network and weights.
        bundle: the trained network; None: the weights are no bundle.
        features: where features are read; None: at the network's feature layer.
        study: a published study whose features are meant, as long as they are read where the paper reads them.

    Raises:
        InputError: one line that says what to train, or what to read instead.
    """
    kind = FeatureSource.LAYER if features is None else FeatureSource(features.source)
    if bundle is not None:
        if kind is FeatureSource.PROBABILITY and bundle.task is not Task.CLASSIFICATION:
            raise InputError(f"the model was trained for {bundle.task.value}: it has no probability; read its output")
        return
    if study is not None and _needs_training(source, kind, study):
        raise InputError(
            f"the deep features of {study} come from a network that is trained first: run 'peritumoral train "
            f"COHORT.csv --study {study} … -o trained', then give --weights trained/model"
        )
    is_random = kind is FeatureSource.PENULTIMATE and source.weights == RANDOM
    if kind in _OF_THE_LAST_LAYER or is_random:
        raise InputError(
            f"the {kind.value} of {source.network} with weights {source.weights!r} means nothing: the last layer is "
            "random; give --weights with a model folder that 'peritumoral train' wrote, or read --source layer"
        )


def _needs_training(source: NetworkSource, kind: FeatureSource, study: str) -> bool:
    """Whether the study's features, read where the paper reads them, come from a network of its own training."""
    published = STUDIES[study]
    as_published = kind.value == published.deep_features["read"].get("source", FeatureSource.LAYER.value)
    if published.train is None or not as_published:
        return False
    return source.weights == IMAGENET or bool(published.train.get("rad_score_head"))

"""Refuses deep features that only a trained network has, such as the probability of a random last layer."""

from __future__ import annotations

from RadiomicsCoreLib.errors import InputError

from ..networks.network_bundle import NetworkBundle
from ..networks.network_source import IMAGENET, RANDOM, NetworkSource
from ..settings.deep_feature_settings import DeepFeatureSettings, FeatureSource
from ..settings.study_networks import StudyNetwork
from ..settings.training_settings import Task

_OF_THE_LAST_LAYER = (FeatureSource.PROBABILITY, FeatureSource.OUTPUT)


def refuse_untrained(
    source: NetworkSource,
    bundle: NetworkBundle | None,
    features: DeepFeatureSettings | None,
    study: StudyNetwork | None = None,
) -> None:
    """Refuse features that mean nothing without a training.

    What enters the last layer has been learned with published weights, the outputs of that layer have not: its
    thousand ImageNet classes were replaced by random numbers.

    Args:
        source: network and weights.
        bundle: the trained network; None: the weights are no bundle.
        features: where features are read; None: at the network's feature layer.
        study: whose features are meant as the paper made them; None: the user chose the source.

    Raises:
        InputError: one line that says what to train, or what to read instead.
    """
    kind = FeatureSource.LAYER if features is None else FeatureSource(features.source)
    if bundle is not None:
        if kind is FeatureSource.PROBABILITY and bundle.task is not Task.CLASSIFICATION:
            raise InputError(f"the model was trained for {bundle.task.value}: it has no probability; read its output")
        return
    if study is not None and study.training is not None and (source.weights == IMAGENET or study.rad_score_head):
        raise InputError(
            f"the deep features of {study.name} come from a network that is trained first: run 'peritumoral train "
            f"COHORT.csv --study {study.name} … -o trained', then give --weights trained/model"
        )
    is_random = kind is FeatureSource.PENULTIMATE and source.weights == RANDOM
    if kind in _OF_THE_LAST_LAYER or is_random:
        raise InputError(
            f"the {kind.value} of {source.network} with weights {source.weights!r} means nothing: the last layer is "
            "random; give --weights with a model folder that 'peritumoral train' wrote, or read --source layer"
        )

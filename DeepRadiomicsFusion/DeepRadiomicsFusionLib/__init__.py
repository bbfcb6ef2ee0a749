"""CNN features, training, signatures, fusion and explanation. Never imports slicer, qt or ctk."""

from RadiomicsCoreLib.front_door import front_door

__getattr__, __dir__, __all__ = front_door(
    __name__,
    {
        "networks.catalogue": "build_network network_names",
        "deep_features.computing": "compute_deep_features",
        "models.cross_validation": "CrossValidationSettings",
        "models.selection_plan": "SelectionSettings",
        "evaluation.metrics": "evaluate",
        "explanation.shapley": "shapley_values",
        "explanation.feature_correlation": "correlate_features",
        "training.loop": "train_network",
        "settings.training_settings": "TrainingSettings",
        "settings.input_settings": "NetworkInput",
    },
)

"""Cox models, nomograms and their validation. Imports RadiomicsCoreLib alone."""

from RadiomicsCoreLib.front_door import front_door

__getattr__, __dir__, __all__ = front_door(
    __name__,
    {
        "tables.survival_table": "read_survival_table",
        "models.cox": "fit_cox",
        "models.logistic": "fit_logistic",
        "models.lasso_cox": "fit_lasso_cox",
        "models.univariable": "univariable_cox",
        "estimation.kaplan_meier": "kaplan_meier compare_groups",
        "groups.risk_groups": "median_cutoff",
        "nomogram.points": "make_nomogram",
        "nomogram.nomogram_figure": "nomogram_figure",
        "validation.concordance": "harrell_c",
        "validation.calibration": "calibrate",
        "validation.brier": "brier_at",
        "validation.time_dependent_roc": "time_dependent_roc",
        "bundles.bundle": "save_bundle load_bundle",
    },
)

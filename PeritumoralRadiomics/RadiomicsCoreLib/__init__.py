"""What every module shares: jobs, cohorts, images, tables, statistics, selection, provenance."""

from .front_door import front_door

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = front_door(
    __name__,
    {
        "jobs.registry": "job_from load_job verbs",
        "jobs.job": "Job",
        "jobs.result": "JobResult",
        "cohort.table": "read_cohort check_cohort",
        "cohort.joined": "read_joined",
        "images.reading": "read_image",
        "images.masks": "read_mask",
        "statistics.roc": "auc",
        "statistics.icc": "icc",
        "statistics.lasso_logistic": "fit_lasso_logistic",
        "selection.correlation_filter": "CorrelationFilter",
        "selection.lasso": "LassoSelector",
        "files.tables": "read_csv write_csv",
        "errors": "RadiomicsError InputError Cancelled",
    },
)

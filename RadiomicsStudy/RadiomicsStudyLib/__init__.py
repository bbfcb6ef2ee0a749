"""Study recipes, command line, report and sample cohort: the top floor."""

from RadiomicsCoreLib.front_door import front_door

__getattr__, __dir__, __all__ = front_door(
    __name__,
    {
        "report.write_report": "write_report",
        "sample.full_cohort": "make_full_cohort",
        "sample.sample_cohort": "make_sample_cohort",
        "cli": "main",
    },
)

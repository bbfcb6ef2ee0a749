"""``pca``: principal components of chosen features, fitted on the training patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from RadiomicsCoreLib.cohort.joined import listed
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option

from ..bundles.bundle import ModelBundle, load_bundle
from ..models.pca_signature import fit_components, plot_loadings
from ..report.fitting import read_features_of, write_bundle
from ..settings.inputs import Figures, FittedPatients


@dataclass(frozen=True, kw_only=True)
class PcaJob(Figures, FittedPatients, Job):
    """Principal components of the features that models have chosen, or that the user names (liu2025).

    The features are z-scored; as many components are kept as hold a share of the variance. Mean, spread and loadings
    are those of the training patients. No outcome is looked at.

    Writes ``components.csv`` (a row a patient, which ``--features pca=components.csv`` of ``cox`` takes),
    ``loadings.csv`` with a heat map, ``variance.csv`` and ``model/model.json``, with which ``predict`` gives the
    components of new patients.

    Attributes:
        covariates: features; None: those of ``chosen_by``, or all of the feature tables.
        chosen_by: bundles whose models chose the features.
        share: of the variance that is kept.

    Reference:
        Liu et al., Front Oncol 2025, doi 10.3389/fonc.2025.1669200: 12 + 10 + 11 features, at least 95 %.
    """

    verb = "pca"
    published: ClassVar[Mapping[str, Mapping[str, Any]]] = {"liu2025": {"share": 0.95}}

    covariates: tuple[str, ...] | None = option(
        "features to take (default: those of --chosen-by, or all of the feature tables)", None
    )
    chosen_by: tuple[Path, ...] = option(
        "take the features that these models chose (bundles of cox or logistic)", (), many=True, metavar="BUNDLE"
    )
    share: float = option("of the variance that the components keep", 0.95)

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"share is {self.share:g}; give a number above 0 and up to 1")
        if self.covariates and self.chosen_by:
            raise InputError("covariates and chosen_by both say which features to take; give one of them")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Fit and write."""
        names = self._named()
        source = read_features_of(self, names, output)
        progress(0.3, "principal components")
        components = fit_components(source.table, share=self.share)
        output.notes.append(
            f"{len(components.names)} components of {len(components.features)} features keep "
            f"{components.explained.sum():.1%} of the variance"
        )
        write_bundle(output, ModelBundle(components, None, None, source.table.missing), source)
        frame = components.transform(source.table.frame)
        frame.insert(0, source.joined.columns.id or "case_id", source.table.ids)
        output.files["components"] = output.table("components", frame)
        loadings = [
            {"feature": feature, **dict(zip(components.names, column.tolist(), strict=True))}
            for feature, column in zip(components.features, components.loadings.T, strict=True)
        ]
        output.table("loadings", loadings)
        total = components.explained.cumsum()
        variance = [
            {"component": name, "share": float(part), "cumulative": float(together)}
            for name, part, together in zip(components.names, components.explained, total, strict=True)
        ]
        output.table("variance", variance)
        output.figure("loadings", plot_loadings, components)
        progress(1.0, f"{len(components.names)} components")

    def _named(self) -> tuple[str, ...] | None:
        """The features by name; None: all of the tables. Raises InputError."""
        if not self.chosen_by:
            return self.covariates
        found: dict[str, None] = {}
        for path in self.chosen_by:
            bundle = load_bundle(path)
            categories = [term.name for term in bundle.model.terms if term.is_categorical]
            if categories:
                raise InputError(
                    f"the model {path.name} chose categories ({listed(categories)}), which cannot enter a component; "
                    "name the features in covariates"
                )
            found |= dict.fromkeys(term.name for term in bundle.model.terms)
        return tuple(found)

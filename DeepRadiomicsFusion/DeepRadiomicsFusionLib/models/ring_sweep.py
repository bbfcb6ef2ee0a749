"""How wide should the ring be? Every size compared, and an honest figure for whoever chooses the best of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from PeritumoralRadiomicsLib.regions.kinds import TUMOUR
from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress
from RadiomicsCoreLib.statistics.roc import AucComparison, Rate, error_rates

from ..tables.samples import Samples
from .classifiers import quick_auc
from .cross_validation import (
    OUT_OF_FOLD,
    CrossValidationResult,
    CrossValidationSettings,
    MeanAuc,
    compare_folds,
    cross_validate,
)
from .fusion import ColumnLearner, Source
from .workspace import Learner, Model, Workspace

if TYPE_CHECKING:
    import pandas as pd

HONEST = "size chosen inside"
_RADIOMIC = re.compile(r"[A-Za-z0-9.\-]+_(?:firstorder|shape|shape2D|glcm|gldm|glrlm|glszm|ngtdm)_\w+\Z")
_REGION = re.compile(
    r"(?P<union>intra_)?ring_"
    r"(?:(?P<inner>[0-9p]+)_(?P<outer>[0-9p]+)mm|(?:[rf][0-9p]+_)?(?P<kind>[rf])(?P<part>[0-9p]+))\Z"
)


class RegionKind(Enum):
    """Which part of the surroundings a model sees."""

    INTRATUMOUR = "intratumour"
    RING = "ring"
    UNION = "union"


@dataclass(frozen=True)
class SweepRegion:
    """A region by what its name says.

    Attributes:
        name: as in the feature columns.
        kind: tumour, ring or union.
        size: outer border; 0 for the tumour.
        unit: ``mm``, ``radius`` (fraction of the mean radius) or empty for the tumour.
    """

    name: str
    kind: RegionKind
    size: float
    unit: str


@dataclass(frozen=True)
class SweepSource:
    """The features of one region and one family.

    Attributes:
        family: ``radiomics``, ``deep`` or a name given.
        region: the region.
        columns: its features, of all phases.
    """

    family: str
    region: SweepRegion
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """Family and region."""
        return f"{self.family}: {self.region.name}"


@dataclass(frozen=True)
class SweepRow:
    """One region and family, cross-validated.

    Attributes:
        source: region and family.
        auc: mean of the test folds, with Nadeau and Bengio's interval.
        pooled_auc: of the pooled out-of-fold probabilities; models of several folds stand in it, so that it has no
            interval here.
        threshold: best Youden index of the pooled probabilities (song2021); sensitivity and specificity are a
            little too good by it.
        sensitivity, specificity: at the threshold, exact intervals.
        against_tumour: the corrected resampled t test of the folds against the tumour of the same family; None for the
            tumour itself.
    """

    source: SweepSource
    auc: MeanAuc
    pooled_auc: float
    threshold: float
    sensitivity: Rate
    specificity: Rate
    against_tumour: AucComparison | None


@dataclass(frozen=True)
class HonestChoice:
    """What choosing the best size is worth, the choice made inside the inner folds.

    Attributes:
        family: of the sources to choose from.
        auc: mean AUC of the folds of the procedure "choose a size, then fit".
        chosen: how often each region was chosen, over all training parts.
        naive_best: the region with the best AUC of the sweep.
        naive_auc: its AUC, too high by the choice.
    """

    family: str
    auc: MeanAuc
    chosen: Mapping[str, int]
    naive_best: str
    naive_auc: float

    @property
    def optimism(self) -> float:
        """By how much the naive best AUC exceeds the honest one."""
        return self.naive_auc - self.auc.value

    @property
    def summary(self) -> str:
        """One line for notes."""
        often = ", ".join(f"{name} {count} times" for name, count in self.chosen.items())
        return (
            f"{self.family}: the best region of the sweep is {self.naive_best} with AUC {self.naive_auc:.3f}; with the "
            f"region chosen inside the inner folds the AUC is {self.auc.value:.3f} ({self.auc.lower:.3f} to "
            f"{self.auc.upper:.3f}), {abs(self.optimism):.3f} {'lower' if self.optimism >= 0 else 'higher'}; chosen: "
            f"{often}"
        )


@dataclass(frozen=True)
class RingSweep:
    """All sizes, kinds and families.

    Attributes:
        rows: one for each source.
        honest: one for each family; empty if not asked for.
        result: the cross-validation behind it.
    """

    rows: tuple[SweepRow, ...]
    honest: tuple[HonestChoice, ...]
    result: CrossValidationResult

    def table(self) -> pd.DataFrame:
        """One flat row for each source."""
        import pandas as pd

        return pd.DataFrame([_flat(row) for row in self.rows])


@dataclass(frozen=True)
class ChosenModel:
    """The model of the source that was chosen."""

    name: str
    model: Model

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that the model needs."""
        return self.model.features

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """Probability (n,) of the outcome."""
        return self.model.predict(table)


@dataclass(frozen=True)
class ChooseSource:
    """Choose the source with the best AUC of inner out-of-fold probabilities, then fit it.

    Args:
        sources: by name; the first of equals is chosen.
        inner_folds: at least 2.
    """

    sources: Mapping[str, ColumnLearner]
    inner_folds: int = 5

    def __post_init__(self) -> None:
        if not self.sources:
            raise InputError("no region to choose from; give at least one")
        if self.inner_folds < 2:
            raise InputError(f"inner_folds must be at least 2, not {self.inner_folds}")

    def fit(self, samples: Samples, workspace: Workspace) -> ChosenModel:
        """Choose and fit, on the training cases alone."""
        aucs = {
            name: quick_auc(samples.outcome, workspace.inner_predictions(source, samples, self.inner_folds))
            for name, source in self.sources.items()
        }
        best = max(aucs, key=lambda name: aucs[name])
        return ChosenModel(best, workspace.fitted(self.sources[best], samples))


def parse_region(name: str) -> SweepRegion | None:
    """What a region's name says; None for a name that is neither the tumour, a ring nor a union.

    Example:
        >>> region = parse_region("intra_ring_0_4p5mm")
        >>> region.kind.value, region.size, region.unit
        ('union', 4.5, 'mm')
        >>> parse_region("ring_r2").size.__round__(3)
        0.333
    """
    if name == TUMOUR:
        return SweepRegion(name, RegionKind.INTRATUMOUR, 0.0, "")
    match = _REGION.match(name)
    if not match:
        return None
    kind = RegionKind.UNION if match["union"] else RegionKind.RING
    if match["outer"]:
        return SweepRegion(name, kind, _number(match["outer"]), "mm")
    part = _number(match["part"])
    return SweepRegion(name, kind, part / 6 if match["kind"] == "r" else part, "radius")


def sweep_sources(columns: Iterable[str], *, families: Mapping[str, str] | None = None) -> tuple[SweepSource, ...]:
    """Sort feature columns ``<phase>.<region>.<feature>`` by family, kind and size.

    A ring without a union region of its own gets a union of features: the tumour's and the ring's side by side.

    Args:
        columns: names of feature columns; those of other regions take no part.
        families: column to family; default: pyradiomics names are ``radiomics``, all others ``deep``.

    Raises:
        InputError: no ring, or a family without the tumour.
    """
    found: dict[tuple[str, SweepRegion], list[str]] = {}
    for column in columns:
        parts = column.split(".", 2)
        region = parse_region(parts[1]) if len(parts) == 3 else None
        if region is not None:
            family = families[column] if families else feature_family(parts[2])
            found.setdefault((family, region), []).append(column)
    _add_unions(found)
    if not any(region.kind is RegionKind.RING for _, region in found):
        raise InputError("the feature table has no ring regions such as ct.ring_0_3mm.…; extract with rings first")
    for family in dict.fromkeys(family for family, _ in found):
        if not any(name == family and region.kind is RegionKind.INTRATUMOUR for name, region in found):
            raise InputError(f"the {family} features have no {TUMOUR} region to compare rings with")
    order = list(RegionKind)
    keys = sorted(found, key=lambda key: (key[0], key[1].unit, order.index(key[1].kind), key[1].size, key[1].name))
    return tuple(SweepSource(family, region, tuple(found[family, region])) for family, region in keys)


def feature_family(feature: str) -> str:
    """``radiomics`` for a name as pyradiomics makes them, else ``deep``.

    Example:
        >>> feature_family("wavelet-LLH_glcm_Idm"), feature_family("resnet18_12")
        ('radiomics', 'deep')
    """
    return "radiomics" if _RADIOMIC.match(feature) else "deep"


def ring_sweep(
    samples: Samples,
    sources: Sequence[SweepSource],
    learner: Learner,
    settings: CrossValidationSettings | None = None,
    *,
    honest: bool = True,
    inner_folds: int = 5,
    workers: int = 1,
    progress: Progress = no_progress,
) -> RingSweep:
    """Cross-validate the same learner on every region, and choosing among them inside the inner folds.

    Args:
        samples: training cases with all features.
        sources: see :func:`sweep_sources`.
        learner: for every source; a ``RadScoreLearner`` for the signature of wu2021.
        settings: folds, repeats, seed.
        honest: also run the choice of the region inside the inner folds, for each family (takes ``inner_folds`` + 1
            times as long).
        inner_folds: for that choice.
        workers: processes at a time.
        progress: told after each fold.

    Raises:
        InputError, ModelError: as :func:`~DeepRadiomicsFusionLib.models.cross_validation.cross_validate`.
    """
    plain = {s.name: ColumnLearner(Source(learner, s.columns)) for s in sources}
    learners: dict[str, Learner] = dict(plain)
    families = dict.fromkeys(source.family for source in sources)
    if honest:
        for family in families:
            own = {s.region.name: plain[s.name] for s in sources if s.family == family}
            learners[f"{family}: {HONEST}"] = ChooseSource(own, inner_folds)
    result = cross_validate(learners, samples, settings, workers=workers, progress=progress)
    for name, reason in result.failed.items():  # a chart with a gap would look like a size that was not asked for
        raise ModelError(f"{name} cannot be fitted: {reason}")
    rows = tuple(_row(source, sources, result) for source in sources)
    choices = tuple(_honest(family, rows, result) for family in families) if honest else ()
    return RingSweep(rows, choices, result)


def _add_unions(found: dict[tuple[str, SweepRegion], list[str]]) -> None:
    tumours = {family: names for (family, region), names in found.items() if region.kind is RegionKind.INTRATUMOUR}
    for family, region in list(found):
        if region.kind is RegionKind.RING and family in tumours:
            union = SweepRegion(f"intra_{region.name}", RegionKind.UNION, region.size, region.unit)
            found.setdefault((family, union), [*tumours[family], *found[family, region]])


def _row(source: SweepSource, sources: Sequence[SweepSource], result: CrossValidationResult) -> SweepRow:
    found = result.learners[source.name]
    rates = error_rates(result.outcome, found.pooled, found.threshold)
    against = None
    if source.region.kind is not RegionKind.INTRATUMOUR:
        tumour = next(s for s in sources if s.family == source.family and s.region.kind is RegionKind.INTRATUMOUR)
        against = compare_folds(found, result.learners[tumour.name])
    return SweepRow(
        source,
        found.mean_auc,
        quick_auc(result.outcome, found.pooled),
        found.threshold,
        rates["sensitivity"],
        rates["specificity"],
        against,
    )


def _honest(family: str, rows: Sequence[SweepRow], result: CrossValidationResult) -> HonestChoice:
    found = result.learners[f"{family}: {HONEST}"]
    counts = Counter(model.name for model in found.models if isinstance(model, ChosenModel))
    best = max((row for row in rows if row.source.family == family), key=lambda row: row.auc.value)
    return HonestChoice(family, found.mean_auc, dict(counts.most_common()), best.source.region.name, best.auc.value)


def _flat(row: SweepRow) -> dict[str, object]:
    region = row.source.region
    flat: dict[str, object] = {
        "family": row.source.family,
        "region": region.name,
        "kind": region.kind.value,
        "size": region.size,
        "unit": region.unit,
        "features": len(row.source.columns),
        "patients": OUT_OF_FOLD,
        "pooled_auc": row.pooled_auc,
        "threshold": row.threshold,
    }
    for name, figure in (("auc", row.auc), ("sensitivity", row.sensitivity), ("specificity", row.specificity)):
        flat |= {name: figure.value, f"{name}_lower": figure.lower, f"{name}_upper": figure.upper}
    against = row.against_tumour
    return flat | {
        "difference_to_tumour": against.difference if against else float("nan"),
        "p_against_tumour": against.p if against else float("nan"),
    }


def _number(word: str) -> float:
    return float(word.replace("p", "."))

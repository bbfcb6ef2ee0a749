"""``apply``: a trained network or classifier on new patients; the job reads what the bundle is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option

from ..evaluation.metrics import EvaluationSettings
from ..networks.network_bundle import is_network_bundle
from ..settings.training_settings import Device
from ..tables.feature_tables import named_table
from .apply_classifier import apply_classifier
from .apply_network import apply_network
from .cohort_job import device_option
from .table_options import figure_formats_option

_HOLDS = {
    True: ("a network, which reads the images of a cohort table", "cohort.csv"),
    False: ("classifiers, which read tables", "--features NAME=features.csv"),
}
_CLASSIFIERS, _NETWORKS = "bundles of fuse", "bundles of train"


@dataclass(frozen=True, kw_only=True)
class ApplyJob(Job):
    """Predict new patients with a bundle of ``train`` or ``fuse``, and evaluate where the outcome is known.

    What is written is told by :func:`.apply_network.apply_network` and :func:`.apply_classifier.apply_classifier`.

    Attributes:
        bundle: folder or zip of a trained network or of classifiers.
        cohort: images for a network; for classifiers the table with the outcome, or None.
        features: name to feature table, under the names of the training (classifiers).
        positive: text of the end point that means the outcome (classifiers).
        cases: ids of the cases to do; None: all (networks).
        workers: cases at a time; None: all cores as far as memory allows, one on a GPU (networks).
        device: where the network runs.
        resample_masks: bring a mask from another grid to the image's instead of refusing it (networks).
        pictures: draw what the network sees of every case.
        evaluation: bootstrap and permutations, where the outcome is known.
        formats: of the figures; empty draws none.
    """

    verb = "apply"
    result_free = Job.result_free | {"pictures", "device"}

    bundle: Path = option("model folder or zip that train or fuse wrote", positional=True)
    cohort: Path | None = option("cohort table: images, or the outcome to evaluate", None, positional=True)
    features: Mapping[str, Path] = option(
        "feature tables; without a name a table is called as its folder",
        factory=dict,
        read=named_table,
        many=True,
        metavar="NAME=CSV",
        group=_CLASSIFIERS,
    )
    positive: str | None = option("text of the end point that means the outcome", None, group=_CLASSIFIERS)
    cases: tuple[str, ...] | None = option("ids of the cases to do (default: all)", None, group=_NETWORKS)
    workers: int | None = option("cases at a time (default: all cores, as memory allows)", None, group=_NETWORKS)
    device: Device = device_option()
    resample_masks: bool = option("accept masks on another grid", False, group=_NETWORKS)
    pictures: bool = option("draw no pictures of what the network sees", True, off="--no-pictures", group=_NETWORKS)
    evaluation: EvaluationSettings = EvaluationSettings()
    formats: tuple[str, ...] = figure_formats_option()

    def check(self) -> None:
        """Refuse settings that go with the other kind of bundle only."""
        is_network = is_network_bundle(self.bundle)
        of_the_other = ("features", "positive") if is_network else ("cases", "workers", "resample_masks", "pictures")
        changed = [name for name in of_the_other if self._is_changed(name)]
        if changed:
            kind, words = _HOLDS[is_network]
            raise InputError(f"{self.bundle} holds {kind}; leave {changed[0]} out: apply MODEL {words} -o OUT")
        if is_network and self.cohort is None:
            raise InputError(f"{self.bundle} holds a network; name a cohort table with images: apply MODEL cohort.csv")
        if not is_network and not self.features:
            raise InputError(f"{self.bundle} is no network bundle; bundles of fuse need --features NAME=features.csv")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Apply the bundle as what it is."""
        (apply_network if is_network_bundle(self.bundle) else apply_classifier)(self, output, progress)

    def _is_changed(self, name: str) -> bool:
        field = next(field for field in fields(self) if field.name == name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        return getattr(self, name) != default

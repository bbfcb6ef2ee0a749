"""``apply``: a trained network or classifier on new patients; the job reads what the bundle is."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress

from ..networks.network_bundle import is_network_bundle, refuse_torn
from .apply_classifier import apply_classifier
from .apply_network import apply_network
from .apply_options import ApplyOptions

_HOLDS = {
    True: ("a network, which reads the images of a cohort table", "cohort.csv"),
    False: ("classifiers, which read tables", "--features NAME=features.csv"),
}


@dataclass(frozen=True, kw_only=True)
class ApplyJob(ApplyOptions):
    """Predict new patients with a bundle of ``train`` or ``fuse``, and evaluate where the outcome is known.

    What is written is told by :func:`.apply_network.apply_network` and :func:`.apply_classifier.apply_classifier`; the
    settings stand in :class:`.apply_options.ApplyOptions`.
    """

    verb = "apply"

    def check(self) -> None:
        """Refuse settings that go with the other kind of bundle only."""
        if not self.bundle.exists():
            raise InputError(f"there is no model {str(self.bundle)!r}; name the folder or zip that train or fuse wrote")
        refuse_torn(self.bundle)
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

"""What a bundle says of itself, for whoever is about to apply it: read from ``model.json`` alone, without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import ModelError, RadiomicsError
from RadiomicsCoreLib.files.bundle_files import BundleFiles

from ..networks import network_bundle
from ..networks.training_record import record_from_dict
from ..settings.training_settings import Task
from . import classifier_bundle

_DOES = {
    Task.CLASSIFICATION: "says yes or no",
    Task.SURVIVAL: "tells a risk",
    Task.SEGMENTATION: "draws masks",
}


@dataclass(frozen=True)
class BundleCard:
    """A bundle in short.

    Attributes:
        path: of the folder or zip.
        is_network: a network of ``train``, which sees images; else a classifier of ``fuse``, which reads tables.
        task: what it was trained for.
        outputs: end points, ``risk``, or the labels of a mask.
        thresholds: output to the value from which a patient counts as positive; an output may lack one.
        phases, regions: of the training.
        sources: feature table to the settings it was made with (classifiers); plain values.
        engine: program that computed the radiomic features; "" if not known.
        rings: ring settings of a network, plain values; empty for a classifier.
        shown: what a network sees, plain values.
        scores: columns of RadScores that a network takes beside the image.
        cases: patients that it was fitted on; 0 if not known.
        network: name of the network; "" for a classifier.
    """

    path: Path
    is_network: bool
    task: Task
    outputs: tuple[str, ...]
    thresholds: Mapping[str, float]
    phases: tuple[str, ...]
    regions: tuple[str, ...]
    sources: Mapping[str, Any] = field(default_factory=dict)
    engine: str = ""
    rings: Mapping[str, Any] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)
    scores: tuple[str, ...] = ()
    cases: int = 0
    network: str = ""

    @property
    def phase(self) -> str:
        """The phase that it reads first."""
        return self.phases[0] if self.phases else ""

    @property
    def words(self) -> str:
        """Return what it is, in a few lines.

        Example:
            >>> card = BundleCard(Path("m"), True, Task.SURVIVAL, ("risk",), {}, ("ct",), ("ring_0_3mm",), cases=40)
            >>> card.words
            'A network that tells a risk, trained on 40 patients: risk. It sees ring_0_3mm of the phase ct.'
        """
        kind = f"A network that {_DOES[self.task]}" if self.is_network else "A classifier"
        trained = f", trained on {self.cases} patients" if self.cases else ""
        what = f"{kind}{trained}: {', '.join(self.outputs)}."
        looks = "sees" if self.is_network else "reads features of"
        regions = ", ".join(self.regions) or "no region that is named"
        return f"{what} It {looks} {regions} of the phase {', '.join(self.phases) or 'that it is given'}."


def read_card(path: Path | str) -> BundleCard:
    """Read what a bundle says of itself.

    Args:
        path: folder, its ``model.json``, or a zip of the folder.

    Raises:
        ModelError: there is no bundle, or it is none of a network or classifier.
    """
    try:
        files = BundleFiles(path, (network_bundle.WEIGHTS_FILE,))
        kind = files.format()
        if kind == network_bundle.FORMAT:
            return _network(files.path, files.record(kind, network_bundle.VERSION, "train"))
        if kind == classifier_bundle.FORMAT:
            return _classifier(files.path, files.record(kind, classifier_bundle.VERSION, "fuse"))
        if not kind:
            files.record(network_bundle.FORMAT, network_bundle.VERSION, "train")  # says what of it cannot be read
        raise ModelError(f"it is no bundle of train or fuse but a {kind}")
    except RadiomicsError as error:
        raise ModelError(f"model {Path(path).name or str(path)!r}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        words = f"{type(error).__name__}: {error}"
        raise ModelError(f"model {Path(path).name!r} lacks a part or has a wrong one ({words})") from None


def _network(path: Path, record: Mapping[str, Any]) -> BundleCard:
    return BundleCard(
        path,
        True,
        Task(record["task"]),
        tuple(map(str, record["outputs"])),
        {str(name): float(value) for name, value in record["thresholds"].items()},
        tuple(map(str, record["phases"])),
        tuple(map(str, record["regions"])),
        rings=dict(record["rings"]),
        shown=dict(record["input"]),
        scores=tuple(map(str, record["score_names"])),
        cases=len(record["provenance"].get("training_cases", ())),
        network=str(record["architecture"]["network"]),
    )


def _classifier(path: Path, record: Mapping[str, Any]) -> BundleCard:
    trained = record_from_dict(record["trained_on"])
    endpoint = str(record["endpoint"])
    return BundleCard(
        path,
        False,
        Task.CLASSIFICATION,
        (endpoint,),
        {endpoint: float(record["threshold"])},
        trained.phases,
        trained.regions,
        sources=trained.preprocessing,
        engine=trained.engine,
        cases=int((record.get("provenance") or {}).get("cases") or 0),
    )

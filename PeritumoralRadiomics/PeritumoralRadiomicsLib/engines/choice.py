"""The engines by name. An engine is imported when it is asked for, so that none has to be installed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from RadiomicsCoreLib.errors import DependencyError
from RadiomicsCoreLib.settings.rules import check_known

from ..preprocessing.filtered_image import FeatureEngine


@dataclass(frozen=True)
class _Entry:
    module: str
    factory: str
    remedy: str


_ENGINES: dict[str, _Entry] = {
    "native": _Entry("native_engine", "NativeEngine", "install it with 'pip install scipy PyWavelets'"),
    "pyradiomics": _Entry(
        "pyradiomics_engine",
        "PyradiomicsEngine",
        "install it with 'pip install pyradiomics-bhklab' (needs a compiler); "
        "in 3D Slicer install the Radiomics extension",
    ),
}
"""Name to where the engine is made; the first is the default."""
DEFAULT_ENGINE = next(iter(_ENGINES))


def engine_names() -> list[str]:
    """Return the names of the engines, the default first."""
    return list(_ENGINES)


def get_engine(name: str) -> FeatureEngine:
    """Return the engine of this name.

    Raises:
        InputError: no such engine.
        DependencyError: its packages are not installed; the message says how to install them.
    """
    check_known("engine", name, _ENGINES)
    entry = _ENGINES[name]
    try:
        factory = getattr(import_module(f"{__package__}.{entry.module}"), entry.factory)
        return factory()
    except ImportError as error:
        raise DependencyError(f"engine {name} cannot be used ({error}); {entry.remedy}") from error

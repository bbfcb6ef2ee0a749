"""What a user reads when a package that only some settings need is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from RadiomicsCoreLib.errors import DependencyError

# Where the name to import is not the name to install.
_INSTALLED_AS = {"pywt": "PyWavelets", "yaml": "PyYAML", "skimage": "scikit-image", "sklearn": "scikit-learn"}


@contextmanager
def explained_missing_packages(what: str) -> Iterator[None]:
    """Turn a failed import of a package into one line that says how to install it.

    Args:
        what: what needs the package, as the message begins.

    Raises:
        DependencyError: a package is missing.

    Example:
        >>> with explained_missing_packages("these settings"):
        ...     import no_such_package
        Traceback (most recent call last):
        RadiomicsCoreLib.errors.DependencyError: these settings need the package no_such_package; ...
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or str(error)).split(".")[0]
        name = _INSTALLED_AS.get(package, package)
        raise DependencyError(
            f"{what} need the package {name}; install it with: pip install {name} "
            f"(in 3D Slicer: slicer.util.pip_install({name!r}))"
        ) from error

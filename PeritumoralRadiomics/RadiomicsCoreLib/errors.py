"""The errors that users see. Each message says what is wrong, with which value, and what to do."""

from __future__ import annotations


class RadiomicsError(Exception):
    """Base of every error that this project raises on purpose.

    The command line prints its message as one line and exits 2, the Slicer panel shows it,
    and a batch records it for the case and goes on with the next one.

    Example:
        >>> try:
        ...     raise InputError("table.csv has no column 'case_id'; add one")
        ... except RadiomicsError as error:
        ...     print(error)
        table.csv has no column 'case_id'; add one
    """


class InputError(RadiomicsError):
    """A file, table, column or setting cannot be used as given.

    Example:
        >>> issubclass(InputError, RadiomicsError)
        True
    """


class GeometryError(RadiomicsError):
    """Images and masks do not share a grid, or a grid cannot be used."""


class RegionError(RadiomicsError):
    """A tumour mask or a region made from it is empty, too small or otherwise unusable."""


class EmptyMaskError(RegionError):
    """A mask file has nothing inside; of a mask that rings may not enter, that is no fault."""


class ModelError(RadiomicsError):
    """A model cannot be fitted, loaded or applied to these data."""


class DependencyError(RadiomicsError):
    """A package that this step needs is not installed; the message says how to install it."""


class Cancelled(Exception):
    """Raised from a progress callback to stop a long function cleanly. Not a RadiomicsError on purpose:
    nothing that records errors may swallow it.

    Example:
        >>> def stop(fraction, message):
        ...     raise Cancelled("stopped by the user")
        >>> issubclass(Cancelled, RadiomicsError)
        False
    """

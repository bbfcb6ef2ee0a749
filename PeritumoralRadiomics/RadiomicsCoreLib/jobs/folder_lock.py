"""Keeps a second run out of a folder that a run is writing into."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import InputError

LOCK_FILE = ".running"


@contextmanager
def only_run_in(folder: Path) -> Iterator[None]:
    """Hold a folder for one run while the block runs; the system lets go of it even if the process is killed.

    Args:
        folder: exists and can be written.

    Raises:
        InputError: another run holds it.
    """
    path = Path(folder) / LOCK_FILE
    with path.open("a+b") as stream:
        if not (_locked(stream) and _still_there(stream, path)):
            raise InputError(f"another run is writing into {str(folder)!r}; wait for its end or choose another folder")
        try:
            yield
        finally:
            with suppress(OSError):  # Windows removes no open file; an empty one does no harm
                path.unlink()
            _unlock(stream)


def _locked(stream: IO[bytes]) -> bool:
    """Try to lock a file; on a file system without locks every run gets one."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def _still_there(stream: IO[bytes], path: Path) -> bool:
    """Return whether the file that was locked is the one in the folder; a run that just ended took it away."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _unlock(stream: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        with suppress(OSError):
            msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)

"""Opens files in the program that the system has for them: a page in the browser, a picture in its viewer."""

from __future__ import annotations

from pathlib import Path


def open_file(path: Path) -> None:
    """Open a file; nothing happens where the system has no program for it."""
    import qt

    qt.QDesktopServices.openUrl(qt.QUrl(path.as_uri()))

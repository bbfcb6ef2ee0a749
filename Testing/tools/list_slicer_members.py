"""List what Slicer's widgets and window answer to in Python: run it in the application.

    Slicer --no-splash --python-script Testing/tools/list_slicer_members.py members_v5.8.1.csv

A line is a class that the stand-in has, and the names that PythonQt gives it beyond those of QWidget. Names only.
``Testing/gui/test_slicer_calls.py`` holds the stand-in against it: it may have no name that Slicer has not.
"""

from __future__ import annotations

import csv
import sys
from typing import Any

import ctk
import qt
import slicer

CTK = ("ctkCheckableComboBox", "ctkCollapsibleButton", "ctkCollapsibleGroupBox", "ctkPathLineEdit", "ctkSliderWidget")
MRML = ("qMRMLNodeComboBox", "qMRMLTableView", "qMRMLWidget")


def members(thing: Any) -> set[str]:
    """Return the public names of an object."""
    return {name for name in dir(thing) if not name.startswith("_")}


def main(path: str) -> int:
    """Write the list."""
    plain = members(qt.QWidget())
    objects = {name: getattr(ctk, name)() for name in CTK} | {name: getattr(slicer, name)() for name in MRML}
    objects |= {"App": slicer.app, "LayoutManager": slicer.app.layoutManager()}
    with open(path, "w", newline="", encoding="ascii") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("class", "names"))
        writer.writerows((name, " ".join(sorted(members(thing) - plain))) for name, thing in sorted(objects.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""List what Slicer's own Python code calls of Qt, CTK and Slicer: ``python Testing/tools/list_slicer_calls.py SOURCE``.

SOURCE is a folder with Slicer's source, for example of a tag:

    git -C Slicer archive v5.8.1 Modules Base Extensions Utilities | tar x -C SOURCE
    python Testing/tools/list_slicer_calls.py SOURCE > Testing/reference/slicer_calls/calls_v5.8.1.csv

A line is a file and the names that are seen in it and in no line above. Names only, no code:

- ``qt.QTimer.singleShot``: from a module down, with every part before its last one;
- ``.currentIndex``: an attribute or method of any object, as Qt writes them (a small letter first, no underscore);
- ``clicked(bool)``: a signal that something is connected to.

What a file of ``Base/Python/slicer`` defines for all is seen there, too: ``slicer.util.saveScene``.

``Testing/gui/test_slicer_calls.py`` asks this list for what our panels call; :func:`calls_in` reads both sides.
"""

from __future__ import annotations

import ast
import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

MODULES = ("qt", "ctk", "slicer")
PACKAGE = "Base/Python/slicer"
_QT_NAME = re.compile(r"[a-z][A-Za-z0-9]*")
_SIGNAL = re.compile(r"\w+\([^()]*\)")


def calls_in(text: str) -> set[str]:
    """Return the names that a Python file uses of Qt, CTK and Slicer.

    Example:
        >>> sorted(calls_in('qt.QTimer().start(5); box.connect("clicked(bool)", f); node.GetID()'))
        ['.connect', '.start', 'clicked(bool)', 'qt.QTimer']
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            found.update(_names(node))
        elif isinstance(node, ast.Call):
            found.update(_signals(node))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.update(f"{node.module}.{item.name}" for item in node.names)
    return found


def _names(node: ast.Attribute) -> Iterator[str]:
    parts: list[str] = [node.attr]
    owner = node.value
    while isinstance(owner, ast.Attribute):
        parts.append(owner.attr)
        owner = owner.value
    if isinstance(owner, ast.Name) and owner.id in MODULES:
        yield ".".join([owner.id, *reversed(parts)])
    elif _QT_NAME.fullmatch(node.attr):
        yield f".{node.attr}"


def _signals(node: ast.Call) -> Iterator[str]:
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("connect", "disconnect"):
        for argument in node.args[:2]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                signal = argument.value.replace(" ", "")
                if _SIGNAL.fullmatch(signal):
                    yield signal


def defined_in(text: str, module: str) -> set[str]:
    """Return what a Python file defines for those who import it.

    Example:
        >>> sorted(defined_in("def saveScene(path): pass\\ndef _hidden(): pass", "slicer.util"))
        ['slicer.util.saveScene']
    """
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = [node.name for node in ast.parse(text).body if isinstance(node, kinds)]
    return {f"{module}.{name}" for name in names if not name.startswith("_")}


def seen_in(source: Path) -> dict[str, str]:
    """Return the names that the Python files of a folder use, each with the first file that does.

    Args:
        source: the folder.

    Returns:
        name to path within the folder, in order of the names.
    """
    seen: dict[str, str] = {}
    for path in sorted(source.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        try:
            names = calls_in(text)
        except SyntaxError:  # templates hold placeholders
            continue
        if path.parent == source / PACKAGE:
            names |= defined_in(text, f"slicer.{path.stem}")
        for name in names:
            seen.setdefault(name, path.relative_to(source).as_posix())
    return dict(sorted(seen.items()))


def main(words: list[str]) -> int:
    """Write the list to standard output."""
    names: dict[str, list[str]] = {}
    for name, path in seen_in(Path(words[0])).items():
        names.setdefault(path, []).append(name)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("seen_in", "names"))
    writer.writerows((path, " ".join(found)) for path, found in sorted(names.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Write the file lists of every module's CMakeLists.txt from the files that are there.

Slicer installs only what a CMakeLists.txt names, so a file that is forgotten is missing only once the
extension is installed. Run this after adding, moving or removing a file of a module:

    python Testing/tools/list_scripts.py            rewrite the lists
    python Testing/tools/list_scripts.py --check    only say which lists are out of date (exit 1)
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")
DATA_SUFFIXES = {".csv", ".html", ".json", ".safetensors", ".txt", ".yaml", ".yml", ".css", ".js", ".svg"}


def is_source(path: Path) -> bool:
    """Whether the file belongs to the source tree: no cache, no hidden file."""
    return path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def libraries(module: Path) -> list[Path]:
    """The Lib packages of a module folder, in order."""
    return sorted(folder for folder in module.glob("*Lib") if folder.is_dir())


def scripts_of(module: Path) -> list[str]:
    """What MODULE_PYTHON_SCRIPTS must hold: the main script where it exists, then every Lib file."""
    main = ["${MODULE_NAME}.py"] if (module / f"{module.name}.py").is_file() else []
    found = [path.relative_to(module) for library in libraries(module) for path in library.rglob("*.py")]
    return main + sorted(path.as_posix() for path in found if is_source(module / path))


def resources_of(module: Path) -> list[str]:
    """What MODULE_PYTHON_RESOURCES must hold: every file of Resources and every data file of the Libs."""
    found = [path for path in (module / "Resources").rglob("*") if is_source(path)]
    for library in libraries(module):
        found += [p for p in library.rglob("*") if p.suffix in DATA_SUFFIXES and is_source(p)]
    return sorted(path.relative_to(module).as_posix() for path in found)


def rewritten(text: str, lists: dict[str, list[str]]) -> str:
    """Return the text of a CMakeLists.txt with the named ``set(NAME ...)`` blocks replaced.

    Raises:
        ValueError: a block is missing.

    Example:
        >>> print(rewritten("set(FILES\\n  old.py\\n  )", {"FILES": ["a.py", "b.py"]}))
        set(FILES
          a.py
          b.py
          )
    """
    for name, entries in lists.items():
        block = f"set({name}\n" + "".join(f"  {entry}\n" for entry in entries) + "  )"
        text, count = re.subn(rf"set\({name}\b[^)]*\)", block.replace("\\", r"\\"), text)
        if count != 1:
            raise ValueError(f"CMakeLists.txt must have exactly one set({name} ...), it has {count}")
    return text


def up_to_date(module: Path) -> str:
    """Return what the CMakeLists.txt of a module should say."""
    text = (module / "CMakeLists.txt").read_text(encoding="utf-8")
    lists = {"MODULE_PYTHON_SCRIPTS": scripts_of(module), "MODULE_PYTHON_RESOURCES": resources_of(module)}
    return rewritten(text, lists)


def main(arguments: list[str] | None = None) -> int:
    """Rewrite or check every module's lists; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if a list is out of date")
    check = parser.parse_args(arguments).check
    stale = 0
    for module in (ROOT / name for name in MODULES):
        path, text = module / "CMakeLists.txt", up_to_date(module)
        if text == path.read_text(encoding="utf-8"):
            continue
        stale += 1
        print(f"{path.relative_to(ROOT)} {'is out of date' if check else 'rewritten'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())

"""What a machine lacks for an installation: looked for before anything is written, each with its remedy.

Standard library only, and understood by Python 3.8, as ``quickstart.py``, which asks. Every function returns one line,
"" if nothing is lacking.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import sysconfig
from pathlib import Path

EXTRAS_THAT_COMPILE = {"pyradiomics", "dev"}
FREE_GB = 2.0
FURTHER_GB = {"deep": 6.0}  # PyTorch with its CUDA libraries, as Linux gets it by default


def first_problem(folder: Path, extras: tuple) -> str:
    """Say what is lacking first; "" if nothing is."""
    compiler = compiler_problem() if set(extras) & EXTRAS_THAT_COMPILE else ""
    return venv_problem() or disk_problem(folder, extras) or compiler


def venv_problem(find_spec=importlib.util.find_spec) -> str:
    """Say that Python comes without venv and ensurepip (Debian ships them apart)."""
    if find_spec("venv") is not None and find_spec("ensurepip") is not None:
        return ""
    return (
        "this Python cannot make virtual environments: on Debian or Ubuntu run "
        f"'sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv', then run again"
    )


def disk_problem(folder: Path, extras: tuple = (), free_bytes: float | None = None) -> str:
    """Say that the installation would fill the disk."""
    needed_gb = FREE_GB + sum(FURTHER_GB.get(extra, 0.0) for extra in extras)
    free_gb = (shutil.disk_usage(folder).free if free_bytes is None else free_bytes) / 1e9
    if free_gb >= needed_gb:
        return ""
    return (
        f"only {free_gb:.1f} GB free in {folder}, the installation needs {needed_gb:.0f} GB: "
        "free some space or move this folder to a larger disk"
    )


def compiler_problem(which=shutil.which, include: str | None = None) -> str:
    """Say that pyradiomics (source only) cannot be compiled here."""
    if os.name == "nt":
        return ""  # the compiler is not on the PATH there; a failure is read from pip's log
    remedy = "on Debian or Ubuntu run 'sudo apt install build-essential python3-dev', on macOS 'xcode-select --install'"
    named = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if not any(which(name) for name in (named, "cc", "gcc", "clang")):
        return f"no C compiler found, pyradiomics needs one: {remedy}"
    header = Path(include or sysconfig.get_paths()["include"]) / "Python.h"
    if not header.is_file():
        return f"Python's headers are missing ({header}), pyradiomics needs them: {remedy}"
    return ""

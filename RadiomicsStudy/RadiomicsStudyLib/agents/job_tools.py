"""A job for an assistant: checked, run in a process of its own, and its folder told in words and numbers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.private_paths import without_folders
from RadiomicsCoreLib.jobs.process import FAILED, Line, job_command, read_line
from RadiomicsCoreLib.jobs.record import job_text
from RadiomicsCoreLib.jobs.registry import job_class, job_from, verbs
from RadiomicsCoreLib.settings.json_schema import Schema, json_schema

from .one_folder import OneFolder

OUT = "out"
Tell = Callable[[float, str], Awaitable[None]]
_MOST_FILES = 200
_NOTES_LIMIT = 4000


def job_schema(verb: str) -> Schema:
    """Return the arguments of a verb's tool: the settings of its job, and the folder that it writes."""
    schema = json_schema(job_class(verb))
    out: Schema = {"type": "string", "format": "path", "description": "output folder: new, empty, or of this same job"}
    return {
        **schema,
        "properties": {OUT: out, **schema["properties"]},
        "required": [OUT, *schema.get("required", [])],
    }


def job_description(verb: str) -> str:
    """Return the first sentence of what a verb's job says of itself."""
    words = (job_class(verb).__doc__ or verb).strip().split("\n\n")[0]
    return " ".join(words.split())


def job_verbs() -> tuple[str, ...]:
    """The verbs that are offered: all."""
    return verbs()


async def run_job(folder: OneFolder, verb: str, arguments: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Check and run one job; return what it left behind.

    Args:
        folder: what may be read and written.
        verb: of the job.
        arguments: its settings as plain values, and ``out``; relative paths begin in the folder.
        tell: awaited with the fraction done and a message, a step each.

    Returns:
        status ("done", "partly", "nothing"), message, out, and the files written with their sizes in bytes.

    Raises:
        InputError: a wrong setting, or a path outside the folder.
        RadiomicsError: the job failed; the message says why.
    """
    settings = dict(arguments)
    out = _output_folder(folder, settings.pop(OUT, None))
    job = job_from({**settings, "verb": verb}, folder=folder.root)
    folder.check(job)
    job.check()
    with tempfile.TemporaryDirectory() as private:
        job_file = Path(private) / "job.yaml"
        job_file.write_text(job_text(job), encoding="utf-8")
        last = await _follow(job_command(sys.executable, job_file, out), tell)
    if last is None:
        raise RadiomicsError(f"{verb} ended without a word; start it anew, or use fewer workers if memory is short")
    if last.status in FAILED:
        raise RadiomicsError(without_folders(last.message, [folder.root]) or f"{verb}: {last.status}")
    return {"status": last.status, "message": last.message, OUT: folder.shown(out), **told(folder, out)}


def _output_folder(folder: OneFolder, name: Any) -> Path:
    if not isinstance(name, str) or not name.strip():
        raise InputError("out is missing; name the output folder, inside the folder that this server may use")
    out = folder.inside(name)
    if out == folder.root:
        raise InputError("out is the whole folder; name a folder in it")
    if out.exists() and not out.is_dir():
        raise InputError(f"out is {name!r}, a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / "job.yaml").is_file() and not (out / "cases").is_dir():
        raise InputError(f"out is {name!r}, which holds other files; name a new folder")
    return out


def told(folder: OneFolder, out: Path) -> dict[str, Any]:
    """Return the files of an output folder (those of cases aside) and its notes, as an assistant reads them."""
    files = [path for path in sorted(out.rglob("*")) if path.is_file() and "cases" not in path.relative_to(out).parts]
    notes = out / "notes.txt"
    return {
        "files": {folder.shown(path): path.stat().st_size for path in files[:_MOST_FILES]},
        "notes": notes.read_text(encoding="utf-8")[:_NOTES_LIMIT] if notes.is_file() else "",
    }


async def _follow(words: list[str], tell: Tell) -> Line | None:
    """Run a job's process and tell its lines; end it and its children if the caller is cancelled."""
    import anyio
    from anyio.streams.text import TextReceiveStream

    own_group: dict[str, Any] = {"start_new_session": True} if os.name != "nt" else {}
    last: Line | None = None
    process = await anyio.open_process(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **own_group
    )
    try:
        assert process.stdout is not None
        pending = ""
        async for chunk in TextReceiveStream(process.stdout, errors="replace"):
            *lines, pending = (pending + chunk).split("\n")
            for line in filter(None, map(read_line, lines)):
                last = line if line.status else last
                if line.fraction is not None:
                    await tell(line.fraction, line.message)
        await process.wait()
    finally:
        if process.returncode is None:
            _end_tree(process.pid)
            with anyio.CancelScope(shield=True):
                await process.wait()
    return last


def _end_tree(pid: int) -> None:
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)

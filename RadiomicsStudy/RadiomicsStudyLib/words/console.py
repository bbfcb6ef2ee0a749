"""What the command line shows while it works: a progress bar, tables and the files to open."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from RadiomicsCoreLib.files.safe_names import one_line
from RadiomicsCoreLib.progress import Progress

from .ascii_output import ENCODING, in_ascii

_CASE_WIDTH = 30


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show a bar with the time left while the block runs; where there is no terminal, one line a step."""
    if not sys.stderr.isatty():
        yield lambda fraction, message: print(f"{title} {100 * fraction:3.0f} %  {message}", file=sys.stderr)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}", markup=False),
    )
    with Bar(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(title, total=1.0, message="")
        yield lambda fraction, message: bar.update(task, completed=fraction, message=message)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; texts are shown as they are, never read as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # The stream is named, as rich asks it for its encoding: in ASCII the frame is drawn with +-|.
    console = Console(file=sys.stdout)
    table = Table(title=printable(title), title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    console.print(table)


def printable(text: str) -> str:
    """Return a text as it will stand in the output, so that columns can be made wide enough for it."""
    return in_ascii(text) if getattr(sys.stdout, "encoding", "") == ENCODING else text


def print_files(files: Mapping[str, Path]) -> None:
    """Name the files to open, one line each."""
    print("Open:")
    for what, path in files.items():
        print(f"  {what}: {path}")


def print_failures(failed: Iterable[tuple[str, str]]) -> None:
    """Print case and reason of what failed as a table of one line each, however long: it can be searched."""
    rows = [(printable(one_line(case_id)), printable(one_line(reason))) for case_id, reason in failed]
    if not rows:
        return
    width = min(_CASE_WIDTH, max(len(case_id) for case_id, _ in rows))
    print(f"Failed ({len(rows)}):")
    print(f"  {'case':{width}}  why")
    for case_id, reason in rows:
        print(f"  {case_id:{width}}  {reason}")


def print_lines(lines: Iterable[str]) -> None:
    """Print plain lines."""
    for line in lines:
        print(line)

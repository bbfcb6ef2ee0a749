"""The five checklists as tables: what the program knows is filled in, the rest is marked for the author."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from RadiomicsCoreLib.files.tables import write_csv

from ..table import rows_of
from .facts import Facts

FOR_AUTHOR = "for the author"
# File -> name, what it is, citation. Items in this project's own short words, under the checklist's numbers.
CHECKLISTS = {
    "clear": ("CLEAR", "58 items", "Kocak B et al. Insights Imaging 2023;14:75. doi 10.1186/s13244-023-01415-8"),
    "metrics": ("METRICS", "30 items", "Kocak B et al. Insights Imaging 2024;15:8. doi 10.1186/s13244-023-01572-w"),
    "tripod_ai": ("TRIPOD+AI", "27 items", "Collins GS et al. BMJ 2024;385:e078378. doi 10.1136/bmj-2023-078378"),
    "probast_ai": (
        "PROBAST+AI",
        "its domains, in our order and words; not its 34 questions verbatim",
        "Moons KGM et al. BMJ 2025;388:e082505. doi 10.1136/bmj-2024-082505",
    ),
    "ibsi": (
        "IBSI reporting guidelines",
        "abridged by topic",
        "Zwanenburg A et al. Radiology 2020;295:328. doi 10.1148/radiol.2020191145",
    ),
}


@dataclass(frozen=True)
class Item:
    """One line of a checklist; ``answer`` is "" where only the author can say."""

    number: str
    section: str
    item: str
    answer: str

    @property
    def state(self) -> str:
        """Who fills it."""
        return "filled" if self.answer else FOR_AUTHOR


@dataclass(frozen=True)
class Checklist:
    """A checklist with its items."""

    key: str
    name: str
    about: str
    citation: str
    items: tuple[Item, ...]

    @property
    def filled(self) -> int:
        """Items that the program filled."""
        return sum(bool(item.answer) for item in self.items)


def filled_checklists(facts: Facts) -> list[Checklist]:
    """Return the checklists, filled with what is known."""
    return [
        Checklist(key, name, about, citation, tuple(_items(key, facts)))
        for key, (name, about, citation) in CHECKLISTS.items()
    ]


def _items(key: str, facts: Facts) -> Iterable[Item]:
    for row in rows_of(Path(__file__).with_name(f"{key}.csv")):
        yield Item(row["number"], row["section"], row["item"], facts.answer(row["facts"]))


def write_checklists(checklists: Sequence[Checklist], folder: Path) -> list[Path]:
    """Write each checklist as CSV below ``folder``, to be filled by the author; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for checklist in checklists:
        paths.append(folder / f"{checklist.key}.csv")
        rows = [
            {"number": i.number, "section": i.section, "item": i.item, "state": i.state, "answer": i.answer, "page": ""}
            for i in checklist.items
        ]
        write_csv(paths[-1], rows)
    return paths

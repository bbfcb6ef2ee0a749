"""Folder names for case ids: whatever an id says, its folder stays inside the output folder."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from ..errors import InputError

MAX_BYTES = 100
_HASH_DIGITS = 12
_FORBIDDEN = frozenset('<>:"/\\|?*')
_LOOKS_HASHED = re.compile(rf"-[0-9a-f]{{{_HASH_DIGITS}}}\Z", re.IGNORECASE)
_RESERVED_ON_WINDOWS = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{device}{digit}" for device in ("com", "lpt") for digit in "0123456789¹²³"]
)


def safe_folder_name(case_id: str) -> str:
    """Return a folder name for a case id that every file system takes and that never leads elsewhere.

    A plain id (letters of any alphabet, digits, spaces, ``_ - . ,`` and the like) is its own folder name.
    Any other id is made plain and gets a hash of the whole id behind it, so two different ids never share
    a name. (Ids that differ in upper and lower case only have names that differ so too; the cohort table
    refuses such pairs, because Windows and macOS take them for one folder.)

    Args:
        case_id: the id as in the cohort table, not empty.

    Returns:
        A name of at most 100 bytes (UTF-8) without separators, not hidden, not reserved on Windows.

    Raises:
        InputError: the id is empty.

    Example:
        >>> safe_folder_name("STS_002")
        'STS_002'
        >>> safe_folder_name("../x")
        '_._x-d6b96a97d147'
    """
    if not case_id.strip():
        raise InputError("a case id is empty; give every case an id")
    plain = _plain(case_id)
    if plain == case_id and not _LOOKS_HASHED.search(case_id) and _fits(case_id):
        return case_id
    return f"{_cut(plain, MAX_BYTES - _HASH_DIGITS - 1)}-{_hash(case_id)}"


def one_line(text: str) -> str:
    """Return a text for a line of a message: every line break and run of spaces becomes one space.

    Example:
        >>> one_line("Doe\\nJohn")
        'Doe John'
    """
    return " ".join(text.split())


def _plain(text: str) -> str:
    # macOS takes composed and decomposed letters for the same name: keep to the composed form.
    text = unicodedata.normalize("NFC", text)
    text = "".join("_" if _is_forbidden(letter) else letter for letter in text)
    text = re.sub(r"^[. ]|[. ]$", "_", text)
    if text.split(".")[0].rstrip().casefold() in _RESERVED_ON_WINDOWS:
        text = "_" + text
    return text


def _is_forbidden(letter: str) -> bool:
    category = unicodedata.category(letter)
    return letter in _FORBIDDEN or category[0] == "C" or (category[0] == "Z" and letter != " ")


def _fits(text: str) -> bool:
    return len(text.encode("utf-8")) <= MAX_BYTES


def _cut(text: str, size: int) -> str:
    return text.encode("utf-8")[:size].decode("utf-8", "ignore")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]

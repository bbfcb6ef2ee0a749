"""How many cores a job may use, and how much memory there is."""

from __future__ import annotations

import os


def free_cores() -> int:
    """Return how many cores a job on one image uses: one stays free for the window."""
    return max(1, (os.cpu_count() or 2) - 1)


def machine_memory_gb() -> float:
    """Return the memory of this machine in GB; infinite where the system does not tell (Windows).

    Example:
        >>> machine_memory_gb() > 0.1
        True
    """
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (AttributeError, ValueError, OSError):
        return float("inf")

"""How many cores a job may use."""

from __future__ import annotations

import os


def free_cores() -> int:
    """Return how many cores a job on one image uses: one stays free for the window."""
    return max(1, (os.cpu_count() or 2) - 1)

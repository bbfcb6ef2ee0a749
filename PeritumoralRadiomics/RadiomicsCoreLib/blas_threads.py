"""One thread for small matrices: several BLAS threads wait for each other longer than they compute."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

_LOG = logging.getLogger(__name__)
_LOCK = Lock()
_ACTIVE: list[Any] = []


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Keep numpy's and scipy's BLAS to one thread inside the block; may be entered from several threads at once.

    Without the package threadpoolctl (it comes with scikit-learn) nothing is changed: set
    ``OPENBLAS_NUM_THREADS=1`` before Python starts instead.
    """
    controller = _controller()
    if controller is None:
        yield
        return
    with _LOCK:
        # The first to enter sets the limit, the last to leave lifts it: it holds for the whole process.
        _ACTIVE.append(controller.limit(limits=1, user_api="blas") if not _ACTIVE else None)
    try:
        yield
    finally:
        with _LOCK:
            if len(_ACTIVE) == 1:
                _ACTIVE[0].restore_original_limits()
                _ACTIVE.clear()
            else:
                _ACTIVE.pop()


@cache
def _controller() -> Any:
    try:
        # Loads the libraries that are to be limited, scipy's own BLAS among them.
        import scipy.linalg.lapack  # noqa: F401
        from threadpoolctl import ThreadpoolController
    except ImportError:
        _LOG.debug("threadpoolctl is not installed: BLAS keeps its number of threads")
        return None
    return ThreadpoolController()

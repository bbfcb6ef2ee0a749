"""Small jobs in a few threads, their results in the jobs' order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from RadiomicsCoreLib.errors import InputError

T = TypeVar("T")

_AHEAD = 4  # jobs that may wait for each thread: enough to keep it busy, few enough to hold few images in memory


def check_threads(threads: int) -> int:
    """Return the number of threads. Raises InputError unless it is a whole number of at least 1."""
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise InputError(f"threads must be a whole number of at least 1; it is {threads!r}")
    return threads


def in_order(jobs: Iterable[Callable[[], T]], threads: int) -> Generator[T, None, None]:
    """Yield the jobs' results in the jobs' order; with more than one thread, later jobs run meanwhile.

    The jobs are drawn in the caller's thread, so that making a job (filtering an image) goes on while earlier
    ones run. With one thread everything happens there, one job after the other. When the caller stops early,
    jobs that have not begun never do.

    Args:
        jobs: called once each; they must not depend on each other.
        threads: number of threads beside the caller's own; 1 starts none.

    Example:
        >>> list(in_order([lambda: 1, lambda: 2, lambda: 3], threads=2))
        [1, 2, 3]
    """
    if check_threads(threads) == 1:
        for job in jobs:
            yield job()
        return
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for job in jobs:
            waiting.append(pool.submit(job))
            while waiting and (waiting[0].done() or len(waiting) > _AHEAD * threads):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

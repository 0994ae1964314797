"""Work in threads, results in order, memory flat. Pillow and hashlib release the interpreter lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_WORKERS = 16  # each may hold one decoded picture of up to 256 MiB
AHEAD = 4  # items in hand per worker


def default_workers() -> int:
    """One thread per processor, at most MOST_WORKERS."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


def ordered_map(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Iterator[Result]:
    """`map(work, items)` in `workers` threads; at most AHEAD items per worker are under way at any time."""
    count = default_workers() if workers is None else workers
    waiting: deque[Future[Result]] = deque()
    executor = ThreadPoolExecutor(count, thread_name_prefix="tfxfer-data")
    try:
        for item in items:
            waiting.append(executor.submit(work, item))
            if len(waiting) >= count * AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)

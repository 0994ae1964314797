"""Work in threads, results in order, memory flat. Pillow and hashlib release the interpreter lock."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

from tfxfer.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_WORKERS = 16  # each may hold one decoded picture of up to 256 MiB
AHEAD = 4  # items in hand per worker
TIMEOUT_S = 300.0  # for one item


def default_workers() -> int:
    """One thread per processor, at most MOST_WORKERS."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


def ordered_map(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    name: Callable[[Item], str] = str,
) -> Iterator[Result]:
    """`map(work, items)` in `workers` threads; at most AHEAD items per worker are under way at any time.

    Raises:
        DataError: an item is not done within `timeout_s`, and is named. Its thread is left behind: a read from a
            disk that does not answer cannot be ended.
    """
    count = default_workers() if workers is None else workers
    tasks: queue.SimpleQueue[tuple[Future[Result], Item] | None] = queue.SimpleQueue()
    waiting: deque[tuple[Future[Result], Item]] = deque()
    # Not an executor's threads: those are waited for when the interpreter ends.
    threads = [
        threading.Thread(target=_work, args=(work, tasks), name=f"tfxfer-data-{number}", daemon=True)
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    late = False
    try:
        for item in items:
            waiting.append((Future(), item))
            tasks.put(waiting[-1])
            if len(waiting) >= count * AHEAD:
                yield _done(waiting.popleft(), timeout_s, name)
        while waiting:
            yield _done(waiting.popleft(), timeout_s, name)
    except _Late as error:
        late = True
        raise DataError(str(error)) from error
    finally:
        for future, _ in waiting:
            future.cancel()
        for _ in range(count):
            tasks.put(None)
        for thread in threads:  # what they write to may be closed next
            thread.join(0.0 if late else None)


def _work(
    work: Callable[[Item], Result], tasks: queue.SimpleQueue[tuple[Future[Result], Item] | None]
) -> None:
    while (task := tasks.get()) is not None:
        future, item = task
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work(item))
            except BaseException as error:  # noqa: BLE001 - goes on to who asks for the result
                future.set_exception(error)


def _done(task: tuple[Future[Result], Item], timeout_s: float, name: Callable[[Item], str]) -> Result:
    future, item = task
    try:
        return future.result(timeout_s)
    except TimeoutError as error:
        if future.done():  # the work's own
            raise
        raise _Late(
            f"every file must be read within {timeout_s:g} s. Received: '{name(item)}', which is not done. Look at the "
            "disk or the network that it lies on, or raise data.timeout_seconds."
        ) from error


class _Late(Exception):
    """An item is not done in time."""

"""How many threads a solver gets: small matrices are multiplied sooner by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

WORTH_SHARING = 10**8  # multiplications in one step of a solver; below it, threads wait for each other


@contextmanager
def solver_threads(multiplications: int) -> Iterator[None]:
    """One thread of linear algebra for the length of the block, unless a step has work for more.

    Solving the head of 726 pictures with 1,280 features took 0.4 s with one thread and 4.6 s with two, on two
    busy cores; most of the latter is waiting.
    """
    limit = 1 if multiplications < WORTH_SHARING else None
    with threadpool_limits(limit, user_api="blas"):
        yield

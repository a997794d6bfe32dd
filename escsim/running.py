"""Running much work block by block: on the threads of this machine or on a cluster, and with what is finished kept in a folder.

What is worked out for a block of trajectories depends on the block alone, and integers add up in any order. So where
it is done, how often it is begun anew and what is lost on the way do not show in the result.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from escsim import files

T = TypeVar("T")
Sums = dict[str, NDArray[np.int64]]  # counts by name
Block = tuple[int, int]  # the number of the first trajectory, and how many there are

RETRIES = 3  # of a block whose worker raises an error; that of a worker who is lost goes to another by itself


def usable_threads() -> int:
    """Give how many processors this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def add(total: Sums | None, part: Sums) -> Sums:
    """Add counts to a total, which is changed, or begin one."""
    if total is None:
        return part
    for name, counts in part.items():
        total[name] += counts
    return total


class Folder:
    """Finished blocks, each in a file of its own that is whole or absent.

    Parameters
    ----------
    path : Path
        Made when the first block is kept. It must be for one work only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _file(self, first: int, n: int) -> Path:
        return self.path / f"{first}-{first + n - 1}.npz"

    def read(self, first: int, n: int) -> Sums | None:
        """Give what a block adds up to, None if it is not there or damaged."""
        data = files.unsealed(self._file(first, n))
        if data is None:
            return None
        with np.load(BytesIO(data)) as kept:
            return dict(kept)

    def write(self, first: int, n: int, sums: dict[str, Any]) -> None:
        """Keep what a block adds up to."""
        data = BytesIO()
        np.savez_compressed(data, **sums)
        files.seal(self._file(first, n), data.getvalue())


def run(
    work: Callable[[int, int], T],
    blocks: Iterable[Block],
    *,
    threads: int | None = None,
    client: Any = None,
    folder: Folder | None = None,
) -> Generator[tuple[int, T], None, None]:
    """Do some work for each block, several at a time.

    Parameters
    ----------
    work : callable
        Takes the first trajectory of a block and their number. For a cluster it must be fit to be pickled.
    blocks : iterable of (int, int)
    threads : int, optional
        By default as many as there are processors to use.
    client : dask.distributed.Client, optional
        Its workers do it instead. What a lost worker had is done again by another.
    folder : Folder, optional
        What is there is not done again, and what is done is kept there; for work that gives `Sums`.

    Yields
    ------
    n : int
        How many trajectories the block has.
    done
        What the work gave; in the order of the blocks.
    """
    workers = max(1, threads or usable_threads()) if client is None else max(8, sum(client.nthreads().values()))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="escsim")  # which starts threads as it needs them
    sent = (
        None if client is None else client.submit(_itself, work, pure=False)
    )  # once for all blocks; made anew should the worker that has it be lost
    waiting: deque[tuple[Block, Any, bool]] = deque()

    def begin(block: Block) -> None:
        done: Any = folder.read(*block) if folder else None
        fresh = done is None
        if fresh:
            done = pool.submit(work, *block) if client is None else client.submit(_done, sent, *block, pure=False, retries=RETRIES)
        waiting.append((block, done, fresh))

    def end() -> tuple[int, Any]:
        block, done, fresh = waiting.popleft()
        if fresh:
            done = done.result()
            if folder:
                folder.write(*block, done)
        return block[1], done

    try:
        for block in blocks:
            begin(block)
            if len(waiting) == 2 * workers:
                yield end()
        while waiting:
            yield end()
    finally:
        for _, future, fresh in waiting:
            if fresh:
                future.cancel()
        pool.shutdown()


def _itself(work: T) -> T:
    return work


def _done(work: Callable[[int, int], T], first: int, n: int) -> T:
    return work(first, n)

"""Process items in threads, ahead of the consumer, with results in the items' order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def in_advance(work: Callable[[ItemT], ResultT], items: Iterable[ItemT], threads: int) -> Iterator[ResultT]:
    """Yield work(item) in the items' order; threads compute the next ones in advance, two for each thread.

    This pays off where the work releases the GIL, as OpenCV does."""
    with ThreadPoolExecutor(threads) as pool:
        queue = deque[Future[ResultT]]()
        for item in items:
            queue.append(pool.submit(work, item))
            if len(queue) > 2 * threads:
                yield queue.popleft().result()
        while queue:
            yield queue.popleft().result()

"""One step ahead: a source is read in a thread of its own while what it gave is worked on."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

_END = object()


def ahead[T](source: Iterable[T]) -> Iterator[T]:
    """The source's values in their order, the next one being made already; its errors are raised here."""
    values = iter(source)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(next, values, _END)
        while (value := coming.result()) is not _END:
            coming = thread.submit(next, values, _END)
            yield cast("T", value)  # not the end

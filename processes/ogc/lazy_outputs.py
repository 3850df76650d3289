"""Outputs that cost something to make: made when they are asked for, and not before."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class LazyOutputs(Mapping[str, Any]):
    """What a process found, by output; a value is made each time it is read."""

    def __init__(self, **made_by: Callable[[], Any]) -> None:
        self._made_by = made_by

    def __getitem__(self, name: str) -> Any:
        return self._made_by[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._made_by)

    def __len__(self) -> int:
        return len(self._made_by)

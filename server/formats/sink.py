"""What takes rows on their way into a file."""

from typing import Protocol

from providers.feature_rows import Rows


class Sink(Protocol):
    """Takes rows in their order; called aside, never in the event loop."""

    def __call__(self, rows: Rows, /) -> None: ...

"""What every server is asked, in the same words."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from peers.table import CODE, Window, windows

WINDOWS = 200
DEPTH = 190_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A page of features: how many, where, of which code, and how many rows before it."""

    name: str
    title: str
    limit: int
    windows: tuple[Window, ...] = ()
    code: str | None = None
    depth: int = 0

    def at(self, path: str, asked: Mapping[str, str]) -> list[str]:
        """The addresses below *path*: one for each window, or one."""
        given = {"limit": str(self.limit), **asked}
        if not self.windows:
            return [f"{path}?{urlencode(given)}"]
        return [f"{path}?{urlencode({**given, 'bbox': str(w)}, safe=',')}" for w in self.windows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What our managed layer must reach in the same run, as a share of requests per second."""

    of_ceiling: float
    of_stock: float = 1.0  # times stock pygeoapi; ahead of every other peer in any case


ITEMS_10 = Question(name="items_ten", title="items, limit=10", limit=10)
BBOX_500 = Question(
    name="bbox_500", title="bbox, limit=500", limit=500, windows=tuple(windows(WINDOWS))
)
ITEMS_1000 = Question(name="items_thousand", title="items, limit=1000", limit=1_000)
FILTER_100 = Question(name="filter_100", title="attribute filter, limit=100", limit=100, code=CODE)
STREAM = Question(name="streamed_page", title="items, limit=10000", limit=10_000)
DEEP = Question(name="deep_page", title=f"limit=10 at {DEPTH:,}", limit=10, depth=DEPTH)
RATES: dict[Question, Bar] = {
    ITEMS_10: Bar(of_ceiling=0.12, of_stock=5.0),
    BBOX_500: Bar(of_ceiling=0.8),
    ITEMS_1000: Bar(of_ceiling=0.85),
    FILTER_100: Bar(of_ceiling=0.5),
}

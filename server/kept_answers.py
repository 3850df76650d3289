"""Answers that are ready to be sent again word for word, to anonymous callers who ask in the same words.

What such a request is answered depends on the snapshot, on the day, which decides the edition in
force, on the words of the request, and on what the edition's rows are: that, who keeps an answer
must look at before it is sent.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date

from starlette.requests import Request
from starlette.responses import Response

from providers.editions import today
from server.snapshot import Snapshot

CONDITIONS = (b"if-none-match", b"if-modified-since")

DAY = "onemap.day"  # on which a request was looked up, in its scope
MOST_WORDS_BYTES = 2_048  # longer ones are nobody's habit

type Headers = list[tuple[bytes, bytes]]
type Words = tuple[str, bytes, tuple[bytes, ...]]


class Ready(Response):
    """An answer that needs nothing but to be sent."""

    def __init__(self, body: bytes, headers: Headers) -> None:
        self.status_code, self.background = 200, None
        self.body, self.raw_headers = body, headers


@dataclass(slots=True)
class KeptAnswers[A]:
    """The answers of one snapshot and day; others are forgotten, and the first where there are many."""

    most: int
    reads: tuple[bytes, ...]  # the headers that choose among answers
    held: OrderedDict[Words, A] = field(default_factory=OrderedDict)
    _snapshot: Snapshot | None = None
    _day: date | None = None

    def get(self, request: Request, snapshot: Snapshot) -> A | None:
        """What was kept for these very words."""
        day = request.scope[DAY] = today().start
        if snapshot is not self._snapshot or day != self._day:
            self._snapshot, self._day = snapshot, day
            self.held.clear()
            return None
        return self.held.get(self._words(request))

    def put(self, request: Request, snapshot: Snapshot, answer: A) -> None:
        """Keep it for the next who asks so, if it is of this snapshot and day."""
        words = self._words(request)
        if snapshot is not self._snapshot or request.scope.get(DAY) != self._day or _long(words):
            return
        self.held[words] = answer
        while len(self.held) > self.most:
            self.held.popitem(last=False)

    def _words(self, request: Request) -> Words:
        asked = request.scope
        read = tuple(part for pair in asked["headers"] if pair[0] in self.reads for part in pair)
        return asked["path"], asked["query_string"], read


def _long(words: Words) -> bool:
    path, query, read = words
    return len(path) + len(query) + sum(map(len, read)) > MOST_WORDS_BYTES


def conditional(request: Request) -> bool:
    """Whether the caller has an answer already and says which."""
    return any(name in CONDITIONS for name, _ in request.scope["headers"])

"""Answers to anonymous requests for kept tiles, ready to be sent again word for word.

What such a request is answered depends on the snapshot, on the day, which decides the edition in
force, and on the words of the request. The tile itself stays where tiles are kept: an answer holds
only while its entry is there.
"""

from dataclasses import dataclass, field
from datetime import date

from starlette.requests import Request
from starlette.responses import Response

from providers.editions import today
from server import negotiate
from server.snapshot import Snapshot
from server.tile_memory import Entry, Form, Key, TileMemory

MAX_ANSWERS = 20_000
READ = (b"accept", b"accept-encoding")  # the headers that choose among answers
CONDITIONS = (b"if-none-match", b"if-modified-since")

type Words = tuple[str, bytes, tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A kept tile in the coding that was asked for, and the headers with which it is sent."""

    key: Key
    entry: Entry
    form: Form
    headers: list[tuple[bytes, bytes]]


class Ready(Response):
    """An answer that needs nothing but to be sent."""

    def __init__(self, answer: Answer) -> None:
        self.status_code, self.background = 200, None
        self.body, self.raw_headers = answer.form.content, answer.headers


@dataclass(slots=True)
class TileAnswers:
    """The answers of one snapshot and day; others are forgotten."""

    memory: TileMemory
    _snapshot: Snapshot | None = None
    _day: date | None = None
    _held: dict[Words, Answer] = field(default_factory=dict)

    def get(self, request: Request, snapshot: Snapshot) -> Response | None:
        """The answer to these very words, where nothing has changed since."""
        day = today().start
        if snapshot is not self._snapshot or day != self._day:
            self._snapshot, self._day = snapshot, day
            self._held.clear()
            return None
        answer = self._held.get(_words(request))
        if answer is None or self.memory.get(answer.key) is not answer.entry:
            return None
        if any(name in CONDITIONS for name, _ in request.scope["headers"]):
            response = negotiate.unchanged(request, answer.form.tag)
            if response is not None:
                return response
        return Ready(answer)

    def put(
        self,
        request: Request,
        snapshot: Snapshot,
        key: Key,
        entry: Entry,
        sent: Response,
        form: Form,
    ) -> None:
        """Have *sent* ready for the next who asks so."""
        if snapshot is not self._snapshot or self.memory.get(key) is not entry:
            return
        if len(self._held) >= MAX_ANSWERS:
            self._held.clear()
        self._held[_words(request)] = Answer(key, entry, form, sent.raw_headers)


def _words(request: Request) -> Words:
    asked = request.scope
    read = tuple(part for pair in asked["headers"] if pair[0] in READ for part in pair)
    return asked["path"], asked["query_string"], read

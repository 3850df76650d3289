"""Answers to anonymous requests for kept tiles.

The tile itself stays where tiles are kept: an answer holds only while its entry is there.
"""

from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from server import negotiate
from server.kept_answers import Headers, KeptAnswers, Ready, conditional
from server.snapshot import Snapshot
from server.tile_memory import Entry, Form, Key, TileMemory

MOST = 20_000
READS = (b"accept", b"accept-encoding")


@dataclass(frozen=True, slots=True)
class Answer:
    """A kept tile in the coding that was asked for, and the headers with which it is sent."""

    key: Key
    entry: Entry
    form: Form
    headers: Headers


@dataclass(slots=True)
class TileAnswers:
    """The answers whose tiles are in a memory."""

    memory: TileMemory
    _kept: KeptAnswers[Answer] = field(default_factory=lambda: KeptAnswers(MOST, READS))

    def get(self, request: Request, snapshot: Snapshot) -> Response | None:
        """The answer to these very words, where nothing has changed since."""
        answer = self._kept.get(request, snapshot)
        if answer is None or self.memory.get(answer.key) is not answer.entry:
            return None
        if conditional(request):
            response = negotiate.unchanged(request, answer.form.tag)
            if response is not None:
                return response
        return Ready(answer.form.content, answer.headers)

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
        if self.memory.get(key) is entry:
            self._kept.put(request, snapshot, Answer(key, entry, form, sent.raw_headers))

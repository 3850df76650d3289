"""Answers to anonymous requests for short pages of features.

A page is right as long as its edition has the revision that it was read at. That is asked of the
database for every request, so that no answer is older than its question; all else is ready.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from config.vocabulary import EditionKey, LayerId
from providers.current_revisions import CurrentRevisions
from server.kept_answers import Headers, KeptAnswers, Ready, conditional
from server.snapshot import Snapshot

MOST_BYTES = (
    32_768  # of a page and its headers: a longer one is mostly its rows, which cost what they cost
)
READS = (b"accept", b"accept-encoding", b"accept-language")


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as it was sent, and the state that it shows."""

    layer: LayerId
    edition: EditionKey
    revision: int
    body: bytes
    headers: Headers


class PageAnswers:
    """The pages that one server process keeps."""

    def __init__(self, revisions: CurrentRevisions, most_mib: int) -> None:
        """At most so many MiB of pages; 0: none."""
        self._revisions = revisions
        self._kept: KeptAnswers[Answer] = KeptAnswers(most_mib * (1 << 20) // MOST_BYTES, READS)

    async def get(self, request: Request, snapshot: Snapshot) -> Response | None:
        """The answer to these very words, where its edition is as it was."""
        if not _alike(request, snapshot) or conditional(request):
            return None
        answer = self._kept.get(request, snapshot)
        if answer is None:
            return None
        if await self._revisions.of(answer.layer, answer.edition) != answer.revision:
            return None
        return Ready(answer.body, answer.headers)

    def put(
        self,
        request: Request,
        snapshot: Snapshot,
        state: tuple[LayerId, EditionKey, int],
        sent: Response,
    ) -> None:
        """Have *sent* ready, which shows a layer's edition at a revision."""
        body, headers = bytes(sent.body), sent.raw_headers
        size = len(body) + sum(len(name) + len(value) for name, value in headers)
        if _alike(request, snapshot) and size <= MOST_BYTES and self._kept.most:
            self._kept.put(request, snapshot, Answer(*state, body, headers))


def _alike(request: Request, snapshot: Snapshot) -> bool:
    """Whether everybody who asks so is answered alike."""
    anonymous = request.state.principal.anonymous and not snapshot.results
    return bool(anonymous and request.method == "GET")

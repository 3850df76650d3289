"""Which revision editions have now: whoever wants to know at the same time asks as one."""

import asyncio
from dataclasses import dataclass, field

from config.vocabulary import EditionKey, LayerId
from providers.database import Pools
from providers.errors import StoreTimeout
from providers.reader import Planning

PATIENCE_S = 10.0

type Named = tuple[LayerId, EditionKey]

REVISIONS = (
    b"SELECT layer, edition, revision FROM onemap.edition"
    b" JOIN unnest(%s::text[], %s::text[]) AS asked (layer, edition) USING (layer, edition)"
)


@dataclass(slots=True)
class CurrentRevisions:
    """Asks for one server process, one question after the other.

    A question takes with it all who came before it was sent, so that what each hears is never older
    than the moment at which it asked.
    """

    pools: Pools
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _wanted: set[Named] = field(default_factory=set)
    _next: asyncio.Task[dict[Named, int]] | None = None

    async def of(self, layer: LayerId, edition: EditionKey) -> int | None:
        """The revision that an edition has now; None where it is not there.

        Raises
        ------
        StoreUnavailable, StoreTimeout
            Where the database does not say.
        """
        self._wanted.add((layer, edition))
        if self._next is None:
            self._next = asyncio.create_task(self._answered())
            self._next.add_done_callback(_heard)
        # who leaves does not end it: others wait for it
        return (await asyncio.shield(self._next)).get((layer, edition))

    async def _answered(self) -> dict[Named, int]:
        async with self._turn:
            wanted, self._wanted, self._next = list(self._wanted), set(), None
            names = [layer for layer, _ in wanted], [edition for _, edition in wanted]
            try:
                async with asyncio.timeout(PATIENCE_S), self.pools.reading(Planning.ONCE) as asked:
                    found = await (await asked.execute(REVISIONS, names)).fetchall()
            except TimeoutError as error:  # a connection whose other end is gone without a word
                raise StoreTimeout(f"no revision within {PATIENCE_S} s") from error
            return {(layer, edition): revision for layer, edition, revision in found}


def _heard(answered: asyncio.Task[dict[Named, int]]) -> None:
    """What went wrong is told to whoever waits; nobody may."""
    if not answered.cancelled():
        answered.exception()

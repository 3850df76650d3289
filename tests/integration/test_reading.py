"""One read in parts sees one state, whatever is published while it is under way."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from config.model import Catalogue
from config.vocabulary import Classification, EditionKey
from providers.access import ALL, Scope
from providers.database import Pools, open_pools
from providers.editions import list_editions
from providers.features import FeatureQuery
from providers.layers import LayerStore
from providers.ordering import Sort
from providers.revisions import Revision, RevisionKind
from server.reading import Reading, chunks
from server.snapshot import Snapshot

type Loader = Callable[..., Revision]
KEY = EditionKey("2024")
NAMES = [str(n) for n in range(50)]
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=frozenset()
)


async def a_snapshot(pools: Pools, catalogue: Catalogue) -> Snapshot:
    async with pools.reading() as connection:
        states = await list_editions(connection)
    return Snapshot(
        catalogue=catalogue,
        store=LayerStore(pools),
        build="test",
        editions={"land_use": tuple(s for s in states if s.edition.layer == "land_use")},
        loaded_at=datetime.now(UTC),
    )


@pytest.mark.parametrize("order", [(), (Sort("BZ", descending=True),)])
def test_parts_are_of_the_state_in_which_the_first_was_read(
    load_squares: Loader, database_url: str, catalogue: Catalogue, order: tuple[Sort, ...]
) -> None:
    load_squares("land_use", "2024", NAMES, columns={"BZ": [f"old {n}" for n in NAMES]})

    async def read() -> list[tuple[int | None, list[str]]]:
        async with open_pools(database_url, readers=2, writers=1) as pools:
            snapshot = await a_snapshot(pools, catalogue)
            reading = Reading(
                snapshot=snapshot,
                resolved=snapshot.resolve("land_use", None, EVERYTHING),
                query=FeatureQuery(order=order),
                caller=EVERYTHING,
            )
            found = []
            async for part in chunks(reading, LayerStore.page, 45, chunk=10):
                features = json.loads(b"[" + part.features + b"]")
                found.append((part.revision, [f["properties"]["BZ"] for f in features]))
                name = str(len(found))  # each time another feature changes, and one goes
                columns = {"BZ": ["new", "new"]}
                await asyncio.to_thread(
                    load_squares, "land_use", "2024", [name, "40"], columns=columns,
                    kind=RevisionKind.MERGE,
                )  # fmt: skip
            await asyncio.to_thread(load_squares, "land_use", "2024", ["1"])
            return found

    parts = asyncio.run(read())

    assert [revision for revision, _ in parts] == [1] * 5
    assert [len(said) for _, said in parts] == [10, 10, 10, 10, 5]
    said = [one for _, remarks in parts for one in remarks]
    everything = {f"old {n}" for n in NAMES}
    assert len(set(said)) == 45
    assert set(said) <= everything
    if order:
        assert said == sorted(everything, reverse=True)[:45]

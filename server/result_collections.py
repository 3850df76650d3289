"""Result layers among the collections of one request: those that it names, as its caller sees them.

Each request looks them up anew, so that what is dismissed or expired is gone for everybody at once.
"""

from collections.abc import Iterator
from dataclasses import replace

from starlette.requests import Request

from providers.errors import NotFound
from providers.jobs import SEE_ALL
from providers.result_layers import RESULT_ID, THEME, ResultLayer, find_results, own_results
from server.snapshot import Snapshot
from server.state import HELD, onemap, principal

MOST_NAMED = 100
IN_PATH, IN_QUERY = ("collectionId", "styleId"), ("collections", "collection", "layer")
LIST = "/collections"


async def know_results(request: Request) -> bool:
    """Put the result layers that a request is about into its snapshot; whether there are any."""
    names = list(dict.fromkeys(_named(request)))[:MOST_NAMED]
    lists = request.scope["path"] == LIST and not principal(request).anonymous
    if not names and not lists:
        return False
    one, caller = onemap(request), principal(request)
    every = not caller.anonymous and caller.scope.may(SEE_ALL)
    found = await find_results(one.pools, names, owner=caller.id, everything=every) if names else []
    if lists:
        listed = await own_results(one.pools, caller.id)
        found = list({r.layer.id: r for r in (*found, *listed)}.values())
    if found:
        request.scope[HELD] = replace(one, began_with=with_results(one.snapshot, found))
    return bool(found)


def with_results(snapshot: Snapshot, found: list[ResultLayer]) -> Snapshot:
    """The snapshot as one request sees it, with these layers, their theme and their styles."""
    catalogue = replace(
        snapshot.catalogue,
        themes={**snapshot.catalogue.themes, THEME.id: THEME},
        styles={**snapshot.catalogue.styles, **{r.style.id: r.style for r in found}},
    )
    return replace(
        snapshot,
        catalogue=catalogue,
        editions={**snapshot.editions, **{r.layer.id: (r.state,) for r in found}},
        results={r.layer.id: r.layer for r in found},
        kept={},
    )


def gone(request: Request) -> NotFound:
    """What a caller is told whose result was removed while it was read."""
    return NotFound("collection", next(_named(request), ""))


def _named(request: Request) -> Iterator[str]:
    given = [str(request.path_params[name]) for name in IN_PATH if name in request.path_params]
    asked = request.query_params
    for name in IN_QUERY:
        if name in asked:
            given += asked[name].split(",")
    for text in given:
        name = text.partition(".")[0]
        if RESULT_ID.fullmatch(name):
            yield name

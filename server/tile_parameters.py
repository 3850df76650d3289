"""What tilesets and tiles can be asked: which state, and which features of it."""

import re
from collections.abc import Mapping

from starlette.requests import Request

from providers.editions import Window
from providers.errors import BadParameter
from server import negotiate
from server.asked import STATE

FILTER = ("filter", "filter-lang", "filter-crs")
# OGC 20-057, requirement /req/datetime/axis: datetime("2024-12-31"), datetime("2023-01-01":*)
SUBSET = re.compile(r'datetime\((?:"([^"/]*)"|(\*))(?::(?:"([^"/]*)"|(\*)))?\)')
EXPECTED = 'datetime("2024-12-31"), or an interval like datetime("2023-01-01":*)'


def tile_parameters(request: Request, *names: str) -> dict[str, str]:
    """The parameters of a tile or tileset and those named; a subset of time is told as `datetime`."""
    return with_subset(negotiate.only(request, *STATE, "subset", *FILTER, *names))


def with_subset(given: Mapping[str, str]) -> dict[str, str]:
    """The same parameters, with `datetime` in place of `subset=datetime(…)`.

    Raises
    ------
    BadParameter
        For a subset of anything else, and for one beside `datetime`.
    """
    rest = {name: value for name, value in given.items() if name != "subset"}
    if (text := given.get("subset")) is None:
        return rest
    if "datetime" in rest:
        raise BadParameter("subset", text, "no subset beside datetime")
    found = SUBSET.fullmatch(text)
    if found is None:
        raise BadParameter("subset", text, EXPECTED)
    first, opened, last, closed = found.groups()
    begin, end = (".." if opened else first), (".." if closed else last)
    if end is None and opened:
        raise BadParameter("subset", text, EXPECTED)
    asked = begin if end is None else f"{begin}/{end}"
    try:
        Window.parse(asked)
    except BadParameter as error:
        raise BadParameter("subset", text, error.expected) from None
    return {**rest, "datetime": asked}

"""What requests for a layer's rows have in common: which state is asked for, and how long it keeps."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from config.model import Layer
from providers.access import Scope
from providers.edition_history import parse_as_of
from providers.editions import Window
from providers.features import Days
from server.snapshot import Resolved, Snapshot

UNVERSIONED_MAX_AGE_S = 60  # nothing tells when such a table changes


async def resolve_asked(
    snapshot: Snapshot, collection: str, given: Mapping[str, str], scope: Scope
) -> Resolved:
    """The layer, edition and revision that `datetime` and `asOf` ask for."""
    window = window_of(given)
    if "asOf" not in given:
        return snapshot.resolve(collection, window, scope)
    return await snapshot.resolve_as_of(collection, window, parse_as_of(given["asOf"]), scope)


def window_of(given: Mapping[str, str]) -> Window | None:
    return Window.parse(given["datetime"]) if "datetime" in given else None


def valid_days(layer: Layer, given: Mapping[str, str]) -> Days | None:
    """The days on which rows must be valid, where they say when they are and it was asked."""
    window = window_of(given) if any(layer.validity) else None
    return None if window is None else (window.start, window.end)


def cached(request: Request, response: Response, layer: Layer) -> Response:
    """The response with the time for which it may be kept; as it is where changes are noticed."""
    if layer.external is not None and layer.external.version == "none":
        private = "" if request.state.principal.anonymous else "private, "
        response.headers["Cache-Control"] = f"{private}max-age={UNVERSIONED_MAX_AGE_S}"
    return response

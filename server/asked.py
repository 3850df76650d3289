"""What requests for a layer's rows have in common: which state, which rows, and how they are written."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from config.model import Layer
from config.vocabulary import GeometryKind
from providers.access import SRID, Scope
from providers.conditions import Condition, ValidIn, parse_equals
from providers.cql2 import Language, parse_filter
from providers.crs import CRS84, Crs
from providers.edition_history import parse_as_of
from providers.editions import Window
from providers.errors import BadParameter
from providers.external_table import described
from providers.features import (
    DEFAULT_LIMIT,
    MAX_OFFSET,
    FeatureQuery,
    Form,
    Shown,
    parse_limit,
    parse_properties,
    parse_whole,
)
from providers.frames import offered, parse_frame
from providers.ordering import parse_sortby
from providers.relations import SYSTEM_PROPERTIES
from providers.search import parse_words
from providers.windows import parse_bbox
from server import negotiate
from server.cursors import Cursor, parse_cursor
from server.snapshot import Resolved, Snapshot

UNVERSIONED_MAX_AGE_S = 60  # nothing tells when such a table changes
STATE = ("datetime", "asOf")
CHOICE = ("bbox", "bbox-crs", "filter", "filter-lang", "filter-crs", "q")
PAGE = ("limit", "offset", "cursor", "sortby", "resulttype")
WRITING = ("crs", "properties", "skipGeometry", "profile")
# The profiles of a format (OGC 21-045r1, 17); the first is what comes unasked.
PROFILES = {"json": ("rfc7946", "jsonfg", "jsonfg-plus"), "jsonfg": ("jsonfg", "jsonfg-plus")}
FORMS: dict[str, Form] = {"jsonfg": "jsonfg", "jsonfg-plus": "jsonfg-plus"}
# cql-text is what drafts called it, and what GDAL 3.12 looks for in the definition, and sends.
LANGUAGES: dict[str, Language] = {
    "cql2-text": "cql2-text",
    "cql2-json": "cql2-json",
    "cql-text": "cql2-text",
}
TRUTH = {"true": True, "false": False}


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


def item_parameters(layer: Layer) -> tuple[str, ...]:
    """The query parameters that a layer's items know: ours, and the fields that may be asked for."""
    return (
        *STATE,
        *CHOICE,
        *PAGE,
        *WRITING,
        "encoding",
        *(f.code for f in layer.fields),
        *SYSTEM_PROPERTIES,
    )


def query_of(
    resolved: Resolved, given: Mapping[str, str], chosen: str
) -> tuple[FeatureQuery, Cursor | None]:
    """The features that are asked for, and where the page begins.

    Raises
    ------
    BadParameter
        For a value that is none of the parameter's, or one that goes with no other.
    """
    layer = resolved.layer
    order = parse_sortby(layer, given["sortby"]) if "sortby" in given else ()
    cursor = parse_cursor(given["cursor"], layer, order) if "cursor" in given else None
    offset = parse_whole("offset", given["offset"], 0, MAX_OFFSET) if "offset" in given else 0
    if cursor is not None and offset:
        raise BadParameter("offset", given["offset"], "no offset beside a cursor")
    query = FeatureQuery(
        limit=parse_limit(given["limit"]) if "limit" in given else DEFAULT_LIMIT,
        offset=offset,
        conditions=conditions_of(resolved, given),
        order=order,
        after=cursor.after if cursor is not None else None,
        shown=shown_of(resolved, given, chosen),
    )
    return query, cursor


def conditions_of(resolved: Resolved, given: Mapping[str, str]) -> tuple[Condition, ...]:
    """Everything that narrows the rows."""
    if not given.keys() - negotiate.ALWAYS:
        return ()
    layer, found = resolved.layer, list[Condition]()
    frames = frames_of(resolved) if given.keys() & {"bbox-crs", "filter-crs"} else ()
    for name, needed in (("bbox-crs", "bbox"), ("filter-crs", "filter"), ("filter-lang", "filter")):
        if name in given and needed not in given:
            raise BadParameter(name, given[name], f"the parameter {needed} beside it")
    if "bbox" in given:
        found.append(parse_bbox(given["bbox"], _frame("bbox-crs", given, frames)))
    if "filter" in given:
        asked = given.get("filter-lang", "cql2-text")
        if (language := LANGUAGES.get(asked)) is None:
            raise BadParameter("filter-lang", asked, f"one of {', '.join(LANGUAGES)}")
        crs = _frame("filter-crs", given, frames)
        found.append(parse_filter(given["filter"], language=language, layer=layer, crs=crs))
    if "q" in given:
        found.append(parse_words(layer, given["q"]))
    if (equals := parse_equals(layer, given)) is not None:
        found.append(equals)
    if (valid := valid_in(layer, given)) is not None:
        found.append(valid)
    return tuple(found)


def shown_of(resolved: Resolved, given: Mapping[str, str], chosen: str) -> Shown:
    """How the features are written in the format that was chosen."""
    profiles = PROFILES.get(chosen, ())
    profile = given.get("profile", profiles[0] if profiles else "")
    if "profile" in given and profile not in profiles:
        known = f"one of {', '.join(profiles)}" if profiles else "no profile of this format"
        raise BadParameter("profile", profile, known)
    drawn = given.get("skipGeometry", "false")
    if drawn not in TRUTH:
        raise BadParameter("skipGeometry", drawn, "true or false")
    names = given.get("properties")
    return Shown(
        crs=_frame("crs", given, frames_of(resolved)) if "crs" in given else CRS84,
        fields=None if names is None else parse_properties(resolved.layer, names),
        geometry=not TRUTH[drawn],
        form=FORMS.get(profile, "geojson"),
    )


def frames_of(resolved: Resolved) -> tuple[Crs, ...]:
    """The reference systems in which the layer's rows can be asked for; CRS84 first."""
    layer = resolved.layer
    if layer.geometry is GeometryKind.NONE:
        return (CRS84,)
    if layer.external is not None:
        table = described(layer)
        return offered(table.extent, table.srid or SRID)
    return offered(resolved.state.extent if resolved.state else None)


def valid_in(layer: Layer, given: Mapping[str, str]) -> ValidIn | None:
    """The days on which rows must be valid, where they say when they are and it was asked."""
    window = window_of(given) if any(layer.validity) else None
    return None if window is None else ValidIn((window.start, window.end))


def cached(request: Request, response: Response, layer: Layer) -> Response:
    """The response with the time for which it may be kept; as it is where changes are noticed."""
    if layer.external is not None and layer.external.version == "none":
        private = "" if request.state.principal.anonymous else "private, "
        response.headers["Cache-Control"] = f"{private}max-age={UNVERSIONED_MAX_AGE_S}"
    return response


def _frame(name: str, given: Mapping[str, str], frames: tuple[Crs, ...]) -> Crs:
    return parse_frame(name, given[name], frames) if name in given else CRS84

"""How other programs open what a page shows: steps and commands to copy, quoted for where they go."""

import shlex
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from server.web.values import safe_href

# Parameters of a page that say nothing about which features are asked for.
OF_THE_PAGE: Final = frozenset({"f", "lang", "cursor", "offset", "limit"})


class Recipe(NamedTuple):
    """One program: the key of its instructions in `words`, and what is copied, if anything."""

    tool: str
    steps: str
    text: str


class Service(NamedTuple):
    """Where a collection lies: the landing page of its service, and its id there."""

    landing: str  # without a slash at the end
    collection: str


def service_of(document: Mapping[str, Any], collection: str | None) -> Service | None:
    """The service that a document's own links name; None where they name none."""
    for link in document.get("links") or ():
        href = safe_href(link.get("href"))
        if collection is None or href is None or not urlsplit(href).netloc:
            continue
        before, found, _ = href.partition("/collections/")
        if found and unquote(href[len(before) :]).startswith(f"/collections/{collection}"):
            return Service(before, collection)
    return None


def recipes(
    document: Mapping[str, Any], collection: str | None, feature: str | None, path: str
) -> list[Recipe]:
    """How to open a collection, or one feature of it, elsewhere; *path* keeps its filter."""
    service = service_of(document, collection)
    if service is None:
        return []
    landing, name = service
    items = f"{landing}/collections/{_segment(name)}/items"
    kept = [(k, v) for k, v in parse_qsl(urlsplit(path).query) if k not in OF_THE_PAGE]
    query = f"?{urlencode(kept)}" if kept else ""
    here = f"{items}/{_segment(feature)}{query}" if feature is not None else f"{items}{query}"
    return [
        Recipe("QGIS", "recipe.qgis", f"{landing}/"),
        Recipe("ArcGIS Pro", "recipe.arcgis", f"{landing}/"),
        Recipe("GDAL", "recipe.gdal", _gdal(service, feature, here, kept)),
        Recipe("Python · OWSLib", "recipe.owslib", _owslib(service, feature)),
        Recipe("Python · httpx", "recipe.httpx", _httpx(feature, here)),
        Recipe("curl", "recipe.curl", _curl(feature, here)),
    ]


def _gdal(service: Service, feature: str | None, here: str, kept: list[tuple[str, str]]) -> str:
    """GDAL takes any GeoJSON for degrees, longitude first, and an address with f=json for Esri's."""
    source, name = shlex.quote(f"OAPIF:{service.landing}"), shlex.quote(service.collection)
    if feature is not None:
        asked = urlencode([(k, v) for k, v in kept if k != "crs"])
        return f"ogrinfo -al {shlex.quote(here.partition('?')[0] + (asked and f'?{asked}'))}"
    window = dict(kept).get("bbox", "").split(",") if "bbox-crs" not in dict(kept) else []
    spat = f" -spat {' '.join(map(shlex.quote, window))}" if len(window) == 4 else ""
    return (
        f"ogrinfo -ro -so {source} {name}\n"
        f"ogr2ogr -f GPKG {shlex.quote(service.collection + '.gpkg')} {source} {name}{spat}"
    )


def _owslib(service: Service, feature: str | None) -> str:
    lines = [
        "from owslib.ogcapi.features import Features",
        "",
        f"service = Features({service.landing!r})",
    ]
    if feature is not None:
        lines.append(f"feature = service.collection_item({service.collection!r}, {feature!r})")
        return "\n".join([*lines, 'print(feature["properties"])'])
    lines.append(f"page = service.collection_items({service.collection!r}, limit=100)")
    return "\n".join([*lines, 'print(page["numberReturned"])'])


def _httpx(feature: str | None, here: str) -> str:
    if feature is not None:
        return "\n".join(
            [
                "import httpx",
                "",
                f"feature = httpx.get({_with(here, f='json')!r}).raise_for_status().json()",
                'print(feature["properties"], feature["geometry"])',
            ]
        )
    return "\n".join(
        [
            "import httpx",
            "",
            f"address = {_with(here, f='json', limit='1000')!r}",
            "features = []",
            "while address:",
            "    page = httpx.get(address).raise_for_status().json()",
            '    features += page["features"]',
            '    following = (link["href"] for link in page["links"] if link["rel"] == "next")',
            "    address = next(following, None)",
            "print(len(features))",
        ]
    )


def _curl(feature: str | None, here: str) -> str:
    address = _with(here, f="json") if feature is not None else _with(here, f="json", limit="100")
    return f"curl --compressed {shlex.quote(address)}"


def _with(address: str, **more: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(more)}"


def _segment(text: str) -> str:
    return quote(text, safe="")

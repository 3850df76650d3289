"""What an answer with features says beside them: links, counts, the state that was read, headers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request

from config.model import Layer
from providers import jsonfg
from providers.edition_history import parse_as_of
from providers.features import Shown
from providers.frames import content_crs
from providers.layers import Item, Page
from server import negotiate
from server.collections import title_of
from server.cursors import NO_EDITION, write_cursor
from server.formats import MEDIA_TYPES
from server.links import Link, header, link, query, segment
from server.reading import Reading
from server.snapshot import Resolved
from server.state import onemap, principal

DOCUMENTS = {"json": "GeoJSON", "jsonfg": "JSON-FG", "html": "HTML"}  # forms that are paged


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request for items wants, beside its rows."""

    request: Request
    collection: str
    given: dict[str, str]
    chosen: str
    lang: str
    reading: Reading

    @property
    def layer(self) -> Layer:
        return self.reading.layer

    @property
    def modified(self) -> datetime | None:
        """Since when the layer answers so."""
        return self.reading.snapshot.modified(self.layer)

    @property
    def base(self) -> str:
        return f"{onemap(self.request).settings.public_url}/collections/{segment(self.collection)}"


def about(asked: Asked, resolved: Resolved, page: Page, matched: int | None) -> dict[str, Any]:
    """What a page says beside its features."""
    layer, shown = asked.layer, asked.reading.query.shown
    head = {}
    if shown.form != "geojson":
        head = jsonfg.head(layer, shown, schema=f"{asked.base}/schema")
    return {
        **head,
        **({} if matched is None else {"numberMatched": matched}),
        "numberReturned": page.count,
        "links": _page_links(asked, resolved, page),
        "x-onemap": {
            "edition": resolved.edition,
            "revision": page.revision,
            **_as_of(asked.given),
            "synthetic": layer.synthetic,
        },
    }


def matched_of(reading: Reading, page: Page) -> int | None:
    """How many features match in all, where that costs nothing; None: it would be counted."""
    query = reading.query
    if query.after is None and page.next_after is None and (page.count or not query.offset):
        return query.offset + page.count
    state, caller = reading.resolved.state, reading.caller
    if (
        caller.everywhere
        and not query.conditions
        and state is not None
        and state.revision == page.revision
    ):
        return state.features
    return None


def tag_of(asked: Asked, key: str, state: object) -> str:
    """The validator of a page: what its bytes depend on."""
    request, snapshot = asked.request, asked.reading.snapshot
    return negotiate.etag(
        asked.collection, key, state, sorted(asked.given.items()), asked.reading.caller.key(),
        asked.lang, asked.chosen, negotiate.encoding(request), snapshot.build,
        snapshot.catalogue.digest, reader_of(request, asked.chosen),
    )  # fmt: skip


def headers_of(asked: Asked) -> dict[str, str]:
    """The headers of an answer with rows, whatever the rows are."""
    crs = asked.reading.query.shown.crs
    return {"Content-Language": asked.lang, "Content-Crs": content_crs(crs)}


def reader_of(request: Request, chosen: str) -> str:
    """Whose page it is: a page names its reader, a document does not."""
    return principal(request).id if chosen == "html" else ""


def _as_of(given: dict[str, str]) -> dict[str, str]:
    return {"asOf": parse_as_of(given["asOf"]).isoformat()} if "asOf" in given else {}


def _page_links(asked: Asked, resolved: Resolved, page: Page) -> list[Link]:
    path, given = f"{asked.base}/items", asked.given
    here = query(path, {k: v for k, v in given.items() if k != "f"})
    links = [_form(here, asked.chosen, "self")]
    links += [_form(here, f, "alternate") for f in DOCUMENTS if f != asked.chosen]
    links.append(_profile(asked.reading.query.shown))
    links.append(link(asked.base, "collection", negotiate.JSON, title_of(asked.layer, asked.lang)))
    if page.next_after is not None:
        key = resolved.edition or NO_EDITION
        cursor = write_cursor(key, page.revision or 0, page.next_after)
        kept = {k: v for k, v in given.items() if k not in ("offset", "cursor")}
        following = query(path, {**kept, "cursor": cursor})
        links.append(link(following, "next", MEDIA_TYPES[asked.chosen], "下一页 / next"))
    return links


def one_feature(
    request: Request,
    resolved: Resolved,
    name: str,
    given: dict[str, str],
    found: Item,
    shown: Shown,
) -> tuple[bytes, dict[str, Any], dict[str, str]]:
    """A single feature with its links: as bytes, as a document for its page, and the headers."""
    layer, lang = resolved.layer, negotiate.language(request)
    public = onemap(request).settings.public_url
    base = f"{public}/collections/{segment(request.path_params['collectionId'])}"
    kept = {k: given[k] for k in sorted(given) if k != "f"}
    here = query(f"{base}/items/{segment(name)}", kept)
    chosen = "json" if shown.form == "geojson" else "jsonfg"
    links = [_form(here, chosen, "self")]
    links += [_form(here, f, "alternate") for f in DOCUMENTS if f != chosen]
    links.append(_profile(shown))
    links.append(link(base, "collection", negotiate.JSON, layer.title.in_language(lang)))
    if layer.external is None:
        beside = {"collection": resolved.id, "feature": name}
        address = query(f"{public}/catalogue/documents", beside)
        links.append(link(address, "related", negotiate.JSON, "文档 / Documents"))
    facts: dict[str, Any] = {"edition": resolved.edition, "synthetic": layer.synthetic}
    if resolved.at is not None:
        facts |= {"revision": resolved.at, **_as_of(given)}
    said = {"links": links, **({"x-onemap": facts} if resolved.at is not None else {})}
    if shown.form != "geojson":
        head = jsonfg.head(layer, shown, schema=f"{base}/schema", collection=False)
        said = {**head, **said}
    body = found.feature[:-1].encode() + b"," + orjson.dumps(said)[1:]
    fields = {
        "Content-Language": lang,
        "Content-Crs": content_crs(shown.crs),
        "Link": link_header(links),
    }
    return body, orjson.loads(body) | {"x-onemap": facts}, fields


def _form(here: str, form: str, rel: str) -> Link:
    """A link to the same rows in a form; GeoJSON is what comes unasked."""
    asked = here if form == "json" else f"{here}{'&' if '?' in here else '?'}f={form}"
    return link(asked, rel, MEDIA_TYPES[form], DOCUMENTS[form])


def _profile(shown: Shown) -> Link:
    """Which profile of GeoJSON the features follow (OGC 21-045r1, 17)."""
    name = "rfc7946" if shown.form == "geojson" else shown.form
    return link(f"{jsonfg.PROFILES}{name}", "profile", MEDIA_TYPES["json"], name)


def link_header(links: list[Link]) -> str:
    return ", ".join(map(header, links))

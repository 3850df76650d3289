"""The plain faces of features: the document as a page, with what people ask about beside it.

A page of features is drawn from its own rows. The page of one feature also tells its edition, plan,
region and documents, and shows it on a map among its neighbours: a few small questions, of which
those for the map are given up when they take long.
"""

import asyncio
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from config.model import Field, Layer
from config.vocabulary import EditionKey, GeometryKind, LayerId
from providers.access import Scope
from providers.documents import OfEdition, OfFeature, attached
from providers.editions import today
from providers.plans import find_plan
from providers.region_titles import region_titles
from server import negotiate
from server.files import document_facts
from server.formats import FILES, MEDIA_TYPES
from server.plans import plan_facts
from server.sketches import item_sketch, page_sketch
from server.snapshot import Resolved
from server.state import onemap
from server.web import pages

NAMES = ("MC", "XMMC")  # fields that name a feature, where its style names none
# What Shapefile and FlatGeobuf cannot hold: rows without geometry.
PLACED = frozenset({"fgb", "shp"})


async def face(
    request: Request,
    document: dict[str, Any],
    template: str,
    layer: Layer,
    fields: dict[str, str],
    tag: str,
    *,
    resolved: Resolved | None = None,
    caller: Scope | None = None,
) -> Response:
    """The document as a page; a long page is written aside.

    *tag* is the validator of a page of features. The page of one feature tells more than its rows
    do, so that its validator is made of what it says.
    """
    lang, one = fields["Content-Language"], template == "item.html"
    beside: dict[str, Any] = {"files": _files(layer)}
    if resolved is not None and caller is not None:
        if one:
            document["title"] = _name(layer, document, lang)
            known, sketch = await asyncio.gather(
                _known(request, document, resolved, caller, lang),
                item_sketch(request, document, resolved, caller, lang),
            )
            beside |= {**known, "sketch": sketch}
        else:
            beside["sketch"] = await run_in_threadpool(page_sketch, request, document, layer, lang)

    def written() -> Response:
        beside["fields"] = [_field(f, lang, document) for f in layer.fields]
        text = pages.render(
            template,
            document,
            lang=lang,
            path=negotiate.with_parameters(request),
            alternates=_alternates(request),
            user=_reader(request),
            beside=beside,
        ).encode()
        own = negotiate.etag(tag, text) if one else tag
        if one and (response := negotiate.unchanged(request, own)):
            return response
        kind = f"{negotiate.HTML}; charset=utf-8"
        return negotiate.answer(request, text, kind, headers=fields, tag=own)

    return await run_in_threadpool(written)


async def _known(
    request: Request, document: dict[str, Any], resolved: Resolved, caller: Scope, lang: str
) -> dict[str, Any]:
    """Edition, plan, region and documents of a feature, as the caller sees them."""
    one, layer, state = onemap(request), resolved.layer, resolved.state
    properties, base = document.get("properties") or {}, one.settings.public_url
    known: dict[str, Any] = {
        "layer": layer.title.in_language(lang),
        "source": layer.source.in_language(lang),
        "keeper": layer.keeper.in_language(lang),
        "edition": _edition(resolved, lang) if state else None,
    }
    async with one.pools.reading() as connection:
        if (code := properties.get("om_plan")) is not None:
            plan = await find_plan(connection, code, caller)
            if plan is not None:
                known["plan"] = plan_facts(plan, f"{base}/catalogue/plans", lang)
        if (code := properties.get("om_region")) is not None:
            titles = await region_titles(connection, code, today().end)
            known["region"] = " ".join(t.in_language(lang) for t in titles)
        if layer.external is None and state is not None:
            key, name = state.edition.key, str(document.get("id"))
            subjects = (OfFeature(layer.id, key, name), OfEdition(layer.id, key))
            found = [each for s in subjects for each in await attached(connection, s, caller)]
            known["documents"] = [
                {**document_facts(each.document, base, lang), "role": each.role,
                 "subjects": [_subject(each.subject, layer.id, key)]}
                for each in found
            ]  # fmt: skip
    return known


def _edition(resolved: Resolved, lang: str) -> dict[str, Any]:
    assert resolved.state is not None
    edition = resolved.state.edition
    return {
        "collection": f"{resolved.layer.id}.{edition.key}",
        "title": edition.title.in_language(lang),
        "validFrom": edition.valid_from.isoformat(),
        "validTo": edition.valid_to.isoformat() if edition.valid_to else None,
        "status": edition.status.label.in_language(lang),
        "issuer": edition.issuer.label.in_language(lang),
        "document": edition.document,
        "revision": resolved.at or resolved.state.revision,
        "asOf": resolved.at is not None,
    }


def _subject(subject: object, layer: LayerId, edition: EditionKey) -> dict[str, Any]:
    collection = f"{layer}.{edition}"
    if isinstance(subject, OfFeature):
        return {"kind": "feature", "collection": collection, "feature": subject.om_id}
    return {"kind": "edition", "collection": collection}


def _name(layer: Layer, document: dict[str, Any], lang: str) -> str:
    """The layer's title with what the feature is called: by its label, its name, else its id."""
    properties = document.get("properties") or {}
    label = layer.style.labels.field if layer.style and layer.style.labels else None
    called = (properties.get(name) for name in (label, *NAMES) if name is not None)
    name = next((str(each) for each in called if each not in (None, "")), document.get("id"))
    return f"{layer.title.in_language(lang)} · {name}"


def _field(field: Field, lang: str, document: dict[str, Any]) -> dict[str, Any]:
    """A field's title and unit, and what the codes that occur in the document stand for."""
    facts: dict[str, Any] = {
        "name": field.code,
        "title": field.title.in_language(lang),
        "unit": field.unit.label.in_language(lang) if field.unit else None,
    }
    if field.code_list is not None:
        features = document.get("features", [document])
        codes = {(f.get("properties") or {}).get(field.code) for f in features}
        known = field.code_list.codes
        titles = ((code, known.get(code)) for code in codes if isinstance(code, str))
        facts["codes"] = {code: t.in_language(lang) for code, t in titles if t is not None}
    return facts


def _files(layer: Layer) -> list[str]:
    """The forms in which a selection of the layer can be taken away, by their value of `f`."""
    placed = layer.geometry is not GeometryKind.NONE
    forms = [f for f in MEDIA_TYPES if f != "html"]
    return [f for f in forms if placed or f not in PLACED]


def _alternates(request: Request) -> list[pages.Alternate]:
    """The same page as a document; files hold a selection, and not the page."""
    documents = {"json": "GeoJSON", "jsonfg": "JSON-FG"}
    return [
        pages.Alternate(MEDIA_TYPES[f], title, negotiate.with_parameters(request, f=f))
        for f, title in documents.items()
        if f in MEDIA_TYPES and f not in FILES
    ]


def _reader(request: Request) -> str | None:
    principal = request.state.principal
    return None if principal.anonymous else principal.person

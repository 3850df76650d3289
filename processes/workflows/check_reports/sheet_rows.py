"""The rows of the sheets of a check's workbook (套合表), made as they are written."""

from collections.abc import Iterator, Sequence
from typing import Any

from config.vocabulary import EditionStatus, Issuer, Outcome
from processes.workflows.check_reports.plane_shapes import boundary_points, outlines_in_plane
from processes.workflows.check_reports.reading import (
    M2_PER_HA,
    M2_PER_MU,
    SYNTHETIC,
    Check,
    Document,
    basis,
    chinese,
    edition,
    fault_words,
    fields_text,
    near_only,
    outcome,
    parcel_name,
)

MOST_POINTS = 5_000  # of one parcel

type Row = Sequence[Any]


def _areas(m2: float | None) -> tuple[float | None, float | None, float | None]:
    """Square metres, hectares, 亩; rounded only where they are shown."""
    return (None, None, None) if m2 is None else (m2, m2 / M2_PER_HA, m2 / M2_PER_MU)


def parcels_rows(check: Check) -> Iterator[Row]:
    for one in check.parcels:
        region = one["region"] or {"code": None, "name": None}
        faults = "；".join(map(fault_words, one["faults"]))
        yield (
            one["number"],
            parcel_name(one),
            one["id"],
            region["code"],
            region["name"] and chinese(region["name"]),
            one["areas"]["declared_m2"],
            one["areas"]["planar_m2"],
            *_areas(one["areas"]["ellipsoid_m2"]),
            one["overall"],
            *(one["summary"].get(code, 0) for code in reversed(Outcome)),
            faults,
        )


def overlays_rows(check: Check) -> Iterator[Row]:
    for one in check.parcels:
        for rule in one["rules"]:
            head = (
                one["number"],
                parcel_name(one),
                rule["rule"],
                chinese(rule["title"]),
                "必审" if rule["mandatory"] else "参考",
            )
            tail = (
                rule["suggestion"],
                rule["text"],
                "；".join(check.reasons(rule["reasons"])),
                "；".join(chinese(need["title"]) for need in rule["needs"]),
                basis(rule),
            )
            for concern in rule["concerns"] or (None,):
                yield (*head, rule["fact"], *_concern(check, concern), *tail)


def _concern(check: Check, concern: Document | None) -> Row:
    """What one binding says; nothing where it is not connected: no figure stands for no data."""
    if concern is None:
        return (None,) * 14
    layer = check.layer(concern["binding"])
    if not layer["connected"]:
        return (chinese(layer["title"]), *(None,) * 11, edition(layer), None)
    features, near = concern["features"], near_only(concern)
    return (
        chinese(layer["title"]),
        *_areas(None if near else concern["ellipsoid_m2"]),
        None if near else concern["share"],
        None if near else concern["planar_m2"],
        concern["declared_m2"],
        concern["net_m2"],
        concern["noise_m2"],
        concern["distance_m"],
        len(features),
        "；".join(_once(one["plan"] for one in features)),
        edition(layer),
        "；".join(_once(one["document"] for one in features)) or _document_of(layer),
    )


def features_rows(check: Check) -> Iterator[Row]:
    for one in check.parcels:
        for rule in one["rules"]:
            for concern in rule["concerns"]:
                for feature in concern["features"]:
                    yield (
                        one["number"],
                        parcel_name(one),
                        rule["rule"],
                        chinese(rule["title"]),
                        check.name(concern["binding"]),
                        feature["id"],
                        *_areas(feature["ellipsoid_m2"]),
                        feature["planar_m2"],
                        feature["plan"],
                        feature["document"],
                        fields_text(feature["fields"]),
                    )


def composition_rows(check: Check) -> Iterator[Row]:
    for one in check.parcels:
        for when, key in (("现状", "present"), ("规划", "planned")):
            closed = one["composition"]["closed_on"][key]
            for entry in one["composition"][key] or ():
                declared = entry["declared_m2"]
                took_the_rest = closed is not None and closed["class"] == entry["code"]
                yield (
                    one["number"],
                    parcel_name(one),
                    when,
                    entry["code"],
                    entry["name"],
                    *_areas(entry["ellipsoid_m2"]),
                    entry["net_m2"],
                    entry["share"],
                    None if declared is None else declared / M2_PER_HA,
                    "尾差归入本类" if took_the_rest else None,
                )


def boundary_rows(check: Check) -> Iterator[Row]:
    """The corners of each parcel; of one with too many how many are left out."""
    for one, outline in outlines_in_plane(check.parcels, check.document["planar_crs"]):
        points = boundary_points(outline)
        head = one["number"], parcel_name(one)
        for point in points[:MOST_POINTS]:
            yield (*head, point.ring, point.name, point.north_m, point.east_m, point.side_m)
        if len(points) > MOST_POINTS:
            yield (*head, None, f"另有{len(points) - MOST_POINTS}点未列", None, None, None)


def unconnected_rows(check: Check) -> Iterator[Row]:
    for one in check.document["layers"]:
        if not one["connected"]:
            yield (
                one["binding"],
                chinese(one["title"]),
                "必审" if one["mandatory"] else "参考",
                edition(one),
            )


def manual_rows(check: Check) -> Iterator[Row]:
    for one in check.document["manual"]:
        choices = "；".join(
            f"{outcome(choice['outcome'])}：{choice['text']}" for choice in one["choices"]
        )
        yield one["rule"], chinese(one["title"]), chinese(one["reason"]), choices


def sources_rows(check: Check) -> Iterator[Row]:
    for one in check.document["layers"]:
        if one["connected"]:
            found = one["edition"] or {}
            status, issuer = found.get("status"), found.get("issuer")
            yield (
                one["binding"],
                chinese(one["title"]),
                one["layer"],
                one["layer_title"] and chinese(one["layer_title"]),
                found.get("key"),
                edition(one),
                found.get("valid_from"),
                found.get("valid_to"),
                issuer and Issuer(issuer).label.zh,
                status and EditionStatus(status).label.zh,
                found.get("document"),
                None if one["revision"] is None else str(one["revision"]),
                one["released"],
                SYNTHETIC if one["synthetic"] else None,
            )


def _once(values: Iterator[str | None]) -> Sequence[str]:
    return list(dict.fromkeys(value for value in values if value))


def _document_of(layer: Document) -> str | None:
    found = layer["edition"]
    return None if found is None else found["document"]

"""What a check found, as features: each overlap and each piece with what is said of it, in JSON-FG."""

from collections.abc import Iterator, Mapping
from typing import Any

from config.vocabulary import Outcome
from providers.jsonfg import CONFORMANCE

type Document = Mapping[str, Any]
FEATURE_TYPE = "compliance_overlap"


def overlaps(document: Document) -> dict[str, Any]:
    """The overlaps of a check, or of an excerpt of one, as a FeatureCollection.

    JSON-FG 1.0 whose geometries stand in `geometry`, longitude and latitude; any reader of GeoJSON
    reads it. `time` is the day on which the rules and editions were taken.
    """
    return {
        "type": "FeatureCollection",
        "conformsTo": [f"{CONFORMANCE}core", f"{CONFORMANCE}types-schemas"],
        "featureType": FEATURE_TYPE,
        "geometryDimension": 2,
        "features": list(_features(document)),
        "check": document.get("hash", document.get("excerpt_of")),
        "advisory": document["advisory"],
    }


def _features(document: Document) -> Iterator[dict[str, Any]]:
    layers = {one["binding"]: one for one in document["layers"]}
    time = {"date": document["check_date"]}
    for parcel in document["parcels"]:
        for rule in parcel["rules"]:
            for kind in ("concerns", "pieces"):
                for number, part in enumerate(rule[kind], start=1):
                    if part["geometry"] is not None:
                        yield {
                            "type": "Feature",
                            "id": f"{parcel['number']}.{rule['rule']}.{kind[:-1]}.{number}",
                            "time": time,
                            "place": None,
                            "geometry": part["geometry"],
                            "properties": _properties(parcel, rule, kind[:-1], part, layers),
                        }


def _properties(
    parcel: Document, rule: Document, kind: str, part: Document, layers: Mapping[str, Document]
) -> dict[str, Any]:
    outcome = part.get("outcome", rule["suggestion"])
    layer = layers.get(part["binding"] or "", {})
    edition = layer.get("edition") or {}
    features = part.get("features", ())
    return {
        "parcel": parcel["number"],
        "parcel_name": parcel["name"],
        "rule": rule["rule"],
        "rule_title": rule["title"]["zh"],
        "kind": kind,
        "fact": rule["fact"],
        "suggestion": outcome,
        "suggestion_zh": Outcome(outcome).zh,
        "text": part.get("text", rule["text"]),
        "binding": part["binding"],
        "layer": layer.get("layer"),
        "edition": edition.get("key"),
        "ellipsoid_m2": part["ellipsoid_m2"],
        "planar_m2": part["planar_m2"],
        "features": ",".join(one["id"] for one in features) or part.get("feature"),
        "documents": ",".join(sorted({one["document"] for one in features if one["document"]})),
    }

"""What the result of a compliance check looks like, as JSON Schema."""

from typing import Any

from config.vocabulary import Fact, Outcome
from processes.ogc.feature_schemas import nullable, number

STRING = {"type": "string"}
BOTH = {
    "type": "object",
    "properties": {"zh": STRING, "en": STRING},
    "required": ["zh", "en"],
}
FAULT = {
    "type": "object",
    "properties": {
        "code": STRING,
        "severity": {"type": "string", "enum": ["error", "warning"]},
        "title": BOTH,
        "message": BOTH,
        "place": nullable(STRING),
    },
    "required": ["code", "severity", "title", "message", "place"],
}
GEOMETRY = nullable(
    {"type": "object", "description": "GeoJSON, longitude and latitude (EPSG:4490)"}
)
OUTCOME = {
    "type": "string",
    "enum": [outcome.value for outcome in Outcome],
    "description": "、".join(f"{outcome.value} {outcome.zh}" for outcome in Outcome),
}
FEATURE = {
    "type": "object",
    "properties": {
        "id": STRING,
        "plan": nullable(STRING),
        "document": nullable(STRING),
        "fields": {"type": "object"},
        "ellipsoid_m2": number("official method, CGCS2000 ellipsoid"),
        "planar_m2": number("in the plane named planar_crs"),
    },
    "required": ["id", "plan", "document", "fields", "ellipsoid_m2", "planar_m2"],
}
CONCERN = {
    "type": "object",
    "properties": {
        "binding": STRING,
        "ellipsoid_m2": number("official method, CGCS2000 ellipsoid"),
        "planar_m2": number("in the plane named planar_crs"),
        "noise_m2": number("boundary noise left out, planar"),
        "share": number("of the parcel's ellipsoidal area, 0 to 1"),
        "declared_m2": nullable(number("share of the declared area")),
        "net_m2": nullable(number("ellipsoidal, field ridges left out")),
        "distance_m": nullable(number("least distance, where one is asked and something is near")),
        "features": {"type": "array", "items": FEATURE},
        "geometry": GEOMETRY,
    },
    "required": ["binding", "ellipsoid_m2", "planar_m2", "noise_m2", "share", "features"],
}
PIECE = {
    "type": "object",
    "properties": {
        "clause": {"type": "integer"},
        "outcome": OUTCOME,
        "text": STRING,
        "ellipsoid_m2": number("official method"),
        "planar_m2": number("in the plane named planar_crs"),
        "binding": nullable(STRING),
        "feature": nullable(STRING),
        "geometry": GEOMETRY,
    },
    "required": ["clause", "outcome", "text", "ellipsoid_m2", "planar_m2"],
}
RULE = {
    "type": "object",
    "properties": {
        "rule": STRING,
        "version": {"type": "integer"},
        "title": BOTH,
        "family": STRING,
        "mandatory": {"type": "boolean"},
        "fact": {"type": "string", "enum": [fact.value for fact in Fact]},
        "suggestion": OUTCOME,
        "clause": {"type": "integer", "description": "from 1; 0: none held"},
        "text": STRING,
        "reasons": {"type": "array", "items": STRING, "description": "what stayed unknown"},
        "needs": {"type": "array", "items": {"type": "object"}},
        "limits": {"type": "array", "items": BOTH, "description": "what the rule cannot see"},
        "legal": {"type": "array", "items": {"type": "object"}},
        "concerns": {"type": "array", "items": CONCERN},
        "pieces": {"type": "array", "items": PIECE},
    },
    "required": [
        "rule",
        "mandatory",
        "fact",
        "suggestion",
        "clause",
        "text",
        "reasons",
        "concerns",
    ],
}
PARCEL = {
    "type": "object",
    "properties": {
        "number": {"type": "integer", "minimum": 1},
        "name": nullable(STRING),
        "id": nullable(STRING),
        "geometry": GEOMETRY,
        "region": nullable({"type": "object"}),
        "attributes": {"type": "object", "description": "as they were given for this parcel"},
        "areas": {
            "type": "object",
            "properties": {
                "declared_m2": nullable(number("as declared")),
                "planar_m2": nullable(number("in the plane named planar_crs")),
                "ellipsoid_m2": nullable(number("official method, CGCS2000 ellipsoid")),
            },
            "required": ["declared_m2", "planar_m2", "ellipsoid_m2"],
        },
        "faults": {"type": "array", "items": FAULT},
        "overall": OUTCOME,
        "summary": {"type": "object", "additionalProperties": {"type": "integer"}},
        "rules": {"type": "array", "items": RULE},
        "composition": {"type": "object"},
    },
    "required": ["number", "areas", "faults", "overall", "summary", "rules", "composition"],
}
RESULT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "hash": {
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "SHA-256 of all else: equal for equal inputs, rules, editions and revisions",
        },
        "kind": {"type": "string", "enum": ["compliance_check"]},
        "advisory": BOTH,
        "draft": {"type": "boolean", "description": "rules that are not in force; not kept"},
        "ruleset": {"type": "object"},
        "profile": {"type": "object"},
        "check_date": {"type": "string", "format": "date"},
        "as_of": nullable({"type": "string", "format": "date-time"}),
        "planar_crs": {"type": "object", "description": "the plane of planar areas"},
        "source": {"type": "object", "description": "how the parcels came to storage"},
        "project": {"type": "object"},
        "layers": {
            "type": "array",
            "items": {"type": "object"},
            "description": "what each binding read: layer, edition, revision; or why nothing",
        },
        "parcels": {"type": "array", "items": PARCEL},
        "manual": {"type": "array", "items": {"type": "object"}},
        "notes": {"type": "array", "items": STRING},
    },
    "required": [
        "hash",
        "kind",
        "advisory",
        "ruleset",
        "profile",
        "check_date",
        "layers",
        "parcels",
    ],
}

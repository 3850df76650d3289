"""What processes say of themselves (OGC API Processes 1.0): summaries and descriptions."""

from typing import Any

from processes.spec import JSON, REL, TRANSMISSION, ProcessSpec

JOB_CONTROL = ("sync-execute", "async-execute", "dismiss")


def summary(spec: ProcessSpec, process_id: str, lang: str, base_url: str) -> dict[str, Any]:
    """A process in the list of processes (OGC API Processes 1.0, processSummary)."""
    here = f"{base_url}/processes/{process_id}"
    return {
        "id": process_id,
        "title": spec.title.in_language(lang),
        "description": spec.description.in_language(lang),
        "keywords": list(spec.keywords),
        "version": spec.version,
        "jobControlOptions": list(JOB_CONTROL),
        "outputTransmission": list(TRANSMISSION),
        "links": [
            {"rel": "self", "type": JSON, "href": here, "title": process_id},
            {"rel": f"{REL}execute", "type": JSON, "href": f"{here}/execution"},
        ],
    }


def description_document(
    spec: ProcessSpec, process_id: str, lang: str, base_url: str
) -> dict[str, Any]:
    """What GET /processes/{processId} answers."""
    return summary(spec, process_id, lang, base_url) | {
        "inputs": {
            name: {
                "title": i.title.in_language(lang),
                "description": i.description.in_language(lang),
                "minOccurs": int(i.required),
                "maxOccurs": 1,
                "schema": dict(i.schema),
            }
            for name, i in spec.inputs.items()
        },
        "outputs": {
            name: {
                "title": o.title.in_language(lang),
                "description": o.description.in_language(lang),
                "schema": dict(o.schema),
            }
            for name, o in spec.outputs.items()
        },
        "x-onemap": {"example": dict(spec.example)},
    }

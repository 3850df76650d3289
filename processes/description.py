"""What processes say of themselves (OGC API Processes 1.0): summaries and descriptions."""

from collections.abc import Collection
from typing import Any

from config.vocabulary import ExecutionMode
from processes.spec import COLLECTION_TYPE, JSON, REL, TRANSMISSION, Output, ProcessSpec


def job_control(modes: Collection[ExecutionMode]) -> list[str]:
    """The jobControlOptions of a process that runs in these modes; each of its jobs can be dismissed."""
    return [*(f"{mode}-execute" for mode in ExecutionMode if mode in modes), "dismiss"]


def summary(
    spec: ProcessSpec,
    process_id: str,
    lang: str,
    base_url: str,
    modes: Collection[ExecutionMode] = tuple(ExecutionMode),
) -> dict[str, Any]:
    """A process in the list of processes (OGC API Processes 1.0, processSummary)."""
    here = f"{base_url}/processes/{process_id}"
    return {
        "id": process_id,
        "title": spec.title.in_language(lang),
        "description": spec.description.in_language(lang),
        "keywords": list(spec.keywords),
        "version": spec.version,
        "jobControlOptions": job_control(modes),
        "outputTransmission": list(TRANSMISSION),
        "links": [
            {"rel": "self", "type": JSON, "href": here, "title": process_id},
            {"rel": f"{REL}execute", "type": JSON, "href": f"{here}/execution"},
        ],
    }


def description_document(
    spec: ProcessSpec,
    process_id: str,
    lang: str,
    base_url: str,
    modes: Collection[ExecutionMode] = tuple(ExecutionMode),
) -> dict[str, Any]:
    """What GET /processes/{processId} answers."""
    return summary(spec, process_id, lang, base_url, modes) | {
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
                "schema": _output_schema(o),
            }
            for name, o in spec.outputs.items()
        },
        "x-onemap": {"example": dict(spec.example)},
    }


def _output_schema(output: Output) -> dict[str, Any]:
    """An output's value; of features also the link to the collection that they may become."""
    if not output.features:
        return dict(output.schema)
    linked = {
        "type": "object",
        "contentMediaType": COLLECTION_TYPE,
        "properties": {"href": {"type": "string", "format": "uri"}},
        "required": ["href"],
    }
    return {"oneOf": [dict(output.schema), linked]}

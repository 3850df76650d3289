"""Request bodies that are the same whatever processes there are, each with its example."""

from collections.abc import Callable
from typing import Any

from config.settings import DEMO_KEY
from openapi import dialect

type Json = dict[str, Any]

A_HASH = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
OPINION = {
    "conclusion": "COND",
    "text": "涉及永久基本农田，须论证。",
    "document_number": "模审〔2026〕7号",
    "document_date": "2026-03-06",
    "manual": [{"rule": "CR40", "outcome": "PASS"}],
}


def typed(schema: str) -> Json:
    """A media type whose content is this component."""
    return {"schema": {"$ref": f"{dialect.COMPONENTS}{schema}"}}


def _json(schema: str, example: Json) -> Callable[[Any], Json]:
    def body(_: Any) -> Json:
        content = {"application/json": {**typed(schema), "example": example}}
        return {"required": True, "content": content}

    return body


def _upload(_: Any) -> Json:
    """A file as it is, or in a form; as it is it may have any media type."""
    return {
        "required": True,
        "content": {
            "multipart/form-data": typed("UploadForm"),
            "application/octet-stream": typed("FileBytes"),
        },
    }


FIXED_BODIES: dict[str, Callable[[Any], Json]] = {
    # The key of the demo city's visitor, which only `onemap demo` creates: its data are simulated.
    "credentials": _json("Credentials", {"key": DEMO_KEY}),
    "opinion": _json("OpinionRequest", OPINION),
    "verified": _json("SealedDocument", {"hash": A_HASH}),
    "upload": _upload,
}

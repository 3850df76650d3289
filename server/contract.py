"""The published contract as text: the route table and the processes, through openapi.build."""

from openapi.build import Operation, build, text
from processes.registry import SPECS
from server.routes import TABLE


def contract_text() -> str:
    """The OpenAPI document as it is committed, with a final newline."""
    operations = [
        Operation(e.method, e.path, e.operation) for e in TABLE if e.operation is not None
    ]
    document = build(operations, list(SPECS.values()))
    return text(document)

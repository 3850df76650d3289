"""Inputs that refer to features instead of holding them: read when the computation begins."""

from collections.abc import Callable, Mapping
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from processes.context import Context
from processes.spec import BodyError, InvalidBody, ProcessSpec
from processes.workflows.collection_input import COLLECTION, collection_rows
from processes.workflows.feature_input import Rows
from processes.workflows.uploaded_input import HREF, uploaded_rows
from providers.errors import BadParameter

type Reading = Callable[[Connection[TupleRow], Context, Mapping[str, Any]], Rows]
WAYS: Mapping[str, Reading] = {COLLECTION: collection_rows, HREF: uploaded_rows}


def referring(spec: ProcessSpec, inputs: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The inputs that refer to features, by their names."""
    return {
        name: value
        for name, value in inputs.items()
        if spec.inputs[name].referable and isinstance(value, Mapping) and value.keys() & WAYS.keys()
    }


def layers_of(spec: ProcessSpec, inputs: Mapping[str, Any]) -> frozenset[str]:
    """The ids of the layers that inputs name."""
    named = referring(spec, inputs).values()
    return frozenset(str(one[COLLECTION]).partition(".")[0] for one in named if COLLECTION in one)


def resolved(context: Context, spec: ProcessSpec, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The inputs with features in place of what refers to them.

    Raises
    ------
    InvalidBody
        With every reference that gives no features, and why.
    """
    named = referring(spec, inputs)
    if not named:
        return inputs
    found, faults = dict(inputs), list[BodyError]()
    with context.reading() as connection:
        for name, asked in named.items():
            read = next(WAYS[way] for way in WAYS if way in asked)
            try:
                found[name] = read(connection, context, asked)
            except BadParameter as error:
                message = str(error).partition(": ")[2]
                faults.append(BodyError(f"/inputs/{name}/{error.name}", message))
    if faults:
        raise InvalidBody(faults)
    return found

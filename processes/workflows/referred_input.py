"""Inputs that refer to features instead of holding them: read when the computation begins."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from config.remote_hosts import RemoteHost
from processes.context import Context
from processes.spec import BodyError, InvalidBody, ProcessSpec, pointer
from processes.workflows.collection_input import COLLECTION, collection_rows
from processes.workflows.feature_input import Rows
from processes.workflows.nested_input import Step, unwrapped
from processes.workflows.remote_input import address_fault, remote_rows
from processes.workflows.uploaded_input import HREF, uploaded_rows
from providers.errors import BadParameter
from providers.uploads import upload_id

type Reading = Callable[[Connection[TupleRow], Context, Mapping[str, Any]], Rows]
WAYS: Mapping[str, Reading] = {COLLECTION: collection_rows, HREF: uploaded_rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The inputs of one process of a body."""

    step: str  # JSON pointer of the process in the body
    spec: ProcessSpec
    inputs: Mapping[str, Any]


def referring(spec: ProcessSpec, inputs: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The inputs that refer to features, by their names."""
    return {
        name: value
        for name, value in inputs.items()
        if spec.inputs[name].referable and isinstance(value, Mapping) and value.keys() & WAYS.keys()
    }


def layers_of_steps(steps: Iterable[Step]) -> frozenset[str]:
    """The ids of the layers that the inputs of a whole body name."""
    named = [asked for step in steps for _, asked in _sent(step)]
    return frozenset(str(one[COLLECTION]).partition(".")[0] for one in named if COLLECTION in one)


def address_faults(
    steps: Iterable[Step], base: str, hosts: Sequence[RemoteHost]
) -> list[BodyError]:
    """The addresses of a whole body that are no upload's and that nobody may ask for."""
    return [
        BodyError(f"{step.pointer}{pointer(('inputs', name, HREF))}", fault)
        for step in steps
        for name, asked in _sent(step)
        if HREF in asked and upload_id(str(asked[HREF]), base) is None
        if (fault := address_fault(str(asked[HREF]), hosts)) is not None
    ]


def resolved(context: Context, asking: Sequence[Asking]) -> list[Mapping[str, Any]]:
    """The inputs of each process with features in place of what refers to them.

    Other hosts are asked first: no transaction waits for them.

    Raises
    ------
    InvalidBody
        With every reference that gives no features, and why.
    """
    found = [dict(one.inputs) for one in asking]
    faults, here = list[BodyError](), list[tuple[int, str, Mapping[str, Any]]]()
    for number, one in enumerate(asking):
        for name, asked in referring(one.spec, one.inputs).items():
            if not _elsewhere(context, asked):
                if not (one.spec.inputs[name].surveyed and HREF in asked):
                    here.append((number, name, asked))
                continue
            with context.within(one.step):
                try:
                    found[number][name] = remote_rows(context, asked)
                except BadParameter as error:
                    faults.append(_fault(one, name, error))
    if here:
        with context.reading() as connection:
            for number, name, asked in here:
                read = next(WAYS[way] for way in WAYS if way in asked)
                with context.within(asking[number].step):
                    try:
                        found[number][name] = read(connection, context, asked)
                    except BadParameter as error:
                        faults.append(_fault(asking[number], name, error))
    if faults:
        raise InvalidBody(faults)
    return list(found)


def _sent(step: Step) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """What a step refers to, where its body is well formed so far."""
    sent, spec = step.body.get("inputs"), step.offered.spec
    inputs = sent if isinstance(sent, Mapping) else {}
    return referring(spec, {n: unwrapped(v) for n, v in inputs.items() if n in spec.inputs}).items()


def _elsewhere(context: Context, asked: Mapping[str, Any]) -> bool:
    """Whether it lies on another host: an address that is no upload's."""
    href = asked.get(HREF)
    if href is None or context.depot is None or "://" not in str(href):
        return False
    return upload_id(str(href), context.depot.public_url) is None


def _fault(one: Asking, name: str, error: BadParameter) -> BodyError:
    place = f"{one.step}{pointer(('inputs', name, error.name))}"
    return BodyError(place, str(error).partition(": ")[2])

"""Inputs that are other processes (OGC API Processes, Part 3): found, bounded, checked with the body.

A nested process is an object `{"process": …, "inputs": …, "outputs": …}` in place of features. Its
output of features becomes the input.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.model import ProcessEntry
from processes.spec import (
    MAX_ERRORS,
    WRAPPING,
    BodyError,
    Execution,
    InvalidBody,
    ProcessSpec,
    pointer,
)
from providers.access import Scope

PROCESS = "process"  # what tells such an input from GeoJSON
MAX_DEEP = 3  # processes within one another, the outer one not counted
MAX_NESTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A process as this instance offers it."""

    entry: ProcessEntry
    spec: ProcessSpec


# By what a body calls it; None: there is none, or not for this caller, which is told alike.
type Find = Callable[[str], Offered | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One process of a body, at its JSON pointer ("" is the outer one), with its own body."""

    pointer: str
    offered: Offered
    body: Mapping[str, Any]


type Look = Callable[[Sequence[Step]], Sequence[BodyError]]


def finding(
    entries: Mapping[str, ProcessEntry], specs: Mapping[str, ProcessSpec], scope: Scope, base: str
) -> Find:
    """Finds what the scope may run, by its id or its address below *base*."""

    def find(name: str) -> Offered | None:
        entry = entries.get(name.removeprefix(f"{base}/processes/"))
        if entry is None or entry.spec not in specs or not scope.may(entry.id):
            return None
        return Offered(entry=entry, spec=specs[entry.spec])

    return find


def nested(spec: ProcessSpec, inputs: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The inputs that are processes: their names, where they stand, and their bodies."""
    for name, sent in inputs.items() if isinstance(inputs, Mapping) else ():
        known = spec.inputs.get(name)
        value = unwrapped(sent)
        referable = known is not None and known.referable
        if referable and isinstance(value, Mapping) and PROCESS in value:
            path = ("inputs", name) if value is sent else ("inputs", name, "value")
            yield name, pointer(path), value


def unwrapped(sent: Any) -> Any:
    """The value of an input, whether it is qualified by its media type or not."""
    qualified = isinstance(sent, Mapping) and "value" in sent and sent.keys() <= WRAPPING
    return sent["value"] if qualified else sent


def steps_of(
    outer: Offered, body: Mapping[str, Any], find: Find
) -> tuple[Sequence[Step], Sequence[BodyError]]:
    """Every process of a body, each after those that feed it; and what is wrong with the nesting."""
    walk = _Walk(find)
    walk.visit(outer, body, "", 0)
    return walk.steps, walk.faults


def parse_body(
    outer: Offered, body: Any, find: Find, look: Look
) -> tuple[Execution, Sequence[Step]]:
    """The body as values, its nested processes left as they were sent, and all of its processes.

    *look* finds what else is wrong with them.

    Raises
    ------
    InvalidBody
        With the errors of every level, each with its pointer into the whole body.
    """
    faults, execution = list[BodyError](), None
    try:
        execution = outer.spec.parse(body)
    except InvalidBody as error:
        faults += error.errors
    steps, odd = steps_of(outer, body, find) if isinstance(body, Mapping) else ((), ())
    faults += [*odd, *look(steps)]
    for step in steps[:-1]:
        try:
            parse_step(step)
        except InvalidBody as error:
            faults += error.errors
    if execution is None or faults:
        raise InvalidBody(list(dict.fromkeys(faults))[:MAX_ERRORS])
    return execution, steps


def parse_step(step: Step) -> Execution:
    """A nested process as values; InvalidBody with pointers into the whole body."""
    try:
        return step.offered.spec.parse(
            {part: step.body[part] for part in ("inputs", "outputs") if part in step.body}
        )
    except InvalidBody as error:
        faults = [BodyError(step.pointer + e.pointer, e.message) for e in error.errors]
        raise InvalidBody(faults) from error


class _Walk:
    """One pass over a body; nothing beyond its bounds is looked at."""

    def __init__(self, find: Find) -> None:
        self.find = find
        self.steps: list[Step] = []
        self.faults: list[BodyError] = []
        self.met = 0

    def visit(self, offered: Offered, body: Mapping[str, Any], place: str, deep: int) -> None:
        for _, where, value in nested(offered.spec, body.get("inputs")):
            here = place + where
            self.met += 1
            if deep == MAX_DEEP:
                message = f"expected at most {MAX_DEEP} processes nested in one another"
                self.faults.append(BodyError(here, message))
            elif self.met > MAX_NESTED:
                message = f"expected at most {MAX_NESTED} nested processes in a body"
                self.faults.append(BodyError(here, message))
            elif isinstance(value[PROCESS], str):  # else the schema of the input tells it
                self.meet(value, here, deep)
        self.steps.append(Step(pointer=place, offered=offered, body=body))

    def meet(self, value: Mapping[str, Any], here: str, deep: int) -> None:
        inner = self.find(value[PROCESS])
        if inner is None:
            message = "expected the id or the address of a process that you may run here"
            self.faults.append(BodyError(f"{here}/{PROCESS}", message))
            return
        self.faults += _output_faults(inner.spec, value, here)
        self.visit(inner, value, here, deep + 1)


def _output_faults(spec: ProcessSpec, value: Mapping[str, Any], here: str) -> Iterator[BodyError]:
    """Whether exactly one output, one of features, feeds the input."""
    asked = value.get("outputs", spec.outputs)
    if not isinstance(asked, Mapping) or asked.keys() - spec.outputs.keys():
        return  # its own schema tells it
    able = [name for name, output in spec.outputs.items() if output.features]
    if not able:
        yield BodyError(f"{here}/{PROCESS}", "expected a process with an output of features")
    elif len(asked) != 1:
        example = f'{{"{able[0]}": {{}}}}'
        place = f"{here}/outputs" if "outputs" in value else here
        yield BodyError(place, f"expected exactly one output, as in outputs: {example}")
    elif (name := next(iter(asked))) not in able:
        place = pointer(("outputs", name))
        yield BodyError(here + place, f"expected an output of features: {', '.join(able)}")

"""A computation with all of its processes: first everything is read, then they run, inner ones first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from processes.context import Context, Reporter
from processes.spec import BodyError, InvalidBody
from processes.workflows.feature_input import Rows, read_rows
from processes.workflows.nested_input import Find, Offered, Step, nested, parse_step, steps_of
from processes.workflows.referred_input import Asking, resolved

type Document = dict[str, Any]


def step_documents(steps: Sequence[Step]) -> list[Document]:
    """The processes of a job as its status document shows them; none where nothing is nested."""
    return [
        {"pointer": s.pointer, "process": s.offered.entry.id, "status": "accepted", "progress": 0}
        for s in (steps if len(steps) > 1 else ())
    ]


def computed(
    context: Context, outer: Offered, inputs: Mapping[str, Any], find: Find
) -> Mapping[str, Any]:
    """The values of the outer process; everything that any of its processes refers to is read at
    once, in one snapshot of the data.

    Raises
    ------
    InvalidBody
        With pointers into the whole body: for references of all levels at once, else for the
        process that cannot compute with what it was given.
    """
    steps, faults = steps_of(outer, {"inputs": inputs}, find)
    if faults:
        raise InvalidBody(list(faults))
    own = [parse_step(step) for step in steps[:-1]]
    given = resolved(
        context,
        [
            Asking(step=step.pointer, spec=step.offered.spec, inputs=values)
            for step, values in zip(steps, [*(one.inputs for one in own), inputs], strict=True)
        ],
    )
    told = _Told(context, step_documents(steps))
    made: dict[str, Rows] = {}
    values: Mapping[str, Any] = {}
    for number, (step, known) in enumerate(zip(steps, given, strict=True)):
        entry = step.offered.entry
        fed = dict(known)
        for name, where, _ in nested(step.offered.spec, step.body.get("inputs")):
            fed[name] = made[step.pointer + where]
        started = datetime.now(UTC)
        told.begin(number)
        with context.within(step.pointer, entry=entry, report=told.reporter(number, step)):
            try:
                values = step.offered.spec.run(context, fed)
                if step is not steps[-1]:
                    made[step.pointer] = _fed(values[own[number].outputs[0]])
                    context.ran(step.offered.spec.version, started, datetime.now(UTC))
            except InvalidBody as error:
                raise InvalidBody(_placed(error.errors, step.pointer)) from error
        told.end(number)
    return values


class _Told:
    """What is said of the steps while they run; each counts the same for the whole."""

    def __init__(self, context: Context, documents: list[Document]) -> None:
        self.context, self.documents, self.report = context, documents, context.report

    def begin(self, number: int) -> None:
        self._say(number, status="running")

    def end(self, number: int) -> None:
        self._say(number, status="successful", progress=100)

    def reporter(self, number: int, step: Step) -> Reporter:
        """Turns a step's own progress into that of the whole, its message into one that names it."""
        if not self.documents:
            return self.report
        count, process = len(self.documents), step.offered.entry.id

        def report(percent: int, message: str) -> None:
            own = max(0, min(99, percent))
            self._say(number, progress=own)
            said = f"{process} ({number + 1}/{count} {step.pointer or '/'}): {message}"
            self.report((100 * number + own) // count, said)

        return report

    def _say(self, number: int, **news: Any) -> None:
        if self.documents:
            self.documents[number] = {**self.documents[number], **news}
            self.context.report_steps(tuple(self.documents))


def _fed(value: Mapping[str, Any]) -> Rows:
    """An output of features as an input, in the system that it names: its reader names none."""
    system = {"crs": value["coordRefSys"]} if "coordRefSys" in value else {}
    try:
        rows = read_rows({"features": value, **system}, "features")
    except InvalidBody as error:
        told = error.errors[0].message
        raise InvalidBody([BodyError("", f"its features cannot be an input: {told}")]) from error
    return replace(rows, nested=True)


def _placed(errors: Sequence[BodyError], step: str) -> list[BodyError]:
    """What a process finds while it runs begins at its inputs, or at its body."""
    return [
        BodyError(
            step
            + (
                e.pointer
                if e.pointer.startswith("/inputs") or not e.pointer
                else f"/inputs{e.pointer}"
            ),
            e.message,
        )
        for e in errors
    ]

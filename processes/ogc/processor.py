"""The processor that pygeoapi sees: one of our specs, offered by a catalogue entry."""

import importlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError

from config.model import ProcessEntry
from config.settings import Settings
from processes.context import Context
from processes.description import description_document, job_control
from processes.spec import (
    JSON,
    TRANSMISSION,
    Execution,
    FunctionNotGranted,
    InvalidBody,
    ProcessSpec,
)
from processes.workflows.nested_input import Find, Offered
from processes.workflows.process_steps import computed
from providers.access import Scope
from providers.database import DatabaseRole, connection_options
from providers.errors import OutlastedWait, StoreTimeout, StoreUnavailable
from providers.job_queue import QueueFull
from providers.jobs import JobFailed, TooManyJobs
from providers.pygeoapi.caller import scope_of_caller
from providers.pygeoapi.source import DATABASE_VARIABLE, catalogue

STATUS: Mapping[type[Exception], tuple[HTTPStatus, str]] = {
    InvalidBody: (HTTPStatus.BAD_REQUEST, "InvalidBody"),
    FunctionNotGranted: (HTTPStatus.FORBIDDEN, "FunctionNotGranted"),
    TooManyJobs: (HTTPStatus.TOO_MANY_REQUESTS, "TooManyJobs"),
    QueueFull: (HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded"),
    OutlastedWait: (HTTPStatus.SERVICE_UNAVAILABLE, "OutlastedWait"),
    JobFailed: (HTTPStatus.INTERNAL_SERVER_ERROR, "NoApplicableCode"),
    StoreUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded"),
    StoreTimeout: (HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded"),
}
REFUSALS = tuple(STATUS)


class Refused(ProcessorExecuteError):  # type: ignore[misc]
    """One of our named errors, as the exception from which pygeoapi makes a status."""

    def __init__(self, error: Exception) -> None:
        text = str(error)
        if isinstance(error, InvalidBody):
            text = "; ".join(f"{e.pointer or 'the body'}: {e.message}" for e in error.errors)
        super().__init__(user_msg=text)
        self.http_status_code, self.ogc_exception_code = STATUS[type(error)]


class SpecProcessor(BaseProcessor):  # type: ignore[misc]
    """A process of the catalogue; the configuration block names it and its principal."""

    def __init__(self, processor_def: Mapping[str, Any]) -> None:
        self.entry = _entry(str(processor_def.get("process")))
        self.spec = spec_named(self.entry.spec)
        self._block = dict(processor_def)
        super().__init__(dict(processor_def), _metadata(self.entry, self.spec))
        self.supports_outputs = True

    def parse(self, body: Mapping[str, Any]) -> Execution:
        """The body as values, if the caller may run this process; Refused says why not."""
        try:
            if not scope_of_caller(self._block, catalogue()).may(self.entry.id):
                raise FunctionNotGranted(self.entry.id)
            return self.spec.parse(dict(body))
        except REFUSALS as error:
            raise Refused(error) from error

    def execute(
        self, data: Mapping[str, Any], outputs: Mapping[str, Any] | None = None
    ) -> tuple[str, Any]:
        """Run in this very process, for managers other than ours."""
        body = {"inputs": dict(data), **({"outputs": dict(outputs)} if outputs else {})}
        execution = self.parse(body)
        context = Context(
            entry=self.entry,
            scope=scope_of_caller(self._block, catalogue()),
            reader=(reader := _Reader(self.entry.limits["seconds"])).connection,
            report=lambda percent, message: None,
            now=datetime.now(UTC),
            planar_crs=Settings.from_environ().planar_crs,
            layers=catalogue().layers,
        )
        try:
            outer = Offered(entry=self.entry, spec=self.spec)
            values = computed(context, outer, execution.inputs, _finding(context.scope))
        except InvalidBody as error:
            raise Refused(error) from error
        finally:
            reader.close()
        if len(execution.outputs) == 1:
            name = execution.outputs[0]
            return self.spec.outputs[name].media_type, _plain(values[name])
        return JSON, {name: _plain(values[name]) for name in execution.outputs}


@cache
def spec_named(name: str) -> ProcessSpec:
    """The spec of this name: `processes.ogc.<name>` defines it in capitals."""
    spec = getattr(importlib.import_module(f"processes.ogc.{name}"), name.upper())
    if not isinstance(spec, ProcessSpec):
        raise TypeError(f"processes.ogc.{name} defines no ProcessSpec")
    return spec


def _finding(scope: Scope) -> Find:
    def find(name: str) -> Offered | None:
        entry = catalogue().processes.get(name)
        if entry is None or not scope.may(entry.id):
            return None
        return Offered(entry=entry, spec=spec_named(entry.spec))

    return find


def _entry(name: str) -> ProcessEntry:
    entry = catalogue().processes.get(name)
    if entry is None:
        raise ProcessorExecuteError(f"process: {name!r} is not in the catalogue")
    return entry


def _plain(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))


def _metadata(entry: ProcessEntry, spec: ProcessSpec) -> dict[str, Any]:
    """The process as pygeoapi describes it: both languages, translated by upstream."""
    zh, en = (description_document(spec, entry.id, lang, "") for lang in ("zh", "en"))

    def both(of: str, name: str, part: str) -> dict[str, str]:
        return {"zh": zh[of][name][part], "en": en[of][name][part]}

    return {
        "id": entry.id,
        "version": spec.version,
        "title": {"zh": zh["title"], "en": en["title"]},
        "description": {"zh": zh["description"], "en": en["description"]},
        "keywords": list(spec.keywords),
        "jobControlOptions": job_control(entry.execution),
        "outputTransmission": list(TRANSMISSION),
        "links": [],
        "inputs": {
            name: zh["inputs"][name]
            | {part: both("inputs", name, part) for part in ("title", "description")}
            for name in spec.inputs
        },
        "outputs": {
            name: zh["outputs"][name]
            | {part: both("outputs", name, part) for part in ("title", "description")}
            for name in spec.outputs
        },
        "example": dict(spec.example),
    }


class _Reader:
    """One reading connection for one computation, opened if it is asked for."""

    def __init__(self, limit_s: int) -> None:
        self._limit_s = limit_s
        self._connection: Connection[TupleRow] | None = None

    def connection(self) -> Connection[TupleRow]:
        if self._connection is None:
            url = Settings.from_environ().database_url
            if url is None:
                raise ProcessorExecuteError(f"{DATABASE_VARIABLE} is not set")
            options = connection_options(DatabaseRole.READER, self._limit_s * 1000)
            self._connection = psycopg.connect(url, autocommit=True, **options)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

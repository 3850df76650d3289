"""What a job is: its record, its states, its scope, and the pages of the job list."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg.rows import TupleRow

from config.vocabulary import Classification
from providers.access import ALL, Scope
from providers.editions import DAY, beginning_in_china, end_of_day_in_china
from providers.errors import BadParameter

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS: LiteralString = (
    "id, process, process_version, owner, status, attempt, outputs, by_reference, response, progress,"
    " message, error, created_at, started_at, finished_at, updated_at, as_collection, expires_at, steps,"
    " schedule"
)


class JobStatus(StrEnum):
    """Where a job stands (OGC API Processes 1.0, statusCode)."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"

    @property
    def final(self) -> bool:
        return self not in (JobStatus.ACCEPTED, JobStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A key under which a request makes one job, however often it is sent, and its digest."""

    key: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What is asked for, already validated."""

    process: str
    process_version: str
    inputs: Mapping[str, Any]
    outputs: tuple[str, ...]
    response: Literal["raw", "document"]
    catalogue: str  # digest of the catalogue that accepted it
    per_owner: int
    by_reference: tuple[str, ...] = ()
    as_collection: tuple[str, ...] = ()
    once: Once | None = None
    steps: tuple[Mapping[str, Any], ...] = ()  # where processes are nested


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job's state; inputs and results are read apart."""

    id: UUID
    process: str
    process_version: str
    owner: str
    status: JobStatus
    attempt: int
    outputs: tuple[str, ...]
    by_reference: tuple[str, ...]  # outputs whose address is wanted, not their value
    response: Literal["raw", "document"]
    progress: int
    message: str
    error: Mapping[str, Any] | None
    created: datetime
    started: datetime | None
    finished: datetime | None
    updated: datetime
    as_collection: tuple[str, ...] = ()  # outputs that become layers
    expires: datetime | None = None  # when the ended job and its results go
    steps: tuple[Mapping[str, Any], ...] = ()  # where processes are nested, as last reported
    schedule: str | None = None  # the schedule that made it
    repeated: bool = False  # as a submission gives it: the same request made it before


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One output's value: JSON text, or text of its media type."""

    output: str
    media_type: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Period:
    """From one moment to another, both included; None: without end."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """A page of the job list; what is None does not narrow it.

    A job lasts from its start to its end, or until now; one that has not started has no duration.
    """

    limit: int
    after: tuple[datetime, UUID] | None = None
    statuses: tuple[JobStatus, ...] = tuple(JobStatus)
    processes: tuple[str, ...] | None = None
    created: Period = Period()
    shortest_s: int | None = None
    longest_s: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the statement's binds."""
        created, last = self.after or (None, None)
        return {
            "statuses": list(self.statuses),
            "processes": None if self.processes is None else list(self.processes),
            "created": created,
            "id": last,
            "created_from": self.created.start,
            "created_to": self.created.end,
            "shortest": self.shortest_s,
            "longest": self.longest_s,
            "limit": self.limit + 1,  # one more says that more follow
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Jobs, newest first, and the cursor of the next page."""

    jobs: tuple[Job, ...]
    cursor: str | None


def job_from(row: TupleRow) -> Job:
    """A job from a row of COLUMNS."""
    return Job(
        id=row[0],
        process=row[1],
        process_version=row[2],
        owner=row[3],
        status=JobStatus(row[4]),
        attempt=row[5],
        outputs=tuple(row[6]),
        by_reference=tuple(row[7]),
        response=row[8],
        progress=row[9],
        message=row[10],
        error=row[11],
        created=row[12],
        started=row[13],
        finished=row[14],
        updated=row[15],
        as_collection=tuple(row[16]),
        expires=row[17],
        steps=tuple(row[18] or ()),
        schedule=row[19],
    )


def cursor(job: Job) -> str:
    """Where the page after *job* begins."""
    micros = (job.created - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{micros}.{job.id.hex}".encode()).decode().rstrip("=")


def parse_cursor(text: str) -> tuple[datetime, UUID]:
    """A cursor that `cursor` made."""
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        micros, _, name = plain.partition(".")
        return EPOCH + timedelta(microseconds=int(micros)), UUID(name)
    except (ValueError, binascii.Error, OverflowError):
        raise BadParameter("cursor", text, "a cursor from a next link") from None


def parse_period(text: str) -> Period:
    """`datetime` of the job list: an instant or an interval of RFC 3339, open ends as `..`.

    A date stands for its whole day in China.
    """
    expected = "a date, a date-time with its offset, or an interval like ../2026-11-30"
    first, slash, last = text.partition("/")
    try:
        if not slash:
            return Period(_moment(first, last=False), _moment(first, last=True))
        start = None if first in ("", "..") else _moment(first, last=False)
        end = None if last in ("", "..") else _moment(last, last=True)
    except (ValueError, OverflowError):
        raise BadParameter("datetime", text, expected) from None
    if (start is None and end is None) or (start is not None and end is not None and start > end):
        raise BadParameter("datetime", text, expected)
    return Period(start, end)


def _moment(text: str, *, last: bool) -> datetime:
    if not text.isascii():
        raise ValueError(text)
    if DAY.fullmatch(text):
        day = date.fromisoformat(text)
        return end_of_day_in_china(day) if last else beginning_in_china(day)
    moment = datetime.fromisoformat(text.upper())
    if "T" not in text.upper() or moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


def scope_document(scope: Scope) -> dict[str, Any]:
    """A scope as JSON: the job keeps what its owner might see when it was made."""
    return {
        "layers": "all" if scope.layers is ALL else sorted(scope.layers),
        "regions": "all" if scope.regions is ALL else list(scope.regions),
        "areas": "all" if scope.areas is ALL else scope.areas.hex(),
        "ceiling": scope.ceiling.value,
        "functions": "all" if scope.functions is ALL else sorted(scope.functions),
    }


def scope_from(document: Mapping[str, Any]) -> Scope:
    """The scope that `scope_document` wrote."""

    def limit(name: str) -> Any:
        return ALL if document[name] == "all" else document[name]

    layers, regions, areas, functions = map(limit, ("layers", "regions", "areas", "functions"))
    return Scope(
        layers=layers if layers is ALL else frozenset(layers),
        regions=regions if regions is ALL else tuple(regions),
        areas=areas if areas is ALL else bytes.fromhex(areas),
        ceiling=Classification(document["ceiling"]),
        functions=functions if functions is ALL else frozenset(functions),
    )

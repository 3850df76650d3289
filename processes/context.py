"""What a computation is given: bindings resolved, a scoped reader, clock, progress, lineage."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Layer, ProcessEntry
from config.remote_hosts import RemoteHost
from config.rulebook import NO_RULES, Rulebook
from config.ruleset import Ruleset
from config.vocabulary import LayerId
from processes.compute import Crew, alone
from providers.access import Scope
from providers.bindings import Bound, NotBound, bind
from providers.edition_history import editions_then
from providers.editions import EditionState, day_in_china, list_editions_now
from providers.upload_store import UploadStore

type Reader = Callable[[], Connection[TupleRow]]
type Reporter = Callable[[int, str], None]
type Steps = Sequence[Mapping[str, Any]]  # of a job: pointer, process, status, progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """Whose uploads a computation may read, where they lie, and which other hosts may be asked."""

    owner: str
    uploads: UploadStore
    public_url: str
    hosts: tuple[RemoteHost, ...] = ()
    fetch_bytes: int = 0  # of one file from another host, at most
    organisation: str = ""  # whom the owner's key names
    person: str = ""


def untold(_: Steps) -> None:
    """For computations whose steps nobody follows."""


@dataclass(slots=True, kw_only=True)
class Context:
    """One computation's surroundings; notes every edition that it reads."""

    entry: ProcessEntry
    scope: Scope
    reader: Reader  # opens the reading connection on first use
    report: Reporter  # progress in percent, and a message
    now: datetime
    planar_crs: str | None = None
    layers: Mapping[str, Layer] = field(default_factory=dict)  # those that inputs name
    depot: Depot | None = None
    rulebook: Rulebook = NO_RULES  # of the catalogue, for processes that apply rules
    crew: Crew = alone  # who computes the blocks of large inputs
    report_steps: Callable[[Steps], None] = untold
    step: str = ""  # JSON pointer, in the body, of the process that computes now; "": the outer one
    synthetic: bool = False  # whether anything that was read is invented: so is what comes of it
    _read: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    _states: list[EditionState] | None = None
    _connection: Connection[TupleRow] | None = None

    @property
    def today(self) -> date:
        """Today in China, the default of a check date."""
        return day_in_china(self.now)

    @contextmanager
    def reading(self) -> Iterator[Connection[TupleRow]]:
        """The reading connection in one snapshot of the data, rolled back at the end."""
        connection = self.reader()
        with connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            self._states, self._connection = list_editions_now(connection), connection
            try:
                yield connection
            finally:
                self._states = self._connection = None

    @contextmanager
    def within(
        self, step: str, *, entry: ProcessEntry | None = None, report: Reporter | None = None
    ) -> Iterator[None]:
        """What is read and reported meanwhile belongs to the process at the pointer *step*."""
        before = self.step, self.entry, self.report
        self.step, self.entry, self.report = step, entry or self.entry, report or self.report
        try:
            yield
        finally:
            self.step, self.entry, self.report = before

    def states(self, layer: LayerId) -> list[EditionState]:
        """The layer's editions, newest first; inside `reading` only."""
        if self._states is None:
            raise RuntimeError("editions are read inside reading()")
        return [state for state in self._states if state.edition.layer == layer]

    def note(self, state: EditionState, **more: str) -> None:
        """An edition has been read: part of the lineage."""
        edition = state.edition
        self._read[(self.step, edition.layer, edition.key)] = {
            "step": self.step,
            **more,
            "layer": edition.layer,
            "edition": edition.key,
            "revision": state.revision,
            "specification": state.specification_version,
        }

    def read_file(self, name: str, sha256: str, href: str) -> None:
        """A file has been read: part of the lineage."""
        read = {"step": self.step, "file": name, "sha256": sha256, "href": href}
        self._read[self.step, "file", href] = read

    def read_remote(self, url: str, sha256: str, size: int) -> None:
        """A file of another host has been read: part of the lineage, without its query."""
        read = {"step": self.step, "url": url, "sha256": sha256, "bytes": size}
        self._read[self.step, "url", url, sha256] = read

    def ran(self, version: str, started: datetime, ended: datetime) -> None:
        """A nested process has been computed: part of the lineage."""
        self._read[self.step, "process"] = {
            "step": self.step,
            "process": self.entry.id,
            "version": version,
            "started": started.isoformat(),
            "ended": ended.isoformat(),
        }

    def bound(self, use: str, check_date: date, as_of: datetime | None = None) -> Bound | NotBound:
        """The layer and edition behind a binding's use, as recorded until *as_of*; inside `reading`."""
        if self._states is None or self._connection is None:
            raise RuntimeError("bindings are resolved inside reading()")
        binding, states = self.entry.bindings.get(use), self._states
        if as_of is not None and binding is not None and binding.layer is not None:
            states = editions_then(self._connection, binding.layer.id, as_of)
        found = bind(binding, states, check_date, self.scope)
        if isinstance(found, Bound):
            self.synthetic |= found.layer.synthetic
        if isinstance(found, Bound) and found.state is not None:
            self.note(found.state, binding=found.binding.id)
        elif isinstance(found, Bound):  # an external table, as it was then
            layer = {"step": self.step, "binding": found.binding.id, "layer": found.layer.id}
            self._read[self.step, found.layer.id] = layer
        return found

    def applied(self, ruleset: Ruleset) -> None:
        """Rules have been applied, with what was laid over them: part of the lineage."""
        self._read[self.step, "ruleset", ruleset.digest] = {
            "step": self.step,
            "ruleset": ruleset.id,
            "version": ruleset.version,
            "overrides": ", ".join(f"{name} {version}" for name, version in ruleset.overrides),
            "digest": ruleset.digest,
        }

    @property
    def lineage(self) -> list[Mapping[str, Any]]:
        """Whatever has been read and run so far, in that order, each with its step."""
        return list(self._read.values())

"""What a computation is given: bindings resolved, a scoped reader, clock, progress, lineage."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Layer, ProcessEntry
from config.vocabulary import LayerId
from providers.access import Scope
from providers.bindings import Bound, NotBound, bind
from providers.editions import EditionState, day_in_china, list_editions_now
from providers.upload_store import UploadStore

type Reader = Callable[[], Connection[TupleRow]]
type Reporter = Callable[[int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """Whose uploads a computation may read, and where they lie."""

    owner: str
    uploads: UploadStore
    public_url: str


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
    _read: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _states: list[EditionState] | None = None

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
            self._states = list_editions_now(connection)
            try:
                yield connection
            finally:
                self._states = None

    def states(self, layer: LayerId) -> list[EditionState]:
        """The layer's editions, newest first; inside `reading` only."""
        if self._states is None:
            raise RuntimeError("editions are read inside reading()")
        return [state for state in self._states if state.edition.layer == layer]

    def note(self, state: EditionState, **more: str) -> None:
        """An edition has been read: part of the lineage."""
        edition = state.edition
        self._read[(edition.layer, edition.key)] = {
            **more,
            "layer": edition.layer,
            "edition": edition.key,
            "revision": state.revision,
            "specification": state.specification_version,
        }

    def read_file(self, name: str, sha256: str) -> None:
        """A file has been read: part of the lineage."""
        self._read["file", sha256] = {"file": name, "sha256": sha256}

    def bound(self, use: str, check_date: date) -> Bound | NotBound:
        """The layer and edition behind a binding's use; inside `reading` only."""
        if self._states is None:
            raise RuntimeError("bindings are resolved inside reading()")
        found = bind(self.entry.bindings.get(use), self._states, check_date, self.scope)
        if isinstance(found, Bound):
            self.note(found.state, binding=found.binding.id)
        return found

    @property
    def lineage(self) -> list[Mapping[str, Any]]:
        """Every edition and revision read so far, in the order of reading."""
        return list(self._read.values())

"""What an opened file is to those who read it; providers.files opens them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyproj
from numpy.typing import NDArray

from processes.algorithms.survey_parcels import Finding, SurveyParcel
from providers.errors import Refused

READ_ROWS = 20_000

type Bounds = tuple[float, float, float, float]


class FileRefused(Refused):
    """A file that cannot be read as what it should be; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some features of a file in their order.

    `columns` have the file's own names, text decoded; `geometry` is shapely, two-dimensional,
    x to the east and y to the north in the file's numbers, None where a feature has none; None
    altogether for a table. `unreadable` maps rows of the batch to why something in them could not
    be read.
    """

    first: int  # number of its first feature in the file, from 0
    count: int
    columns: Mapping[str, pa.Array]
    geometry: NDArray[np.object_] | None
    unreadable: Mapping[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLayer:
    """One layer of a file: its name, the file's word for its geometry (None: a table), its rows."""

    name: str
    geometry: str | None
    features: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """An opened file: what it says of itself, and its features."""

    path: Path
    name: str
    driver: str
    layer: str
    columns: Mapping[str, pa.DataType]
    geometry: str | None  # the file's own word without Z and M; None: a table
    crs: pyproj.CRS | None  # None: not stated
    features: int | None
    bounds: Bounds | None  # of all finite coordinates, in the file's numbers
    encoding: str | None
    notes: tuple[str, ...]
    sha256: str
    read: Callable[[int], Iterator[Batch]]
    findings: tuple[Finding, ...] = ()  # of surveyors' files: what is wrong, parcel by parcel
    surveyed: bool = False  # its parcels have been looked at; a faulty one has no geometry
    parcels: tuple[SurveyParcel, ...] = ()  # of surveyors' files: as they were written
    header: Mapping[str, str] = field(default_factory=dict)  # of a coordinate text

    def batches(self, rows: int = READ_ROWS) -> Iterator[Batch]:
        """The features from the beginning; may be asked for again."""
        return self.read(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPath:
    """What is handed to a format's reader: where the file is, what it is called, what is asked."""

    path: Path  # where to read: a plain private name
    given: Path  # as the caller named it
    title: str  # the data set's own name, without ending
    sha256: str
    layer: str | None
    encoding: str | None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How messages call the file."""
        return self.given.name

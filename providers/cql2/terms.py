"""A checked filter: columns, binds and calls of known types; equal terms are equal SQL."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The types of values that a filter knows."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "timestamp"
    GEOMETRY = "geometry"
    ARRAY = "array"
    INTERVAL = "interval"

    @property
    def phrase(self) -> str:
        """The kind with its article."""
        return f"{'an' if self in (Kind.ARRAY, Kind.INTERVAL) else 'a'} {self}"


class Bound(StrEnum):
    """How a value is bound."""

    TEXT = "text"
    WHOLE = "bigint"  # compares with an integer column by its own index
    NUMBER = "numeric"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "timestamptz"
    SHAPE = "shape"  # WKB of EPSG:4490


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A property of the layer."""

    name: str
    kind: Kind
    native: str | None = None  # the type in an external table
    element: Kind | None = None  # of an array, or of the ends of an interval

    def __str__(self) -> str:
        name = "geometry" if self.kind is Kind.GEOMETRY else self.name  # as answers call it
        return f"the property {name} ({self.kind})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A literal, or a list of them, under the name by which its value is bound."""

    name: str
    bound: Bound
    kind: Kind
    many: bool = False
    element: Kind | None = None

    def __str__(self) -> str:
        return self.kind.phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An operator or a function over terms."""

    name: str
    args: tuple["Term", ...]
    kind: Kind
    element: Kind | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


type Term = Column | Bind | Call

"""External layers: an existing PostGIS table or view, described by what the database says of it.

They are read-only and have no versions of ours. `version:` says how a change is noticed: `none`
(answers are digested, kept for a minute), `column` (the greatest value of a column, best an indexed
one; a deletion is not seen) or `trigger` (each writing statement is counted by the database).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy.dialects.postgresql import BIGINT, NUMERIC, TEXT
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE
from sqlalchemy.types import TypeEngine

from config.model import External, Layer
from config.vocabulary import GeometryKind
from providers.crs import WHOLE, Bounds
from providers.errors import Refused, StoreUnavailable

COUNTER = "onemap.count_change"  # the trigger's function, of migration 0007
WHOLE_NUMBER = re.compile(r"-?[1-9][0-9]{0,18}|0", re.ASCII)
type Key = int | Decimal | UUID | str


class LayerUnavailable(StoreUnavailable):
    """An external layer's table cannot be read now; the reason is for the log."""

    def __init__(self, layer: str, reason: str) -> None:
        super().__init__(f"the external layer {layer!r} cannot be read: {reason}")
        self.layer, self.reason = layer, reason


class ExternalRefused(Refused):
    """A table cannot be shown as a layer; each finding says what would help."""

    def __init__(self, layer: str, findings: list[str]) -> None:
        super().__init__("\n".join(f"layer {layer}: {finding}" for finding in findings))
        self.layer, self.findings = layer, findings


class KeyKind(StrEnum):
    """What a key's values are."""

    WHOLE = "whole"
    NUMBER = "number"
    UUID = "uuid"
    TEXT = "text"

    @property
    def whole(self) -> bool:
        """Whether a tile can carry it."""
        return self is KeyKind.WHOLE

    @property
    def type(self) -> TypeEngine[Any]:
        """How a value is bound, so that the key's own index answers."""
        return KEY_TYPES[self]

    def parse(self, text: str) -> Key | None:
        """The key that is written so; None where no key can be."""
        match self:
            case KeyKind.WHOLE:
                number = int(text) if WHOLE_NUMBER.fullmatch(text) else 2**63
                return number if -(2**63) <= number < 2**63 else None
            case KeyKind.NUMBER:
                try:
                    value = Decimal(text)
                except InvalidOperation:
                    return None
                return value if value.is_finite() and str(value) == text else None
            case KeyKind.UUID:
                try:
                    return UUID(text) if str(UUID(text)) == text else None
                except ValueError:
                    return None
            case KeyKind.TEXT:
                return None if "\x00" in text else text


KEY_TYPES: dict[KeyKind, TypeEngine[Any]] = {
    KeyKind.WHOLE: BIGINT(),
    KeyKind.NUMBER: NUMERIC(),
    KeyKind.UUID: UUID_TYPE(),
    KeyKind.TEXT: TEXT(),
}
KEY_KINDS = {
    **dict.fromkeys(("int2", "int4", "int8"), KeyKind.WHOLE),
    "numeric": KeyKind.NUMBER,  # of scale 0
    "uuid": KeyKind.UUID,
    **dict.fromkeys(("text", "varchar"), KeyKind.TEXT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalTable(External):
    """An external table as it was found in the database."""

    key_column: str
    key_kind: KeyKind
    view: bool  # no index vouches for its key
    types: Mapping[str, str]  # of every readable column: name -> native type
    shown: tuple[str, ...]  # the column of each field, in the specification's order
    definition: str = ""  # digest of what decides which rows the serving role sees
    place: str | None = None  # the geometry column; None: a table without
    srid: int | None = None
    curved: bool = False
    everywhere: bool = False  # the geometry column is NOT NULL
    area: Bounds = WHOLE  # where the reference system is used, degrees
    extent: Bounds | None = field(default=None, compare=False)  # as far as it is known, degrees


def is_described(layer: Layer) -> bool:
    """Whether the layer's rows can be read: managed ones always, external ones once looked at."""
    return layer.external is None or isinstance(layer.external, ExternalTable)


def described(layer: Layer) -> ExternalTable:
    """The external layer's table; LayerUnavailable where none was found."""
    if not isinstance(layer.external, ExternalTable):
        raise LayerUnavailable(layer.id, "it has not been described")
    return layer.external


def with_extent(layer: Layer, extent: Bounds | None) -> Layer:
    """The layer with its table's extent, in degrees."""
    return replace(layer, external=replace(described(layer), extent=extent))


def trigger_sql(external: External, base: tuple[str, str] | None = None) -> str:
    """What the table's owner runs once so that `version: trigger` counts its changes.

    For a view, *base* is the schema and name of a table that it reads; run it for each of them.
    """
    relation = f"{external.schema}.{external.table}"
    return (
        sql.SQL(
            "CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION {counter}({relation});"
        )
        .format(
            name=sql.Identifier(f"onemap_{external.table}"[:63]),
            table=sql.Identifier(*(base or (external.schema, external.table))),
            counter=sql.SQL(COUNTER),
            relation=sql.Literal(relation),
        )
        .as_string(None)
    )


def geometry_kind(name: str) -> GeometryKind | None:
    """The kind of a PostGIS type, in any dimension; None for mixtures and solids."""
    return KINDS.get(name.upper().rstrip("ZM"))


CURVED = frozenset(
    ("CIRCULARSTRING", "COMPOUNDCURVE", "MULTICURVE", "CURVEPOLYGON", "MULTISURFACE", "GEOMETRY")
)
KINDS = {
    **dict.fromkeys(("POINT", "MULTIPOINT"), GeometryKind.POINT),
    **dict.fromkeys(
        ("LINESTRING", "MULTILINESTRING", "CIRCULARSTRING", "COMPOUNDCURVE", "MULTICURVE"),
        GeometryKind.LINE,
    ),
    **dict.fromkeys(
        ("POLYGON", "MULTIPOLYGON", "CURVEPOLYGON", "MULTISURFACE"), GeometryKind.POLYGON
    ),
}

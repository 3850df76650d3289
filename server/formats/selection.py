"""What a file is about: its columns with their titles, its reference system, the state it shows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from config.model import Layer
from config.units import Unit
from config.vocabulary import FieldType, GeometryKind, Text
from providers.crs import Crs
from providers.editions import EditionState
from providers.errors import BadParameter
from providers.feature_rows import Rows
from providers.features import Shown
from providers.moments import parse_moment
from server.attachments import title_of

ID = "om_id"
SYSTEM = {
    ID: (FieldType.TEXT, Text(zh="要素标识", en="Feature id"), None),
    "om_area_m2": (
        FieldType.DECIMAL,
        Text(zh="椭球面积", en="Ellipsoidal area"),
        Unit.SQUARE_METRE,
    ),
    "om_region": (FieldType.TEXT, Text(zh="行政区划代码", en="Region code"), None),
    "om_plan": (FieldType.TEXT, Text(zh="所属规划", en="Plan"), None),
    "om_basis": (FieldType.TEXT, Text(zh="依据文号", en="Legal basis"), None),
}
ARROW = {
    FieldType.TEXT: pa.string(),
    FieldType.INTEGER: pa.int64(),
    FieldType.DECIMAL: pa.float64(),
    FieldType.DATE: pa.date32(),
    FieldType.INSTANT: pa.timestamp("us", "UTC"),
    FieldType.BOOLEAN: pa.bool_(),
}
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a file, under the name that it has in answers."""

    name: str
    title: Text
    type: FieldType
    length: int | None = None
    decimals: int | None = None
    unit: Unit | None = None

    @property
    def label(self) -> str:
        """The Chinese title with the unit."""
        return f"{self.title.zh}（{self.unit.label.zh}）" if self.unit else self.title.zh


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is written, and of which state it is."""

    layer: Layer
    state: EditionState | None  # None: the layer is external, or nothing is in force
    columns: tuple[Column, ...]
    crs: Crs
    geometry: GeometryKind  # NONE: without
    ordered: bool  # by properties that the caller named
    as_of: str | None
    encoding: str = "UTF-8"

    @property
    def title(self) -> str:
        """The layer's title and edition in Chinese; what is invented says so."""
        title = title_of(self.layer)
        return title if self.state is None else f"{title} {self.state.edition.title.zh}"

    @property
    def name(self) -> str:
        """The layer's and the edition's ids: plain ASCII."""
        return self.layer.id if self.state is None else f"{self.layer.id}_{self.state.edition.key}"

    @property
    def changed(self) -> datetime:
        """When the state was published; the same for each file of it."""
        return EPOCH if self.state is None else self.state.updated

    @property
    def epsg(self) -> str:
        return f"EPSG:{self.crs.code}"


def columns_of(layer: Layer, shown: Shown) -> tuple[Column, ...]:
    """The feature id, and the properties that are shown."""
    return tuple(_column(layer, name) for name in (ID, *shown.names(layer)))


def described(selection: Selection) -> dict[str, dict[str, str]]:
    """The columns' titles and widths as GDAL takes them with an Arrow field; no two titles alike."""
    often = Counter(c.label for c in selection.columns)
    return {
        c.name: {
            "GDAL:OGR:alternative_name": f"{c.label} {c.name}" if often[c.label] > 1 else c.label,
            "GDAL:OGR:comment": c.title.en,
            **({"GDAL:OGR:width": str(c.length)} if c.type is FieldType.TEXT and c.length else {}),
        }
        for c in selection.columns
    }


def arrays(selection: Selection, rows: Rows) -> tuple[Mapping[str, pa.Array], pa.Array | None]:
    """Rows as Arrow columns and their geometries as WKB."""
    columns = {
        c.name: pa.array([_typed(c, row[i], row[0]) for row in rows.rows], ARROW[c.type])
        for i, c in enumerate(selection.columns)
    }
    drawn = selection.geometry is not GeometryKind.NONE
    return columns, pa.array(rows.geometry or (), pa.binary()) if drawn else None


def _typed(column: Column, value: Any, row: Any) -> Any:
    if value is None:
        return None
    match column.type:
        case FieldType.DECIMAL:
            return float(value)
        case FieldType.DATE | FieldType.INSTANT:
            read = date.fromisoformat if column.type is FieldType.DATE else parse_moment
            try:
                return read(value)
            except ValueError:
                expected = f"csv: {column.name} of {row} is {value}, no date of such a file"
                raise BadParameter("f", "", expected) from None
    return value


def _column(layer: Layer, name: str) -> Column:
    field = layer.field(name)
    if field is None:
        kind, title, unit = SYSTEM[name]
        return Column(name=name, title=title, type=kind, unit=unit)
    return Column(
        name=name,
        title=field.title,
        type=field.type,
        length=field.length,
        decimals=field.decimals,
        unit=field.unit,
    )

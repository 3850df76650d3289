"""Checked rows on their way in: a temporary table beside the edition, filled by COPY."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import shapely
from numpy.typing import NDArray
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import GeometryKind
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from providers.region_assignment import assign_by_code, assign_by_overlap
from providers.tables import content_columns

# What a row's hash stands on beside its content: raise it when stored values are made otherwise.
METHOD = "ellipsoid area of the survey standard, edges as given"
# Nothing else holds these two: control characters are rejected on the way in.
SEPARATOR, MISSING = "\x1f", "\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRows:
    """Rows that satisfy their specification, one value per row in each sequence.

    `numbers` are the rows' places in their file, from 0; `columns` maps field codes to values of
    storage types; `regions` are division codes without padding; `geometry` is Multi, valid, in
    longitude and latitude (EPSG:4490), None for a table.
    """

    numbers: NDArray[np.int64]
    ids: pa.Array
    regions: pa.Array
    columns: Mapping[str, pa.Array]
    geometry: NDArray[np.object_] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRows:
    """Rows as COPY takes them, and the sum of their areas."""

    text: memoryview
    area_m2: float


class Staging:
    """The temporary table `staged` of one transaction; it goes with it."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        layer: Layer,
        *,
        plan: str | None = None,
        basis: str | None = None,
    ) -> None:
        self._connection, self._layer = connection, layer
        self._plan, self._basis = plan, basis
        self._names = ["om_row", "om_id", *content_columns(layer)]
        self.area_m2 = 0.0
        open_staged(connection, layer)

    def encode(self, rows: CheckedRows) -> EncodedRows:
        """Rows as the text of a COPY; areas and hashes are made here. Touches no connection."""
        count = len(rows.numbers)
        layer, nothing = self._layer, pa.nulls(count, pa.string())
        given = {f.column: rows.columns.get(f.code, nothing) for f in layer.fields}
        system: dict[str, pa.Array] = {
            "om_id": rows.ids,
            "om_area_m2": pa.nulls(count, pa.float64()),
            "om_region": rows.regions,
            "om_plan": _repeated(self._plan, count),
            "om_basis": _repeated(self._basis, count),
        }
        wkb: list[bytes] | None = None
        area_m2 = 0.0
        if rows.geometry is not None:
            if layer.geometry is GeometryKind.POLYGON:
                areas = ellipsoid_area_m2(rows.geometry)
                area_m2 = float(areas.sum())
                system["om_area_m2"] = pa.array(areas)
            wkb = shapely.to_wkb(rows.geometry).tolist()  # the column's type has the SRID
            given["geom"] = pa.array([one.hex() for one in wkb], pa.string())
        system["om_hash"] = pa.array(row_hashes(layer, rows.columns, wkb, count), pa.string())
        values = {"om_row": pa.array(rows.numbers), **system, **given}
        table = pa.table({name: values[name] for name in self._names})
        sink = pa.BufferOutputStream()
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
        pyarrow.csv.write_csv(table, sink, options)
        return EncodedRows(text=memoryview(sink.getvalue()), area_m2=area_m2)

    def add(self, rows: EncodedRows) -> None:
        """Copy encoded rows into the table."""
        self.area_m2 += rows.area_m2
        target = sql.SQL("COPY pg_temp.staged ({}) FROM STDIN (FORMAT csv)").format(
            sql.SQL(", ").join(map(sql.Identifier, self._names))
        )
        with self._connection.cursor().copy(target) as writer:
            writer.write(rows.text)

    def complete(self, day: date) -> dict[int, str]:
        """Give each row its region as of *day*, and take out ids that are given twice.

        Which of two features with one id is meant cannot be known, so both go; the answer maps
        their places in the file to the reason.
        """
        if self._layer.region == "overlap":
            assign_by_overlap(self._connection, day)
        elif self._layer.region != "none":
            assign_by_code(self._connection)
        self._connection.execute("ANALYZE pg_temp.staged (om_id)")
        return self.take_out(
            sql.SQL(
                "om_id IN (SELECT om_id FROM pg_temp.staged GROUP BY om_id HAVING count(*) > 1)"
            ),
            "the identity {om_id} is given twice",
        )

    def take_out(
        self, condition: sql.Composable, reason: str, binds: Mapping[str, object] | None = None
    ) -> dict[int, str]:
        """Remove the rows `s` that satisfy a condition; the reason may name {om_id} and {om_region}."""
        statement = sql.SQL(
            "DELETE FROM pg_temp.staged s WHERE {} RETURNING om_row, om_id, om_region, om_area_m2"
        ).format(condition)
        found = self._connection.execute(statement, binds).fetchall()
        self.area_m2 -= sum(area or 0.0 for *_, area in found)
        return {
            int(row): reason.format(om_id=repr(name), om_region=region or "no known region")
            for row, name, region, _ in found
        }


def open_staged(connection: Connection[TupleRow], layer: Layer) -> None:
    """An empty `staged` with the columns of the layer's table."""
    columns = sql.SQL(", ").join(map(sql.Identifier, ["om_id", *content_columns(layer)]))
    connection.execute("DROP TABLE IF EXISTS pg_temp.staged")
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE staged ON COMMIT DROP AS"
            " SELECT NULL::bigint AS om_row, {} FROM {} WITH NO DATA"
        ).format(columns, sql.Identifier("planning", layer.id))
    )


def row_hashes(
    layer: Layer,
    columns: Mapping[str, pa.Array],
    wkb: Sequence[bytes] | None,
    count: int,
) -> list[str]:
    """32 hex digits per row over what the row says: its attributes and its geometry.

    Plan, legal basis and region are compared by themselves: an equal parcel that is loaded again
    keeps the document that it rests on.
    """
    nothing = pa.nulls(count, pa.string())
    texts = [pc.cast(columns.get(f.code, nothing), pa.string()) for f in layer.fields]
    head = f"{layer.specification.version}{SEPARATOR}{METHOD}"
    joined = pc.binary_join_element_wise(
        pa.array([head] * count, pa.string()),
        *texts,
        SEPARATOR,
        null_handling="replace",
        null_replacement=MISSING,
    )
    shapes = [b""] * count if wkb is None else wkb
    return [
        hashlib.blake2b(text.encode() + shape, digest_size=16).hexdigest()
        for text, shape in zip(joined.to_pylist(), shapes, strict=True)
    ]


def _repeated(value: str | None, count: int) -> pa.Array:
    return pa.nulls(count, pa.string()) if value is None else pa.array([value] * count, pa.string())

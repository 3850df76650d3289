"""What is to be known of a GeoPackage before GDAL opens it: an SQLite file may hold more than data.

Views, virtual tables and generated columns are statements that run when they are read; a file
that has them where layers or the standard's own tables should be is refused.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from providers.source_file import FileLayer, FileRefused

MAX_LAYERS = 1_000
MAX_BROKEN = 100_000
MAX_STEPS = 50  # of a million SQLite instructions: for the questions about the schema
WHOLE = ("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "BIGINT", "BOOLEAN")
REAL = ("FLOAT", "DOUBLE", "REAL")
RANGES = {"TINYINT": 2**31, "SMALLINT": 2**15, "MEDIUMINT": 2**31}  # as GDAL reads them
UNKNOWN_SRS = (0, -1)
OPTIONS = {"LIST_ALL_TABLES": "NO", "IMMUTABLE": "YES"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLayer(FileLayer):
    """A layer with what its table says; `placed` is False where the reference system is undefined."""

    placed: bool = True


def package_layers(path: Path, name: str) -> list[FileLayer]:
    """The layers of a GeoPackage; refused where it is damaged, or would run statements of its own."""
    with _connected(path, name) as connection:
        _check_whole(connection, path, name)
        _check_schema(connection, name)
        geometry = (
            {
                str(table): (str(kind), int(srs))
                for table, kind, srs in connection.execute(
                    "SELECT table_name, geometry_type_name, srs_id FROM gpkg_geometry_columns"
                )
            }
            if _has(connection, "gpkg_geometry_columns")
            else {}
        )
        listed = connection.execute(
            "SELECT c.table_name, s.type FROM gpkg_contents c"
            " LEFT JOIN sqlite_master s ON lower(s.name) = lower(c.table_name)"
            "  AND s.type IN ('table', 'view')"
            " WHERE c.data_type IN ('features', 'attributes', 'aspatial')"
            "  AND c.table_name <> 'layer_styles' ORDER BY c.rowid LIMIT ?",
            (MAX_LAYERS + 1,),
        ).fetchall()
        if len(listed) > MAX_LAYERS:
            raise FileRefused(f"{name} has more than {MAX_LAYERS:,} layers.")
        layers: list[FileLayer] = []
        for table, kind in listed:
            if kind is None:
                continue
            shape, srs = geometry.get(table, (None, 0))
            layers.append(PackageLayer(name=table, geometry=shape, placed=srs not in UNKNOWN_SRS))
        return layers


def check_layer(path: Path, name: str, layer: str) -> None:
    """Refuse a layer that is no plain table."""
    with _connected(path, name) as connection:
        found = connection.execute(
            "SELECT type, sql FROM sqlite_master WHERE lower(name) = lower(?)"
            " AND type IN ('table', 'view')",
            (layer,),
        ).fetchone()
        if found is None or found[0] == "view" or _virtual(found[1]):
            raise FileRefused(f"{name}: {layer} is a view; only tables are read. Export it first.")
        _check_generated(connection, name, layer)


def mistyped(path: Path, name: str, layer: str) -> Mapping[int, str]:
    """Rows (by row id) with a value that is not of its column's type, of which GDAL would make 0."""
    with _connected(path, name, bounded=False) as connection:
        columns = [
            (str(column), str(kind).upper().split("(")[0].strip())
            for _, column, kind, *_ in connection.execute(f"PRAGMA table_info({_quoted(layer)})")
        ]
        tests = {c: test for c, kind in columns if (test := _test(_quoted(c), kind)) is not None}
        if not tests:
            return {}
        which = " ".join(f"WHEN {test} THEN {n}" for n, test in enumerate(tests.values()))
        values = " ".join(
            f"WHEN {test} THEN substr(CAST({_quoted(c)} AS TEXT), 1, 40)"
            for c, test in tests.items()
        )
        names = list(tests)
        rows = connection.execute(
            f"SELECT rowid, CASE {which} END, CASE {values} END FROM {_quoted(layer)}"
            f" WHERE {' OR '.join(tests.values())} LIMIT ?",
            (MAX_BROKEN + 1,),
        )
        found = {
            int(row): f"{names[n]}: {value!r} is not of the column's type" for row, n, value in rows
        }
        if len(found) > MAX_BROKEN:
            raise FileRefused(
                f"{name}: more than {MAX_BROKEN:,} rows are broken, the first: {found[min(found)]}."
            )
        return found


def _test(column: str, kind: str) -> str | None:
    if kind in RANGES:
        limit = RANGES[kind]
        return (
            f"(typeof({column}) NOT IN ('integer', 'null')"
            f" OR {column} >= {limit} OR {column} < -{limit})"
        )
    if kind in WHOLE:
        return f"typeof({column}) NOT IN ('integer', 'null')"
    if kind in REAL:
        return f"typeof({column}) NOT IN ('real', 'integer', 'null')"
    if kind in ("DATE", "DATETIME"):
        return f"({column} IS NOT NULL AND date({column}) IS NULL)"
    return f"typeof({column}) = 'blob'" if kind == "TEXT" else None


def _check_whole(connection: sqlite3.Connection, path: Path, name: str) -> None:
    """SQLite reads a file that is cut off until it comes to the missing pages."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    if pages * size > path.stat().st_size:
        raise FileRefused(
            f"{name} is cut off: it should have {pages * size:,} bytes and has"
            f" {path.stat().st_size:,}."
        )
    if not _has(connection, "gpkg_contents"):
        raise FileRefused(f"{name} is an SQLite database, but no GeoPackage.")


def _check_schema(connection: sqlite3.Connection, name: str) -> None:
    for kind, table, said in connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE lower(name) LIKE 'gpkg\\_%' ESCAPE '\\'"
        " AND type IN ('table', 'view')"
    ).fetchall():
        if kind == "view" or _virtual(said):
            raise FileRefused(f"{name}: {table} is a view, not a table of the standard.")
        _check_generated(connection, name, table)


def _check_generated(connection: sqlite3.Connection, name: str, table: str) -> None:
    for _, column, *_, hidden in connection.execute(f"PRAGMA table_xinfo({_quoted(table)})"):
        if hidden in (2, 3):
            raise FileRefused(
                f"{name}: the column {column} of {table} is computed when it is read; only stored"
                " columns are read. Export it first."
            )


def _has(connection: sqlite3.Connection, table: str) -> bool:
    return (
        connection.execute(
            "SELECT 1 FROM sqlite_master WHERE lower(name) = ? AND type IN ('table', 'view')",
            (table,),
        ).fetchone()
        is not None
    )


def _virtual(statement: str | None) -> bool:
    return (statement or "").lstrip().upper().startswith("CREATE VIRTUAL")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _connected(path: Path, name: str, *, bounded: bool = True) -> Iterator[sqlite3.Connection]:
    """Read-only and unchanging; a question about the schema may not take for ever."""
    steps = 0

    def counted() -> int:
        nonlocal steps
        steps += 1
        return int(bounded and steps > MAX_STEPS)

    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            connection.set_progress_handler(counted, 1_000_000)
            yield connection
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError, ValueError, TypeError) as error:
        raise FileRefused(f"{name} is a damaged database: {str(error)[:200]}.") from None

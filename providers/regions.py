"""Regions are data: administrative divisions and what lies in what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import shapely
from psycopg import Connection
from psycopg.rows import TupleRow

from config.vocabulary import AdminLevel, RegionCode, Text
from providers.access import SRID

CHANNEL = "onemap_revision"  # says that editions or regions have changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One division: its code, its parent, and its polygon (lon/lat degrees, EPSG:4490) if known."""

    code: RegionCode
    parent: RegionCode | None
    level: AdminLevel
    name: Text
    valid_from: date
    polygon: shapely.MultiPolygon | None


def replace_regions(connection: Connection[TupleRow], regions: Iterable[Region]) -> int:
    """Write the divisions, parents before children; the path lists the codes from the top down."""
    rows = list(regions)
    for region in rows:
        connection.execute(
            """
            INSERT INTO onemap.region (code, parent, level, name_zh, name_en, path, valid_from, geom)
            VALUES (%(code)s, %(parent)s, %(level)s, %(zh)s, %(en)s,
                coalesce((SELECT path FROM onemap.region WHERE code = %(parent)s), '{}')
                    || ARRAY[%(code)s]::text[],
                %(valid_from)s, ST_Multi(ST_GeomFromWKB(%(wkb)s, %(srid)s)))
            ON CONFLICT (code) DO UPDATE SET parent = excluded.parent, level = excluded.level,
                name_zh = excluded.name_zh, name_en = excluded.name_en, path = excluded.path,
                valid_from = excluded.valid_from, geom = excluded.geom
            """,
            {
                "code": region.code.value,
                "parent": region.parent.value if region.parent else None,
                "level": region.level,
                "zh": region.name.zh,
                "en": region.name.en,
                "valid_from": region.valid_from,
                "wkb": region.polygon.wkb if region.polygon is not None else None,
                "srid": SRID,
            },
        )
    connection.execute(f"NOTIFY {CHANNEL}")
    return len(rows)


REGION_PATHS = "SELECT code, path FROM onemap.region"


def expand(paths: Mapping[str, Sequence[str]], codes: Iterable[str]) -> tuple[str, ...]:
    """The codes and every region that lies in one of them; an unknown code stands for itself."""
    wanted = set(codes)
    below = {code for code, path in paths.items() if wanted.intersection(path)}
    return tuple(sorted(wanted | below))


def registered(connection: Connection[TupleRow], codes: Iterable[str]) -> set[str]:
    """Those of the codes that the register knows."""
    statement = "SELECT code FROM onemap.region WHERE code = ANY(%s)"
    return {row[0] for row in connection.execute(statement, (list(codes),)).fetchall()}

"""What area a plan is for (规划范围), as the command line names it."""

from pathlib import Path

import shapely
from shapely.errors import ShapelyError

from config.vocabulary import RegionCode
from providers.plan_states import PlanRefused

MAX_EXTENT_BYTES = 64 * 1024 * 1024
WORLD = shapely.box(-180, -90, 180, 90)


def read_extent(text: str) -> RegionCode | bytes:
    """A region code, or the WKB of the polygons of a GeoJSON or WKT file in degrees."""
    try:
        return RegionCode(text)
    except ValueError:
        path = Path(text)
    try:
        if path.stat().st_size > MAX_EXTENT_BYTES:
            raise PlanRefused(f"--extent: {path.name} is larger than {MAX_EXTENT_BYTES} bytes.")
        content = path.read_text("utf-8-sig").strip()
        read = shapely.from_geojson if content.startswith("{") else shapely.from_wkt
        found = shapely.force_2d(read(content))
    except (OSError, UnicodeDecodeError, ShapelyError) as error:
        raise PlanRefused(
            f"--extent: {text[:200]!r} is neither a region code nor a GeoJSON or WKT file: {error}."
        ) from None
    parts = shapely.get_parts(shapely.get_parts(found))
    if not len(parts) or any(part.geom_type != "Polygon" for part in parts):
        raise PlanRefused(f"--extent: {path.name} holds something else than polygons.")
    if invalid := [part for part in parts if not part.is_valid]:
        reason = shapely.is_valid_reason(invalid[0])
        raise PlanRefused(f"--extent: {path.name} holds an invalid polygon: {reason}.")
    whole = shapely.union_all(parts)
    if whole.is_empty or not WORLD.covers(whole):
        raise PlanRefused(
            f"--extent: {path.name} is not in longitude and latitude: it reaches {whole.bounds}."
        )
    return bytes(shapely.MultiPolygon(list(shapely.get_parts(whole))).wkb)

"""The forms in which features are given: documents that are paged, and files that hold a selection."""

MEDIA_TYPES = {
    "json": "application/geo+json",
    "html": "text/html",
    "jsonfg": "application/geo+json",  # OGC 21-045r1, 16; the profile tells it from GeoJSON
    "csv": "text/csv; charset=utf-8",
    "fgb": "application/flatgeobuf",
    "gpkg": "application/geopackage+sqlite3",
    "shp": "application/zip",
}
FILES = frozenset({"csv", "fgb", "gpkg", "shp"})
ENDINGS = {"csv": ".csv", "fgb": ".fgb", "gpkg": ".gpkg", "shp": ".zip"}

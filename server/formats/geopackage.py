"""GeoPackage: one layer of features, or of attributes, with the titles of its columns."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from config.vocabulary import GeometryKind
from providers.feature_rows import Rows
from providers.file_writer import feature_writer
from server.formats.selection import Selection, arrays, described
from server.formats.sink import Sink

FID = "fid"


@contextmanager
def geopackage(selection: Selection, path: Path) -> Iterator[Sink]:
    """Takes rows; at the end the file is at *path*."""
    names = {c.name.lower() for c in selection.columns}
    free = FID
    while free in names:
        free += "_"
    with feature_writer(
        path,
        layer=selection.layer.id,
        crs=selection.epsg,
        geometry=selection.geometry,
        driver="GPKG",
        about=described(selection),
        empty=True,
    ) as writer:
        writer.options |= {
            "FID": free,
            "IDENTIFIER": selection.title,
            "DESCRIPTION": selection.layer.description.zh,
        }

        def take(rows: Rows) -> None:
            writer.write(*arrays(selection, rows))

        yield take
    _stamp(path, selection)


def _stamp(path: Path, selection: Selection) -> None:
    """The time of the data in place of the time of writing: the same state is the same file."""
    moment = f"{selection.changed:%Y-%m-%dT%H:%M:%S}.000Z"
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE gpkg_contents SET last_change = ?", (moment,))
        if selection.geometry is GeometryKind.NONE:
            file.execute("UPDATE gpkg_contents SET srs_id = NULL WHERE data_type = 'attributes'")

"""FlatGeobuf: features by place, with an index, or in the order that was asked for, without one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.vocabulary import GeometryKind
from providers.feature_rows import Rows
from providers.file_writer import feature_writer
from server.formats.selection import Selection, arrays, described
from server.formats.sink import Sink


@contextmanager
def flatgeobuf(selection: Selection, path: Path) -> Iterator[Sink]:
    """Takes rows; at the end the file is at *path*."""
    with feature_writer(
        path,
        layer=selection.name,
        crs=selection.epsg,
        geometry=selection.geometry,
        driver="FlatGeobuf",
        about=described(selection),
        empty=True,
    ) as writer:
        writer.options |= {
            "TITLE": selection.title,
            "DESCRIPTION": selection.layer.description.zh,
        }

        def take(rows: Rows) -> None:
            writer.write(*arrays(selection, rows))

        yield take
        # the index puts features in an order of its own, and has no place for one without geometry
        placed = selection.geometry is not GeometryKind.NONE and not writer.missing
        indexed = placed and writer.written and not selection.ordered
        writer.options["SPATIAL_INDEX"] = "YES" if indexed else "NO"

"""The file formats that GDAL writes, by the value of `f`; loaded with the first file, not before."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from server.formats.flatgeobuf import flatgeobuf
from server.formats.geopackage import geopackage
from server.formats.selection import Selection
from server.formats.shapefile import shapefile
from server.formats.sink import Sink

type Opened = Callable[[Selection, Path], AbstractContextManager[Sink]]
SINKS: Mapping[str, Opened] = {"fgb": flatgeobuf, "gpkg": geopackage, "shp": shapefile}

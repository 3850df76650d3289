"""The geometries of a check's documents, as GeoJSON."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import shapely
from shapely import Geometry

from processes.algorithms.compliance.measuring import NOTHING
from providers.frames import DEGREE_DIGITS

BATCH = 50_000  # geometries turned into GeoJSON at once


@dataclass(slots=True)
class Shapes:
    """Geometries that a document holds, turned into GeoJSON all at once."""

    places: list[tuple[dict[str, Any], Geometry]] = field(default_factory=list)

    def put(self, document: dict[str, Any], geometry: Geometry | None) -> dict[str, Any]:
        """The document, whose `geometry` will be this one; null where it is missing or empty."""
        document["geometry"] = None
        if geometry is not None and geometry is not NOTHING:
            self.places.append((document, geometry))
        return document

    def write(self) -> None:
        """Fill in what was put since the last time."""
        waiting, self.places = self.places, []
        for start in range(0, len(waiting), BATCH):
            places = waiting[start : start + BATCH]
            distinct = {id(shape): shape for _, shape in places}  # several rules tell the same land
            shapes = np.array(list(distinct.values()), dtype=object)
            rounded = shapely.transform(shapes, lambda points: np.round(points, DEGREE_DIGITS))
            told = dict(zip(distinct, map(_coordinates, shapely.to_geojson(rounded)), strict=True))
            for document, shape in places:
                document["geometry"] = told[id(shape)]


def _coordinates(text: str) -> dict[str, Any] | None:
    """A geometry's GeoJSON; None: it is empty."""
    read: dict[str, Any] = orjson.loads(text)
    return read if read.get("coordinates", read.get("geometries")) else None

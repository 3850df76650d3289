"""Geometries as GeoJSON documents, with as many decimals as keep a tenth of a millimetre."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from providers.frames import DEGREE_DIGITS


def feature_documents(
    geometries: NDArray[np.object_],
    properties: Iterable[Mapping[str, Any]],
    ids: Iterable[str | int | None] | None = None,
    *,
    digits: int = DEGREE_DIGITS,
) -> Iterator[dict[str, Any]]:
    """Features in the order of their geometries; a missing geometry is null."""
    rounded = shapely.transform(geometries, lambda points: np.round(points, digits))
    texts = shapely.to_geojson(rounded)
    names = [None] * len(geometries) if ids is None else list(ids)
    for text, told, name in zip(texts, properties, names, strict=True):
        feature: dict[str, Any] = {
            "type": "Feature",
            "geometry": None if text is None else orjson.loads(text),
            "properties": dict(told),
        }
        yield feature if name is None else {"type": "Feature", "id": name, **feature}

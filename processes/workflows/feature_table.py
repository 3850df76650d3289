"""Features that are made here instead of read: the demo's, and those of tests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from config.model import Layer
from config.vocabulary import FieldType
from processes.workflows.intake import BATCH_ROWS
from providers.file_writer import feature_writer
from providers.files import Batch

ARROW = {
    FieldType.TEXT: pa.string(),
    FieldType.INTEGER: pa.int32(),
    FieldType.DECIMAL: pa.float64(),
    FieldType.DATE: pa.date32(),
    FieldType.BOOLEAN: pa.bool_(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """Features of one layer: values by field code, None meaning missing, one per feature.

    `geometry` is shapely in longitude and latitude (EPSG:4490), None for a table layer.
    """

    values: Mapping[str, Sequence[Any]]
    geometry: NDArray[np.object_] | None

    @property
    def count(self) -> int:
        """How many features there are."""
        return len(next(iter(self.values.values())))

    def of(self, layer: Layer) -> "TableFeatures":
        """The features as a source to load into *layer*."""
        arrays = {
            code: pa.array(values, ARROW[field.type])
            for code, values in self.values.items()
            if (field := layer.field(code)) is not None
        }
        return TableFeatures(arrays=arrays, geometry=self.geometry, features=self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFeatures:
    """A source of features in memory (processes.workflows.intake.Features)."""

    arrays: Mapping[str, pa.Array]
    geometry: NDArray[np.object_] | None
    features: int

    @property
    def columns(self) -> Mapping[str, pa.DataType]:
        """The columns and their types."""
        return {name: values.type for name, values in self.arrays.items()}

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[Batch]:
        """The rows in their order."""
        for first in range(0, self.features, rows):
            shapes = None if self.geometry is None else self.geometry[first : first + rows]
            yield Batch(
                first=first,
                count=min(rows, self.features - first),
                columns={name: values.slice(first, rows) for name, values in self.arrays.items()},
                geometry=shapes,
                unreadable={},
            )

    def write(self, path: Path, layer: Layer) -> None:
        """The features as a GeoPackage in EPSG:4490."""
        with feature_writer(path, layer=layer.id, crs="EPSG:4490", geometry=layer.geometry) as to:
            for batch in self.batches():
                to.write(batch.columns, batch.geometry)

"""Rejected features as a file of their own: as they came, with the reasons beside them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from providers.file_writer import feature_writer
from providers.files import SourceFile

NUMBER, REASONS = "om_row", "om_reasons"


def write_rejects(source: SourceFile, rejections: Mapping[int, Sequence[str]], path: Path) -> None:
    """Read the source again and write the named rows to a GeoPackage, in the file's coordinates."""
    with feature_writer(path, layer="rejected", crs=source.crs) as writer:
        for batch in source.batches():
            count = batch.count
            rows = [row for row in range(count) if batch.first + row in rejections]
            if not rows:
                continue
            chosen = pa.array(rows)
            columns: dict[str, pa.Array] = {
                NUMBER: pa.array([batch.first + row for row in rows]),
                REASONS: pa.array(["; ".join(rejections[batch.first + row]) for row in rows]),
            }
            columns |= {name: values.take(chosen) for name, values in batch.columns.items()}
            geometry = None if batch.geometry is None else batch.geometry[np.array(rows)]
            writer.write(columns, geometry)

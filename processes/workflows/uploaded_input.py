"""Inputs by file: the features of an upload of the caller's, in whatever system they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from psycopg import Connection
from psycopg.rows import TupleRow

from processes.context import Context
from processes.workflows.feature_input import MOST_FEATURES, MOST_VERTICES, Rows, stored_rows
from providers.crs import CrsError
from providers.crs_ways import missing_crs, way_to_storage
from providers.errors import BadParameter, Refused
from providers.files import Batch, SourceFile, open_file
from providers.upload_store import UploadLost
from providers.uploads import find_upload_now, upload_id

HREF = "href"


def uploaded_rows(
    connection: Connection[TupleRow], context: Context, asked: Mapping[str, Any]
) -> Rows:
    """The features of the upload that `href` quotes.

    Raises
    ------
    BadParameter
        For an address that is no upload of the caller's, a file that is none of those that are
        read here, one without a reference system, and for more than a computation takes.
    """
    href, depot = str(asked[HREF]), context.depot
    name = None if depot is None else upload_id(href, depot.public_url)
    if depot is None or name is None:
        raise BadParameter(HREF, href, "the address of an upload: /files/{fileId}")
    upload = find_upload_now(connection, name, depot.owner)
    if upload is None:
        raise BadParameter(HREF, href, "an upload of your own that has not expired")
    try:
        rows = file_rows(depot.uploads.path(upload.id, upload.bytes), asked)
    except UploadLost as error:
        raise BadParameter(HREF, href, "an upload whose content is still there") from error
    except (Refused, CrsError) as error:
        told = str(error).replace(upload.id, upload.name)
        raise BadParameter(HREF, href, f"a file of features: {told}") from error
    context.read_file(upload.name, upload.sha256, href)
    return rows


def file_rows(path: Path, asked: Mapping[str, Any]) -> Rows:
    """The features of a file; Refused or CrsError where it cannot be read as such."""
    with open_file(path, layer=asked.get("layer")) as source:
        return _rows(source, asked)


def _rows(source: SourceFile, asked: Mapping[str, Any]) -> Rows:
    if source.geometry is None:
        raise Refused(f"{source.layer} is a table without geometry")
    batches = list(source.batches()) if (source.features or 0) <= MOST_FEATURES else []
    count = sum(batch.count for batch in batches)
    shapes = np.concatenate([_shapes(b) for b in batches]) if batches else np.array([], object)
    if (
        not batches
        or count > MOST_FEATURES
        or shapely.get_num_coordinates(shapes).sum() > MOST_VERTICES
    ):
        raise Refused(f"expected at most {MOST_FEATURES} features with {MOST_VERTICES} vertices")
    unreadable = [why for batch in batches for why in batch.unreadable.values()]
    if unreadable and not source.surveyed:  # there a faulty parcel says so beside the others
        raise Refused(unreadable[0])
    if source.bounds is not None:
        crs = asked.get("crs") or source.crs
        if crs is None:
            raise missing_crs(source.bounds)
        shapes = way_to_storage(crs, source.bounds).move(shapes)
    return stored_rows(shapes, [p for b in batches for p in properties_of(b)], range(count))


def _shapes(batch: Batch) -> Any:
    return np.full(batch.count, None, dtype=object) if batch.geometry is None else batch.geometry


def properties_of(batch: Batch) -> list[dict[str, Any]]:
    """The columns that JSON can say, row by row; days as their text."""
    kept = {
        name: values.cast(pa.string()) if pa.types.is_temporal(values.type) else values
        for name, values in batch.columns.items()
        if not pa.types.is_binary(values.type) and not pa.types.is_nested(values.type)
    }
    if not kept:
        return [{} for _ in range(batch.count)]
    return pa.table(kept).to_pylist()  # type: ignore[no-any-return]

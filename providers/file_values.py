"""Attribute values of files in the Arrow types that the rest of the system reads."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from providers.file_encoding import checked_text, decoded

MAX_TEXT_BYTES = 1024 * 1024


def plain_type(kind: pa.DataType) -> pa.DataType | None:
    """The type in which values are handed on; None where they are none of a planning attribute."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    nested = pa.types.is_nested(kind)
    binary = (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )
    return None if nested or binary else kind


def plain_values(values: pa.Array) -> pa.Array:
    """The values in their plain type."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = plain_type(values.type)
    return values if kind is None or values.type == kind else values.cast(kind)


def readable(values: pa.Array, encoding: str, raw: str | None) -> tuple[pa.Array, dict[int, str]]:
    """Plain values with text decoded; *raw*: text stands for bytes in *encoding*."""
    values = plain_values(values)
    if not pa.types.is_string(values.type):
        return values, {}
    return checked_text(values) if raw is None else decoded(values, encoding)


def bounded_text(values: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    """The values without texts that no attribute can be; which rows had one."""
    if not pa.types.is_string(values.type) or values.nbytes <= MAX_TEXT_BYTES:
        return values, {}
    lengths = pc.binary_length(values).fill_null(0).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(lengths > MAX_TEXT_BYTES).tolist()
    if not wrong:
        return values, {}
    values = pc.if_else(pa.array(lengths <= MAX_TEXT_BYTES), values, None)
    return values, {
        row: f"a text of {lengths[row]:,} bytes; at most {MAX_TEXT_BYTES:,}" for row in wrong
    }


def bounded_columns(
    read: Iterable[tuple[str, tuple[pa.Array, dict[int, str]]]], unreadable: dict[int, str]
) -> dict[str, pa.Array]:
    """Columns by name, their texts bounded; *unreadable* learns the first fault of each row."""
    columns = {}
    for name, (values, wrong) in read:
        columns[name], long = bounded_text(values)
        for row, why in (wrong | long).items():
            unreadable.setdefault(row, f"{name}: {why}")
    return columns

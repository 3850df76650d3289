"""Long arrays of bytes on their way to the database, packed at once instead of item by item."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

BYTEA, BYTEA_ARRAY = 17, 1001  # oids of PostgreSQL's own types
HEAD, LENGTH = struct.Struct("!5i"), struct.Struct("!i")


@dataclass(frozen=True, slots=True)
class ByteaArray:
    """A parameter of type `bytea[]`, none of whose items is null."""

    items: Sequence[bytes]


class _ByteaArrayDumper(Dumper):
    format = Format.BINARY
    oid = BYTEA_ARRAY

    def dump(self, obj: ByteaArray) -> Buffer:
        """The array as the protocol sends it: dimensions, no nulls, then each item with its length."""
        packed = [HEAD.pack(1, 0, BYTEA, len(obj.items), 1)]
        for item in obj.items:
            packed += LENGTH.pack(len(item)), item
        return b"".join(packed)


def take_packed_arrays(connection: Connection[Any]) -> None:
    """Let statements of this connection have `ByteaArray` as a parameter."""
    connection.adapters.register_dumper(ByteaArray, _ByteaArrayDumper)

"""SQLAlchemy statements as SQL text with named binds, for psycopg to execute."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from sqlalchemy import ClauseElement, Dialect
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

DIALECT: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
BIND = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement compiled once: its text, and the constants that every execution binds."""

    text: str
    constants: Mapping[str, Any]

    def binds(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.constants, **values}


def compile_sql(statement: ClauseElement) -> Compiled:
    """The statement's text; binds keep their names as %(name)s."""
    compiled = statement.compile(dialect=DIALECT)
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return Compiled(str(compiled), constants)


def compile_shape(statement: ClauseElement) -> Compiled:
    """The text of a statement that is kept and executed often: its constants stand in it.

    Only for statements in which a caller's values are named binds: whatever else it holds is its own.
    """
    compiled = compile_sql(statement)

    def written(bind: re.Match[str]) -> str:
        if bind[1] not in compiled.constants:
            return bind[0]
        return sql.Literal(compiled.constants[bind[1]]).as_string(None).replace("%", "%%")

    return Compiled(BIND.sub(written, compiled.text), {})

"""SQLAlchemy statements as SQL text with named binds, for psycopg to execute."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, Dialect
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

DIALECT: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]


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

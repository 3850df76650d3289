"""Alembic's run over the versions; imported only where there is something to do."""

import re
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from providers.database import DatabaseError, DatabaseRole

LOCK = 0x6F6E656D6170  # "onemap"


def upgrade(url: str) -> None:
    """Run the missing versions under a lock."""
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    try:
        with psycopg.connect(url, autocommit=True) as guard:
            guard.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            with engine.connect() as connection:
                config = Config()
                config.set_main_option("script_location", str(Path(__file__).parent))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                connection.commit()
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(_missing_right(error)) from error
    except psycopg.OperationalError as error:
        raise DatabaseError(
            f"The database cannot be reached: {str(error).splitlines()[0]}"
        ) from error
    except Exception as error:
        cause = getattr(error, "orig", None)
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            raise DatabaseError(_missing_right(cause)) from error
        raise
    finally:
        engine.dispose()


def sqlalchemy_url(url: str) -> str:
    """The same address for SQLAlchemy's psycopg dialect."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)


def _missing_right(error: psycopg.Error) -> str:
    return (
        f"The database user lacks a right ({str(error).splitlines()[0]}); it must be able to create"
        f" schemas, the extension postgis and the roles {', '.join(DatabaseRole)}."
    )

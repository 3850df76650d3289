"""Loading the demo city into the database; nothing is done twice."""

import time
from datetime import UTC, date, datetime

from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Catalogue
from config.vocabulary import RegionCode, Text
from openapi.build import DEMO_KEY
from processes.workflows.demo import demo_loads
from providers.admin_boundaries import ancestors, counties
from providers.database import DatabaseRole, connect
from providers.keys import KeyRecord, put_key, revoke_key, split_key
from providers.regions import Region, replace_regions
from providers.revisions import publish
from providers.tables import analyse, ensure_tables

CITY = RegionCode("220100")
BOUNDARIES_FROM = date(2024, 1, 1)  # the year of the boundaries' review
DEFAULT_PARCELS, DEFAULT_SEED = 60_000, 20_210_101
VERSION = 1  # raise it when the generated data change


def load_demo(
    url: str, catalogue: Catalogue, *, parcels: int = DEFAULT_PARCELS, seed: int = DEFAULT_SEED
) -> None:
    """Load the demo's layers unless exactly these are there already."""
    note = f"demo data v{VERSION}, parcels={parcels}, seed={seed}"
    with connect(url, DatabaseRole.READER) as connection:
        if _loaded(connection, note, len(catalogue.layers)):
            print(f"The demo data are loaded already ({parcels} parcels).", flush=True)
            return
    with connect(url, DatabaseRole.WRITER, statement_timeout_ms=0) as connection:
        replace_regions(connection, _regions())
    started = time.monotonic()
    for edition, table in demo_loads(parcels, seed):
        layer, began = catalogue.layers[edition.layer], time.monotonic()
        with connect(url, DatabaseRole.OWNER) as connection:
            ensure_tables(connection, layer, edition.key)
        with connect(url, DatabaseRole.WRITER, statement_timeout_ms=0) as connection:
            publish(
                connection,
                layer,
                edition,
                table,
                author="onemap demo",
                note=note,
                now=datetime.now(UTC),
            )
        with connect(url, DatabaseRole.OWNER) as connection:
            analyse(connection, layer, edition.key)
        took = time.monotonic() - began
        print(
            f"  {edition.layer:<24}{edition.key:<14}{len(table.ids):>9,} rows {took:6.1f} s",
            flush=True,
        )
    print(f"  generated and loaded in {time.monotonic() - started:.0f} s", flush=True)


def set_demo_key(url: str, *, wanted: bool) -> None:
    """Have the demo's published key where only this machine can use it, and nowhere else."""
    name, secret = split_key(DEMO_KEY)
    with connect(url, DatabaseRole.WRITER) as connection:
        if wanted:
            put_key(
                connection,
                KeyRecord(
                    id=name,
                    organisation="模拟市",
                    person="访客",
                    role="surveyor",
                    regions=(CITY.value,),
                ),
                secret,
            )
        else:
            revoke_key(connection, name)


def _loaded(connection: Connection[TupleRow], note: str, layers: int) -> bool:
    row = connection.execute(
        "SELECT count(DISTINCT e.layer) FROM onemap.edition e JOIN onemap.revision r"
        " ON r.layer = e.layer AND r.edition = e.edition AND r.number = e.revision WHERE r.note = %s",
        (note,),
    ).fetchone()
    return row is not None and row[0] >= layers


def _regions() -> list[Region]:
    return [
        Region(
            code=division.code,
            parent=division.parent,
            level=division.level,
            name=Text(zh=division.name, en=division.name),
            valid_from=BOUNDARIES_FROM,
            polygon=division.polygon,
        )
        for division in (*ancestors(CITY), *counties(CITY))
    ]

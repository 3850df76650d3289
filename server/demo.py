"""Loading the demo city into the database; nothing is done twice."""

import time
from datetime import date

from config.model import Catalogue
from config.settings import DEMO_KEY
from config.vocabulary import RegionCode, Text
from processes.workflows.demo import demo_loads
from processes.workflows.load import load_edition
from providers.admin_boundaries import ancestors, counties
from providers.database import DatabaseRole, connect
from providers.keys import KeyRecord, put_key, revoke_key, split_key
from providers.regions import Region, replace_regions

CITY = RegionCode("220100")
BOUNDARIES_FROM = date(2024, 1, 1)  # the year of the boundaries' review
DEFAULT_PARCELS, DEFAULT_SEED = 60_000, 20_210_101
VERSION = 1  # raise it when the generated data change


def load_demo(
    url: str, catalogue: Catalogue, *, parcels: int = DEFAULT_PARCELS, seed: int = DEFAULT_SEED
) -> None:
    """Load the demo's layers unless exactly these are there already."""
    content = f"v{VERSION}, parcels={parcels}, seed={seed}"
    with connect(url, DatabaseRole.READER) as connection:
        row = connection.execute("SELECT content FROM onemap.seed WHERE name = 'demo'").fetchone()
    if row is not None and row[0] == content:
        print(f"The demo data are loaded already ({parcels} parcels).", flush=True)
        return
    started = time.monotonic()
    with connect(url, DatabaseRole.WRITER, statement_timeout_ms=0) as connection:
        connection.execute("DELETE FROM onemap.seed WHERE name = 'demo'")
        replace_regions(connection, _regions())
    for edition, table in demo_loads(parcels, seed):
        began = time.monotonic()
        layer = catalogue.layers[edition.layer]
        load_edition(url, layer, edition, table, author="onemap demo", note=f"demo data {content}")
        took = time.monotonic() - began
        counted = f"{len(table.ids):>9,} rows {took:6.1f} s"
        print(f"  {edition.layer:<24}{edition.key:<14}{counted}", flush=True)
    with connect(url, DatabaseRole.WRITER) as connection:  # the last step: all of it is there
        connection.execute(
            "INSERT INTO onemap.seed (name, content) VALUES ('demo', %s)", (content,)
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

"""Loading the demo city into the database; nothing is done twice."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from config.model import Catalogue
from config.settings import DEMO_KEY
from config.vocabulary import RegionCode, Text
from processes.ahead import ahead
from processes.workflows.demo import DemoLoad, demo_loads
from processes.workflows.demo_register import attach_demo_documents, register_demo_plans
from processes.workflows.load import load_file
from processes.workflows.load_request import LoadRequest
from providers.admin_boundaries import ancestors, counties
from providers.database import DatabaseRole, connect
from providers.document_store import DocumentStore
from providers.editions import day_in_china
from providers.errors import LoadRejected
from providers.keys import KeyRecord, put_key, revoke_key, split_key
from providers.regions import Region, put_regions

CITY = RegionCode("220100")
BOUNDARIES_FROM = date(2024, 1, 1)  # the year of the boundaries' review
VERSION = 4  # raise it when the generated data change


def load_demo(
    url: str,
    catalogue: Catalogue,
    folder: Path,
    *,
    store: Path | None = None,
    parcels: int,
    seed: int = 20_210_101,
) -> None:
    """Load the demo's layers unless exactly these are there already.

    Each is written to a file below *folder* and loaded from it as `onemap load` does, so that the
    same files can be loaded by hand afterwards. Documents go to *store*, by default below *folder*.
    """
    store = store or folder / "store"
    content = f"v{VERSION}, parcels={parcels}, seed={seed}"
    with connect(url, DatabaseRole.READER) as connection:
        row = connection.execute("SELECT content FROM onemap.seed WHERE name = 'demo'").fetchone()
    if row is not None and row[0] == content:
        print(f"The demo data are loaded already ({parcels} parcels).", flush=True)
        return
    started = time.monotonic()
    with connect(url, DatabaseRole.WRITER, statement_timeout_ms=0) as connection:
        connection.execute("DELETE FROM onemap.seed WHERE name = 'demo'")
        put_regions(connection, _regions())
        register_demo_plans(connection, day_in_china(datetime.now(UTC)))
    files = folder / "demo"
    files.mkdir(parents=True, exist_ok=True)
    for one, path in ahead(_written(demo_loads(parcels, seed), catalogue, files)):
        began = time.monotonic()
        layer = catalogue.layers[one.layer]
        report = load_file(
            url,
            LoadRequest(
                layer=layer,
                edition=one.edition,
                path=path,
                author="onemap demo",
                facts=one.facts,
                issued_from_above=one.issued_from_above,
                note=f"demo data {content}",
            ),
        )
        if report.rejected:
            raise LoadRejected(one.layer, [report.text()])
        counted = f"{report.read:>9,} rows {time.monotonic() - began:6.1f} s"
        print(f"  {one.layer:<24}{one.edition:<14}{counted}", flush=True)
    with connect(url, DatabaseRole.WRITER) as connection:  # the last step: all of it is there
        attach_demo_documents(connection, DocumentStore.within(store), catalogue)
        connection.execute(
            "INSERT INTO onemap.seed (name, content) VALUES ('demo', %s)", (content,)
        )
    print(f"  generated and loaded in {time.monotonic() - started:.0f} s", flush=True)


def _written(
    loads: Iterable[DemoLoad], catalogue: Catalogue, folder: Path
) -> Iterator[tuple[DemoLoad, Path]]:
    """The loads, each with the file that its rows have been written to."""
    for one in loads:
        layer, path = catalogue.layers[one.layer], folder / f"{one.layer}_{one.edition}.gpkg"
        one.table.of(layer).write(path, layer)
        yield one, path


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

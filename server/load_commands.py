"""`onemap load`: a file into an edition of a layer."""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import shapely
from shapely.errors import ShapelyError
from tqdm import tqdm

from config.model import Layer
from config.settings import Settings
from config.vocabulary import EDITION_KEY, EditionKey, EditionStatus, RegionCode
from processes.workflows.edition_facts import EditionFacts
from processes.workflows.load import Watch, load_file
from processes.workflows.load_report import Outcome
from processes.workflows.load_request import LoadRequest
from providers.database import DatabaseRole, connect
from providers.editions import list_editions_now
from providers.errors import Refused
from server.instance import instance, managed_layer, user

EXIT = {Outcome.REJECTED: 1, Outcome.LOCKED: 1}
MAX_COVERAGE_BYTES = 64 * 1024 * 1024


def load(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap load LAYER FILE`; the report goes to standard output, progress to standard error."""
    with instance(settings) as one:
        layer = managed_layer(one.catalogue, given.layer)
        request = LoadRequest(
            layer=layer,
            edition=given.edition or _only_edition(one.url, layer),
            path=given.file,
            author=given.author,
            facts=EditionFacts(
                title_zh=given.title,
                title_en=given.title_en,
                valid_from=given.valid_from,
                valid_to=given.valid_to,
                status=given.status,
                document=given.document,
                plan=given.plan,
                basis=given.basis,
                released=given.released,
                covers=_coverage(given.covers),
            ),
            file_layer=given.file_layer,
            srs=given.srs,
            encoding=given.encoding,
            renamed=dict(given.map),
            constants=dict(given.set),
            region=given.region,
            merge=given.merge,
            issued_from_above=given.issued_from_above,
            accept_rejects=given.accept_rejects,
            dry_run=given.dry_run,
            rejects=given.rejects or Path(f"{given.file.stem}.rejects.gpkg"),
            note=given.note,
        )
        with _progress() as watch:
            report = load_file(one.url, request, watch)
    text = json.dumps(report.document(), ensure_ascii=False, indent=2)
    if given.report is not None:
        given.report.write_text(text + "\n", "utf-8")
    print(text if given.json else report.text())
    return EXIT.get(report.outcome, 3 if report.rejected else 0)


def _only_edition(url: str, layer: Layer) -> EditionKey:
    with connect(url, DatabaseRole.READER) as connection:
        keys = [s.edition.key for s in list_editions_now(connection) if s.edition.layer == layer.id]
    if len(keys) == 1:
        return keys[0]
    held = f"it has {', '.join(sorted(keys))}" if keys else "it has none yet"
    raise Refused(f"Say which edition (版次) of {layer.id} with --edition; {held}.")


def _coverage(text: str | None) -> RegionCode | bytes | None:
    """A division code, or a GeoJSON file with polygons in longitude and latitude."""
    if text is None:
        return None
    try:
        return RegionCode(text)
    except ValueError:
        path = Path(text)
    try:
        if path.stat().st_size > MAX_COVERAGE_BYTES:
            raise Refused(f"--covers: {path.name} is larger than {MAX_COVERAGE_BYTES:,} bytes.")
        found = shapely.from_geojson(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ShapelyError) as error:
        raise Refused(
            f"--covers: {text!r} is neither a division code nor a GeoJSON file: {error}."
        ) from None
    polygons = [p for p in shapely.get_parts(shapely.get_parts(found)) if p.geom_type == "Polygon"]
    whole = shapely.union_all(polygons)
    if whole.is_empty or not shapely.box(-180, -90, 180, 90).covers(whole):
        raise Refused(f"--covers: {path.name} has no polygons in longitude and latitude.")
    parts = [p for p in shapely.get_parts(whole) if p.geom_type == "Polygon"]
    return bytes(shapely.MultiPolygon(parts).wkb)


@contextmanager
def _progress() -> Iterator[Watch]:
    """A bar on a terminal, nothing elsewhere; sentences always."""
    with tqdm(unit=" features", unit_scale=True, disable=None, leave=False) as bar:

        def count(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield Watch(tell=lambda sentence: bar.write(sentence, file=sys.stderr), count=count)


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`onemap load`."""
    one = verbs.add_parser("load", help="load a file into an edition of a layer")
    one.add_argument("layer", help="a layer of the catalogue")
    one.add_argument("file", type=Path, help="Shapefile, zip, GeoPackage, FileGDB, GeoJSON, …")
    one.add_argument("--edition", type=edition_key, help="版次, for example 2024 or issued_2023")
    reading = one.add_argument_group("how the file is read")
    reading.add_argument("--layer", dest="file_layer", metavar="NAME", help="the file's layer")
    reading.add_argument("--srs", metavar="EPSG", help="its reference system, where it says none")
    reading.add_argument("--encoding", help="of its text, for example GBK")
    for option, pair, meaning in (
        ("--map", "COLUMN=FIELD", "the field that a column is"),
        ("--set", "FIELD=VALUE", "one value for all rows"),
    ):
        reading.add_argument(
            option, type=_pair, action="append", default=[], metavar=pair, help=meaning
        )
    way = one.add_argument_group("what becomes of the edition's other rows")
    rest = way.add_mutually_exclusive_group()
    rest.add_argument("--region", type=_region, metavar="CODE", help="replace this region's only")
    rest.add_argument("--merge", action="store_true", help="add or replace by identity only")
    way.add_argument("--accept-rejects", action="store_true", help="load what fits; exit 3")
    way.add_argument("--issued-from-above", action="store_true", help="下发版: a locked copy")
    way.add_argument("--dry-run", action="store_true", help="say what would happen")
    facts = one.add_argument_group("what the edition says of itself (kept where not given)")
    facts.add_argument("--title", metavar="ZH")
    facts.add_argument("--title-en", metavar="EN")
    facts.add_argument("--valid-from", type=_day, metavar="DATE")
    facts.add_argument("--valid-to", type=_day, metavar="DATE")
    facts.add_argument("--status", type=EditionStatus, choices=list(EditionStatus))
    facts.add_argument("--document", help="the source document's name or number")
    facts.add_argument("--plan", metavar="ID", help="the plan of the register it belongs to")
    facts.add_argument("--basis", metavar="NUMBER", help="依据文号 of what is added or changed")
    facts.add_argument(
        "--released", type=_day, metavar="DATE", help="发布日期 of its official copy"
    )
    facts.add_argument("--covers", metavar="CODE|FILE", help="where it says all there is")
    said = one.add_argument_group("what is written down")
    said.add_argument("--author", default=user(), help="who loads it (%(default)s)")
    said.add_argument("--note", default="", help="why")
    said.add_argument("--report", type=Path, metavar="FILE", help="the report as JSON")
    said.add_argument("--rejects", type=Path, metavar="FILE", help="rejected features, GeoPackage")
    said.add_argument("--json", action="store_true", help="print the report as JSON")
    one.set_defaults(run=load)


def edition_key(text: str) -> EditionKey:
    """The key of an edition on the command line."""
    if not EDITION_KEY.fullmatch(text):
        raise argparse.ArgumentTypeError("1 to 16 of a-z, 0-9 and _")
    return EditionKey(text)


def _region(text: str) -> RegionCode:
    try:
        return RegionCode(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _day(text: str) -> date:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise argparse.ArgumentTypeError("a date like 2024-12-31")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise argparse.ArgumentTypeError("NAME=VALUE")
    return name, value

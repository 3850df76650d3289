"""Loading a file into an edition: read, check, stage, publish; one transaction, all or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind, Issuer
from processes.ahead import ahead
from processes.workflows.edition_facts import edition_to_be
from processes.workflows.intake import Features, Intake, Rejects, checked_batches
from processes.workflows.load_report import LoadReport, Outcome
from processes.workflows.load_request import LoadRequest, recipe_of, unchanged_since
from processes.workflows.rejects import write_rejects
from providers.crs_ways import StorageWay, missing_crs, way_to_storage
from providers.database import DatabaseRole, connect
from providers.editions import Edition, day_in_china, edition_now
from providers.errors import Refused
from providers.files import SourceFile, open_file
from providers.overview_tables import ensure_overview
from providers.overviews import keep_overview
from providers.parts import maintain_parts
from providers.plausibility import displacement
from providers.region_assignment import polygons_of, regions_within
from providers.revisions import Publication, Revision, RevisionKind, lock, publish
from providers.staging import Staging
from providers.tables import analyse, discard_unpublished, edition_name, ensure_tables
from providers.touched import record_touched

# One load at a time sorts and builds; each of these is a bound of its memory in the database.
LOAD_SETTINGS = {
    "idle_in_transaction_session_timeout": "0",
    "temp_buffers": "128MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told how a load goes: sentences, and how many of how many features are read."""

    tell: Callable[[str], None] = lambda sentence: None
    count: Callable[[int, int | None], None] = lambda done, total: None


class _Undone(Exception):
    """Leaves the transaction so that nothing of it stays; carries what is to be said."""

    def __init__(self, report: LoadReport) -> None:
        super().__init__(report.outcome)
        self.report = report


def load_file(url: str, request: LoadRequest, watch: Watch | None = None) -> LoadReport:
    """Load a file as the request says; what was and what was not loaded is in the report.

    Raises
    ------
    Refused
        Where the file as a whole cannot be loaded: not readable, no reference system or one that
        its coordinates contradict, missing columns, an unknown plan or region. Nothing is changed
        then.
    """
    layer, watch = request.layer, watch or Watch()
    with open_file(request.path, layer=request.file_layer, encoding=request.encoding) as source:
        way = _way(layer, source, request.srs)
        intake = Intake.of(layer, source, way, renamed=request.renamed, constants=request.constants)
        with tables(url, layer, request.edition):
            try:
                with writing(url) as connection:
                    report = _load(connection, request, source, intake, watch)
            except _Undone as undone:
                report = undone.report
        if report.rejected and request.rejects is not None:
            write_rejects(source, report.rejections, request.rejects)
            report = replace(report, rejects_file=request.rejects.name)
    return report


def load_edition(
    url: str,
    layer: Layer,
    edition: Edition,
    source: Features,
    *,
    author: str,
    note: str,
    kind: RevisionKind = RevisionKind.LOAD,
    regions: tuple[str, ...] = (),
) -> Revision:
    """Publish a source in stored coordinates; LoadRejected leaves everything as it was."""
    rejects = Rejects()
    intake = Intake.of(layer, source, None)
    with tables(url, layer, edition.key), writing(url) as connection:
        lock(connection, layer.id, wait=True)
        staging = Staging(connection, layer, plan=edition.plan, basis=edition.basis)
        for rows in ahead(map(staging.encode, checked_batches(intake, rejects))):
            staging.add(rows)
        rejects.add_all(staging.complete(_register_day(edition)))
        rejects.refuse(layer)
        made = Publication(kind=kind, author=author, note=note, regions=regions)
        return publish_beside(connection, layer, edition, made)


def publish_beside(
    connection: Connection[TupleRow], layer: Layer, edition: Edition, made: Publication
) -> Revision:
    """Publish, and keep what stands beside the rows in step with them."""
    revision = publish(connection, layer, edition, made)
    if not revision.empty:
        maintain_parts(connection, layer, edition.key, revision.number)
        record_touched(connection, layer, edition.key, revision.number)
    keep_overview(connection, layer, edition.key)
    return revision


@contextmanager
def tables(url: str, layer: Layer, key: EditionKey) -> Iterator[None]:
    """The edition's tables for a publication: made before, statistics after, gone if unused."""
    with connect(url, DatabaseRole.OWNER) as connection:
        published = edition_now(connection, layer.id, key) is not None
        ensure_tables(connection, layer, key, indexed=published)
        ensure_overview(connection, layer, key)
    try:
        yield
    finally:
        with connect(url, DatabaseRole.OWNER) as connection:
            if not discard_unpublished(connection, layer, key):
                analyse(connection, layer, key)


@contextmanager
def writing(url: str) -> Iterator[Connection[TupleRow]]:
    """A writer's transaction that may take its time: for loads, not for requests."""
    with connect(url, DatabaseRole.WRITER, statement_timeout_ms=0) as connection:
        for setting, value in LOAD_SETTINGS.items():
            connection.execute(f"SET LOCAL {setting} = '{value}'".encode())
        yield connection


def _way(layer: Layer, source: SourceFile, srs: str | None) -> StorageWay | None:
    """How the file's coordinates come to storage; a table has none."""
    if layer.geometry is GeometryKind.NONE:
        return None
    if source.geometry is None:
        raise Refused(
            f"{source.name}: {source.layer} is a table without geometry; {layer.id} is a layer of"
            f" {layer.geometry}s."
        )
    if source.bounds is None:  # not one feature has coordinates: each is rejected by itself
        return None
    crs = srs or source.crs
    if crs is None:
        raise missing_crs(source.bounds)
    return way_to_storage(crs, source.bounds)


def _load(
    connection: Connection[TupleRow],
    request: LoadRequest,
    source: SourceFile,
    intake: Intake,
    watch: Watch,
) -> LoadReport:
    layer, rejects = request.layer, Rejects()
    if not lock(connection, layer.id, wait=False):
        watch.tell(f"Another load of {layer.id} is running; this one waits for its end.")
        lock(connection, layer.id, wait=True)
    held = edition_now(connection, layer.id, request.edition)
    edition = edition_to_be(
        connection,
        layer,
        request.edition,
        request.facts,
        held,
        issued_from_above=request.issued_from_above,
        region=request.region,
    )
    recipe = recipe_of(connection, request, edition, source.sha256, source.layer)
    if held == edition and (same := unchanged_since(connection, request, recipe)) is not None:
        report = _report(request, source, intake, rejects, None)
        return replace(report, read=same.read, area_m2=same.area_m2, outcome=Outcome.UNCHANGED)
    staging = Staging(connection, layer, plan=edition.plan, basis=edition.basis)
    for rows in ahead(map(staging.encode, checked_batches(intake, rejects))):
        staging.add(rows)
        watch.count(intake.read, source.features)
    rejects.add_all(staging.complete(_register_day(edition)))
    regions: tuple[str, ...] = ()
    if request.region is not None:
        regions = regions_within(connection, request.region)
        if not regions:
            raise Refused(f"The region register has no {request.region.value} (--region).")
        rejects.add_all(_of_other_regions(staging, layer, request, regions))
    _refuse_displaced(connection, intake)
    report = _report(request, source, intake, rejects, staging)
    if rejects.count and not request.accept_rejects:
        raise _Undone(report)
    made = Publication(
        kind=request.kind,
        author=request.author,
        note=request.note,
        regions=regions,
        source={**report.lineage(), "recipe": recipe},
    )
    report = report.with_revision(publish_beside(connection, layer, edition, made))
    if held is not None and held.issuer is Issuer.ABOVE and not request.issued_from_above:
        raise _Undone(replace(report, outcome=Outcome.LOCKED))
    if request.dry_run:
        raise _Undone(replace(report, outcome=Outcome.DRY_RUN))
    return report


def _register_day(edition: Edition) -> date:
    """As of which day divisions are looked up: the edition's first, at the latest today."""
    return min(edition.valid_from, day_in_china(datetime.now(UTC)))


def _of_other_regions(
    staging: Staging, layer: Layer, request: LoadRequest, regions: tuple[str, ...]
) -> dict[int, str]:
    """A region's load takes rows of that region only, and no other region's feature by its id."""
    assert request.region is not None
    code = request.region.value
    binds = {"regions": list(regions)}
    elsewhere = staging.take_out(
        sql.SQL("s.om_region IS NULL OR s.om_region <> ALL(%(regions)s)"),
        f"the feature {{om_id}} lies in {{om_region}}, not in {code}",
        binds,
    )
    taken = staging.take_out(
        sql.SQL(
            "EXISTS (SELECT FROM {} c WHERE c.om_id = s.om_id"
            " AND (c.om_region IS NULL OR c.om_region <> ALL(%(regions)s)))"
        ).format(edition_name(layer, request.edition)),
        f"the identity {{om_id}} is that of a feature outside {code} in this edition",
        binds,
    )
    return elsewhere | taken


def _refuse_displaced(connection: Connection[TupleRow], intake: Intake) -> None:
    """Refused where the features lie beside the divisions that they name, as GCJ-02 does."""
    sample = intake.sample
    if intake.way is None or not sample.geometry:
        return
    polygons = polygons_of(connection, sorted(set(sample.regions)))
    found = displacement(sample.geometry, sample.regions, polygons)
    if found.found:
        raise Refused(found.message)


def _report(
    request: LoadRequest,
    source: SourceFile,
    intake: Intake,
    rejects: Rejects,
    staging: Staging | None,
) -> LoadReport:
    way, placed = intake.way, request.layer.geometry is GeometryKind.POLYGON
    return LoadReport(
        layer=request.layer.id,
        edition=request.edition,
        file=source.name,
        file_layer=source.layer,
        driver=source.driver,
        sha256=source.sha256,
        encoding=source.encoding,
        crs=way.crs_label if way else None,
        operation=way.operation if way else None,
        notes=source.notes,
        used=intake.match.used,
        ignored=intake.match.ignored,
        read=intake.read,
        repaired=intake.repaired_count,
        rejected=rejects.count,
        area_m2=staging.area_m2 if placed and staging else None,
        repairs=intake.repaired,
        rejections=rejects.reasons,
        outcome=Outcome.REJECTED,
    )

"""Overviews on PostGIS: exact after every publication, whoever makes them, and bounded by scope."""

import asyncio
import multiprocessing
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import affinity

from config.model import Catalogue, Layer
from config.tile_options import TileOptions
from config.vocabulary import EditionKey, EditionStatus, GeometryKind, Issuer, LayerId, Text
from processes.algorithms.class_mosaic import MARGIN, SIDE
from processes.algorithms.coverage_levels import cell_degrees
from processes.overview_duty import OverviewDuty
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import load_edition
from processes.workflows.overview_building import (
    build_overview,
    count_overview,
    due_counts,
    due_overviews,
)
from processes.workflows.rollback import rollback
from providers.database import DatabaseRole, connect
from providers.dialect import compile_sql
from providers.editions import Edition, edition_now, list_editions_now
from providers.grids import (
    WEB_MERCATOR_QUAD,
    WORLD_CRS84_QUAD,
    WORLD_M,
    Grid,
    TileAddress,
    Tiling,
)
from providers.overview_omitted import EVERYTHING, is_counted
from providers.overview_sources import Drawn, Overview, stored_overview
from providers.overview_tables import ensure_overview, index_levels
from providers.overviews import hold, omitted_now, save_counts
from providers.revisions import Revision, RevisionKind
from providers.tile_reading import read_tile
from providers.tile_sources import Drawing
from providers.tiles import MAX_TILE_FEATURES, TILE_EXTENT, TileQuery, attributes_at

LAYER, KEY = LayerId("land_use"), EditionKey("a")
ACROSS = 24  # parcels per side: enough for classes, few enough for a publication to do itself
SIZE = 0.002  # degrees of a parcel
WEST, SOUTH = 125.0, 43.0
CODES = ("010100", "070100", "120700", "060200")
COUNTIES = ("220102", "220103")
TABLES = ("planning_overview", "planning_mosaic")

type Parcels = dict[str, tuple[shapely.Geometry, str, str]]  # shape, class, county
type Publish = Callable[..., Revision]


def crooked(seed: int) -> Parcels:
    """A coverage of parcels with shared crooked edges; the west is one county, the east another."""
    rng = np.random.default_rng(seed)
    corners = np.stack(np.meshgrid(np.arange(ACROSS + 1.0), np.arange(ACROSS + 1.0)), axis=-1)
    corners += rng.uniform(-0.2, 0.2, corners.shape)

    def edge(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        share = np.linspace(0, 1, 12)[1:-1, None]
        return np.vstack([start, start + (end - start) * share + rng.normal(0, 0.01, (10, 2)), end])

    flat = {
        (x, y): edge(corners[y, x], corners[y, x + 1])
        for y in range(ACROSS + 1)
        for x in range(ACROSS)
    }
    steep = {
        (x, y): edge(corners[y, x], corners[y + 1, x])
        for y in range(ACROSS)
        for x in range(ACROSS + 1)
    }
    made: Parcels = {}
    for y in range(ACROSS):
        for x in range(ACROSS):
            ring = [flat[x, y], steep[x + 1, y], flat[x, y + 1][::-1], steep[x, y][::-1]]
            points = np.vstack([part[:-1] for part in ring]) * SIZE + [WEST, SOUTH]
            code = CODES[rng.integers(len(CODES))]
            made[str(y * ACROSS + x)] = (
                shapely.Polygon(points),
                code,
                COUNTIES[2 * x // ACROSS],
            )
    return made


@pytest.fixture
def publish(
    database_url: str, catalogue: Catalogue, make_squares: Callable[..., FeatureTable]
) -> Publish:
    """Publish parcels as the edition."""

    def load(
        parcels: Parcels,
        kind: RevisionKind = RevisionKind.LOAD,
        regions: tuple[str, ...] = (),
        of: Layer | None = None,
    ) -> Revision:
        layer = of or catalogue.layers[LAYER]
        with connect(database_url, DatabaseRole.READER) as connection:
            held = edition_now(connection, LAYER, KEY)
        edition = held or Edition(
            layer=LAYER,
            key=KEY,
            title=Text(zh="a", en="a"),
            valid_from=date(2023, 1, 1),
            valid_to=None,
            status=EditionStatus.IN_FORCE,
            issuer=Issuer.OWN,
            document="test",
        )
        columns = {
            "YDYHFLDM": [one[1] for one in parcels.values()],
            "XZQDM": [one[2] for one in parcels.values()],
        }
        table = replace(
            make_squares(layer, list(parcels), columns=columns),
            geometry=np.array([one[0] for one in parcels.values()], dtype=object),
        )
        source = table.of(layer)
        return load_edition(
            database_url, layer, edition, source, author="t", note="", kind=kind, regions=regions
        )

    return load


def made_and_counted(url: str, layer: Layer, edition: EditionKey, *, anew: bool = False) -> bool:
    """What a worker does of an overview that is due, and of what its tiles leave out."""
    return build_overview(url, layer, edition, anew=anew) and count_overview(url, layer, edition)


def stored(url: str) -> tuple[Overview, list[Any], list[Any]]:
    """The overview, its generalised rows and its class areas."""
    with connect(url, DatabaseRole.READER) as connection:
        (state,) = [s for s in list_editions_now(connection) if s.edition.layer == LAYER]
        assert state.overview is not None
        assert state.overview.revision == state.revision
        rows, areas = (_texts(connection, f"{schema}.{LAYER}__{KEY}") for schema in TABLES)
    return state.overview, rows, areas


def _texts(connection: psycopg.Connection[Any], table: str) -> list[Any]:
    """The rows of a table as text, in one order; empty where there is no such table."""
    row = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    if row is None or row[0] is None:
        return []
    statement = f'SELECT t::text FROM {table} t ORDER BY t::text COLLATE "C"'
    return connection.execute(statement.encode()).fetchall()


def one_edit(parcels: Parcels, act: str, place: int, other: Parcels) -> Parcels:
    """What a merge loads: a parcel of another class, or an exchange of a shared edge."""
    names = sorted(parcels, key=int)
    name = names[place % len(names)]
    shape, code, county = parcels[name]
    if act == "reclass":
        return {name: (shape, CODES[(CODES.index(code) + 1) % len(CODES)], county)}
    if act == "split":
        west, south, east, north = shape.bounds
        middle = (west + east) / 2
        halves = [
            shapely.intersection(shape, shapely.box(*sides))
            for sides in ((west, south, middle, north), (middle, south, east, north))
        ]
        new = str(max(map(int, names)) + 1)
        return {name: (halves[0], code, county), new: (halves[1], "070100", county)}
    return {name: (other[name][0], code, county)} if name in other else {}


edits = st.lists(
    st.tuples(st.sampled_from(["reclass", "split", "move", "all", "back"]), st.integers(0, 575)),
    min_size=1,
    max_size=5,
)


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=edits, seed=st.integers(0, 100))
def test_after_any_publications_an_overview_is_what_making_it_anew_gives(
    publish: Publish, database_url: str, catalogue: Catalogue, steps: list[Any], seed: int
) -> None:
    forget(database_url)
    layer, other = catalogue.layers[LAYER], crooked(seed + 1)
    parcels = crooked(seed)
    last = publish(parcels).number
    for act, place in steps:
        if act == "back":
            made = rollback(
                database_url,
                layer,
                KEY,
                place % last + 1,
                author="t",
                note="",
                issued_from_above=False,
            )
            last = made.number if made else last
        elif act == "all":
            last = publish({**parcels, **one_edit(parcels, "move", place, other)}).number
        else:
            last = publish(one_edit(parcels, act, place, other), RevisionKind.MERGE).number
        kept = stored(database_url)
        assert not due_overviews(database_url, catalogue)

    assert made_and_counted(database_url, layer, KEY, anew=True)

    assert stored(database_url) == kept


def forget(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS planning.land_use, planning_history.land_use,"
            " planning_overview.land_use__a, planning_mosaic.land_use__a CASCADE"
        )
        connection.execute("TRUNCATE onemap.edition CASCADE")


def test_at_every_level_the_rows_are_a_coverage_with_the_same_features(
    publish: Publish, database_url: str
) -> None:
    parcels = crooked(1)
    publish(parcels)
    overview, _, _ = stored(database_url)

    assert overview.levels
    with connect(database_url, DatabaseRole.READER) as connection:
        for level in overview.levels:
            rows = connection.execute(
                "SELECT om_id, ydyhfldm, ST_AsBinary(geom) FROM planning_overview.land_use__a"
                " WHERE level = %s",
                (level,),
            ).fetchall()
            assert {one[0]: one[1] for one in rows} == {n: one[1] for n, one in parcels.items()}
            shapes = shapely.from_wkb(np.array([bytes(one[2]) for one in rows], dtype=object))
            assert shapely.coverage_is_valid(shapes)
            assert shapely.get_num_coordinates(shapes).sum() < 0.9 * sum(
                shapely.get_num_coordinates(one[0]) for one in parcels.values()
            )


@pytest.mark.parametrize("grid", [WORLD_CRS84_QUAD, WEB_MERCATOR_QUAD], ids=lambda one: one.id)
def test_each_cell_whose_centre_lies_in_a_row_is_drawn_once_and_nothing_far_from_rows(
    publish: Publish, database_url: str, grid: Any
) -> None:
    parcels = crooked(2)
    del parcels["100"], parcels["101"]  # a place where nothing is planned
    publish(parcels)
    overview, _, _ = stored(database_url)
    whole = shapely.union_all([one[0] for one in parcels.values()])
    shapely.prepare(whole)

    assert overview.classes_below > 8
    for zoom in range(max(grid.shift, 6), overview.classes_below):
        cell = grid.cell(zoom - grid.shift, SIDE)
        for (row, column), areas in tiles_of(database_url, grid.tiling, zoom).items():
            west, south, east, north = grid.bounds(zoom - grid.shift, row, column)
            steps = np.arange(SIDE) + 0.5
            x, y = np.meshgrid(west + steps * cell, north - steps * cell)
            shapes = np.array([shape for *_, shape in areas], dtype=object)
            points = shapely.points(x.ravel(), y.ravel())
            times = np.bincount(
                shapely.STRtree(points).query(shapes, "contains")[1], minlength=SIDE**2
            )
            assert times.max() == 1
            degrees = shapely.points(*in_degrees(grid.tiling, x.ravel(), y.ravel()))
            inside = shapely.contains(whole, degrees)
            if zoom == overview.classes_below - 1:
                assert np.array_equal(times == 1, inside)
            assert (times[inside] == 1).mean() > 0.99 if inside.any() else True
            beyond = shapely.distance(whole, degrees[times == 1]).max(initial=0)
            assert beyond <= 0.75 * cell_degrees(zoom)  # half a cell along each side
            assert all(
                shapely.box(*shape.bounds).within(
                    shapely.box(
                        west - (MARGIN + 0.001) * cell,
                        south - (MARGIN + 0.001) * cell,
                        east + (MARGIN + 0.001) * cell,
                        north + (MARGIN + 0.001) * cell,
                    )
                )
                for shape in shapes
            )


def in_degrees(tiling: Tiling, x: Any, y: Any) -> tuple[Any, Any]:
    if tiling is Tiling.DEGREES:
        return x, y
    return x * 180 / WORLD_M, np.degrees(2 * np.arctan(np.exp(y * np.pi / WORLD_M)) - np.pi / 2)


def tiles_of(url: str, tiling: Tiling, zoom: int) -> dict[tuple[int, int], list[Any]]:
    with connect(url, DatabaseRole.READER) as connection:
        rows = connection.execute(
            "SELECT tile_row, tile_col, class, om_region, cells, ST_AsBinary(geom)"
            " FROM planning_mosaic.land_use__a WHERE tiling = %s AND zoom = %s",
            (tiling, zoom),
        ).fetchall()
    grid = next(one for one in (WORLD_CRS84_QUAD, WEB_MERCATOR_QUAD) if one.tiling is tiling)
    unit = grid.cell(zoom - grid.shift, TILE_EXTENT)
    tiles: dict[tuple[int, int], list[Any]] = {}
    for row, column, *said, wkb in rows:
        west, _, _, north = grid.bounds(zoom - grid.shift, row, column)
        drawn = shapely.from_wkb(bytes(wkb))
        placed = affinity.affine_transform(drawn, [unit, 0, 0, -unit, west, north])
        tiles.setdefault((row, column), []).append((*said, placed))
    return tiles


def test_areas_carry_the_code_that_the_style_draws_and_the_county_of_their_rows(
    publish: Publish, database_url: str
) -> None:
    parcels = crooked(3)
    publish(parcels)
    overview, _, _ = stored(database_url)
    zoom = overview.classes_below - 1
    counties = {
        county: shapely.union_all([one[0] for one in parcels.values() if one[2] == county])
        for county in COUNTIES
    }

    seen = set()
    for areas in tiles_of(database_url, Tiling.DEGREES, zoom).values():
        for drawn, county, cells, shape in areas:
            seen.add(drawn)
            assert cells > 0
            beyond = shapely.difference(shape, counties[county].buffer(0.75 * cell_degrees(zoom)))
            assert beyond.area == 0
    assert seen == {"01", "07", "1207", "06"}


def test_a_publication_tells_where_its_overview_changed_and_below_which_zoom(
    publish: Publish, database_url: str
) -> None:
    parcels = crooked(4)
    publish(parcels)
    name = str(ACROSS * ACROSS // 2)
    shape, _, county = parcels[name]
    number = publish({name: (shape, "070100", county)}, RevisionKind.MERGE).number
    if parcels[name][1] == "070100":
        number = publish({name: (shape, "010100", county)}, RevisionKind.MERGE).number
    overview, _, _ = stored(database_url)

    with connect(database_url, DatabaseRole.READER) as connection:
        touches = connection.execute(
            "SELECT below, ST_AsBinary(envelope) FROM onemap.touch WHERE revision = %s", (number,)
        ).fetchall()
    told = {below: shapely.from_wkb(bytes(wkb)) for below, wkb in touches}
    assert {None, *(level + 1 for level in overview.levels)} <= told.keys()
    assert all(one.buffer(1e-9).covers(shape.centroid) for one in told.values())
    assert told[overview.levels[-1] + 1].area < 4 * SIZE**2


def test_a_load_of_one_county_leaves_the_other_county_as_it_was(
    publish: Publish, database_url: str, catalogue: Catalogue
) -> None:
    parcels = crooked(5)
    publish(parcels)
    west = {n: one for n, one in parcels.items() if one[2] == COUNTIES[0]}
    west = dict(list(west.items())[3:])
    publish(west, RevisionKind.REGION, (COUNTIES[0],))
    kept = stored(database_url)

    assert made_and_counted(database_url, catalogue.layers[LAYER], KEY, anew=True)
    assert stored(database_url) == kept


@pytest.fixture
def left_to_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No publication makes an overview itself."""
    monkeypatch.setattr("providers.overviews.FEW_ROWS", -1)


def test_what_is_left_to_the_worker_is_due_until_it_is_made(
    publish: Publish, database_url: str, catalogue: Catalogue, left_to_the_worker: None
) -> None:
    parcels = crooked(6)
    publish(parcels)
    with connect(database_url, DatabaseRole.READER) as connection:
        (state,) = list_editions_now(connection)
    assert state.overview is None
    ((layer, edition),) = due_overviews(database_url, catalogue)
    assert made_and_counted(database_url, layer, edition)
    assert not due_overviews(database_url, catalogue)
    first = stored(database_url)

    shape, code, county = parcels["7"]
    publish({"7": (shape, CODES[CODES.index(code) - 1], county)}, RevisionKind.MERGE)
    with connect(database_url, DatabaseRole.READER) as connection:
        (state,) = list_editions_now(connection)
    assert state.overview is not None
    assert (state.overview.revision, state.revision) == (1, 2)  # the old one is served meanwhile
    assert len(due_overviews(database_url, catalogue)) == 1
    assert made_and_counted(database_url, layer, edition)
    changed = stored(database_url)
    assert changed[0].revision == 2
    assert changed[1:] != first[1:]
    assert made_and_counted(database_url, layer, edition, anew=True)
    assert stored(database_url) == changed


def test_only_one_is_at_an_overview_and_a_publication_does_not_wait_for_it(
    publish: Publish, database_url: str, catalogue: Catalogue
) -> None:
    parcels, layer = crooked(7), catalogue.layers[LAYER]
    publish(parcels)
    with connect(database_url, DatabaseRole.WRITER) as other:
        assert hold(other, layer.id, KEY, lasting=True)
        assert not build_overview(database_url, layer, KEY)
        shape, _, county = parcels["7"]
        publish(
            {"7": (shape, "060200", county), "8": (shape, "060200", county)}, RevisionKind.MERGE
        )
        assert len(due_overviews(database_url, catalogue)) == 1
    assert made_and_counted(database_url, layer, KEY)
    assert not due_overviews(database_url, catalogue)
    stored(database_url)


def test_a_worker_makes_what_is_due_also_after_a_build_was_killed(
    publish: Publish, database_url: str, catalogue: Catalogue, left_to_the_worker: None
) -> None:
    publish(crooked(11))
    layer = catalogue.layers[LAYER]
    child = multiprocessing.get_context("spawn").Process(
        target=build_overview, args=(database_url, layer, KEY)
    )
    with connect(database_url, DatabaseRole.OWNER) as blocking:
        ensure_overview(blocking, layer, KEY)
        blocking.commit()
        blocking.execute("LOCK TABLE planning_mosaic.land_use__a IN SHARE MODE")
        child.start()
        wanted = (
            "SELECT FROM pg_locks WHERE NOT granted"
            " AND relation = 'planning_mosaic.land_use__a'::regclass"
        )
        while blocking.execute(wanted).fetchone() is None:
            assert child.is_alive()
        child.kill()
        child.join()
    assert len(due_overviews(database_url, catalogue)) == 1

    async def until_made() -> None:
        duty = asyncio.create_task(OverviewDuty(database_url, lambda: catalogue).run())
        while due_overviews(database_url, catalogue) or due_counts(database_url, catalogue):
            assert not duty.done()
            await asyncio.sleep(0.2)
        duty.cancel()

    asyncio.run(asyncio.wait_for(until_made(), 60))
    made = stored(database_url)
    assert made_and_counted(database_url, layer, KEY, anew=True)
    assert stored(database_url) == made


def marks(kind: GeometryKind, seed: int) -> dict[str, shapely.Geometry]:
    """Points in crowds, or crooked lines of many lengths."""
    rng = np.random.default_rng(seed)
    crowds = rng.uniform(0, 0.5, (40, 2))
    made: dict[str, shapely.Geometry] = {}
    for name in range(800):
        start = np.array([WEST, SOUTH]) + rng.uniform(0, 0.5, 2)
        if kind is GeometryKind.POINT:
            middle = np.array([WEST, SOUTH]) + crowds[rng.integers(40)]
            made[str(name)] = shapely.Point(middle + rng.normal(0, 2e-4, 2))
        else:
            steps = np.cumsum(rng.normal(0, 10 ** rng.uniform(-6, -3), (60, 2)), axis=0)
            made[str(name)] = shapely.LineString(start + steps)
    return made


@pytest.mark.parametrize("kind", [GeometryKind.POINT, GeometryKind.LINE])
def test_points_and_lines_follow_their_rules_after_any_publication(
    publish: Publish, database_url: str, catalogue: Catalogue, kind: GeometryKind
) -> None:
    managed = catalogue.layers[LAYER]
    layer = replace(managed, specification=replace(managed.specification, geometry=kind))
    shapes = marks(kind, 1)

    def given(names: Iterable[str], source: dict[str, shapely.Geometry]) -> Parcels:
        return {
            name: (source[name], CODES[int(name) % 3], COUNTIES[int(name) % 2]) for name in names
        }

    publish(given(shapes, shapes), of=layer)
    other = marks(kind, 2)
    publish(given(["1", "5", "7"], other), RevisionKind.MERGE, of=layer)
    publish(given([name for name in shapes if int(name) % 9], other | shapes), of=layer)
    overview, kept, _ = stored(database_url)
    assert overview.levels
    assert overview.classes_below == 0

    assert made_and_counted(database_url, layer, KEY, anew=True)
    assert stored(database_url)[1] == kept
    with connect(database_url, DatabaseRole.READER) as connection:
        rows = connection.execute(
            "SELECT fid, ydyhfldm, om_region, ST_AsBinary(geom) FROM planning.land_use__a"
        ).fetchall()
        for level in overview.levels:
            held = connection.execute(
                "SELECT fid, ST_AsBinary(geom) FROM planning_overview.land_use__a WHERE level = %s",
                (level,),
            ).fetchall()
            assert {one[0] for one in held} == expected(kind, rows, cell_degrees(level))


def expected(kind: GeometryKind, rows: list[Any], cell: float) -> set[int]:
    """The features that are drawn, by the stated rule."""
    if kind is GeometryKind.LINE:
        return {row[0] for row in rows if shapely.from_wkb(bytes(row[3])).length >= cell}
    first: dict[Any, int] = {}
    for fid, code, county, wkb in rows:
        place = shapely.from_wkb(bytes(wkb)).centroid
        key = (place.x // cell, place.y // cell, code, county)
        first[key] = min(fid, first.get(key, fid))
    return set(first.values())


def close_together(kind: GeometryKind, across: int = 120) -> dict[str, shapely.Geometry]:
    """A lattice of points or short lines: as many tiles far out could not hold."""
    made: dict[str, shapely.Geometry] = {}
    for number in range(across**2):
        x, y = WEST + number % across * 5e-4, SOUTH + number // across * 5e-4
        line = shapely.LineString([(x, y), (x + 4e-4, y)])
        made[str(number)] = line if kind is GeometryKind.LINE else shapely.Point(x, y)
    return made


@pytest.mark.parametrize("kind", [GeometryKind.POINT, GeometryKind.LINE])
def test_points_and_lines_close_together_follow_the_rule_of_every_zoom_and_after_edits(
    publish: Publish, database_url: str, catalogue: Catalogue, kind: GeometryKind
) -> None:
    managed = catalogue.layers[LAYER]
    layer = replace(managed, specification=replace(managed.specification, geometry=kind))
    shapes = close_together(kind)
    parcels = {
        name: (shape, CODES[int(name) % 3], COUNTIES[int(name) // 3 % 2])
        for name, shape in shapes.items()
    }
    publish(parcels, of=layer)
    assert made_and_counted(database_url, layer, KEY, anew=True)

    def held_to_the_rule(further: int) -> None:
        overview, _, _ = stored(database_url)
        with connect(database_url, DatabaseRole.READER) as connection:
            rows = connection.execute(
                "SELECT fid, ydyhfldm, om_region, ST_AsBinary(geom) FROM planning.land_use__a"
            ).fetchall()
            for zoom in range(14):
                drawn, by_rule = {row[0] for row in rows}, expected(kind, rows, cell_degrees(zoom))
                if (level := overview.source(zoom).zoom) is not None:
                    drawn = {
                        row[0]
                        for row in connection.execute(
                            "SELECT fid FROM planning_overview.land_use__a WHERE level = %s",
                            (level,),
                        )
                    }
                    assert drawn == expected(kind, rows, cell_degrees(level))
                assert by_rule <= drawn
                assert 0.9 * len(drawn) <= len(by_rule) + further

    held_to_the_rule(0)
    overview, _, _ = stored(database_url)
    assert overview.levels
    if kind is GeometryKind.POINT:  # all of a class and a county lie in one pixel
        with connect(database_url, DatabaseRole.READER) as connection:
            for zoom in range(3):
                level = overview.source(zoom).zoom
                statement = "SELECT count(*) FROM planning_overview.land_use__a WHERE level = %s"
                assert connection.execute(statement, (level,)).fetchone() == (6,)

    moved = affinity.translate(shapes["0"], 0.0101, 0.0101)
    longer = affinity.scale(moved, 50, 50) if kind is GeometryKind.LINE else moved
    publish({"0": (longer, *parcels["0"][1:])}, RevisionKind.MERGE, of=layer)
    publish({"7": (shapes["7"], CODES[3], COUNTIES[0])}, RevisionKind.MERGE, of=layer)
    held_to_the_rule(1)
    kept = stored(database_url)
    assert made_and_counted(database_url, layer, KEY, anew=True)
    assert stored(database_url)[1] == kept[1]


def test_a_changed_style_makes_the_overview_due(
    publish: Publish, database_url: str, catalogue: Catalogue
) -> None:
    publish(crooked(8))
    layer = catalogue.layers[LAYER]
    assert layer.style is not None
    plain = replace(layer, style=replace(layer.style, rules=layer.style.rules[-1:]))
    changed = replace(catalogue, layers={**catalogue.layers, LAYER: plain})

    ((found, _),) = due_overviews(database_url, changed)
    assert found is plain
    assert made_and_counted(database_url, plain, KEY)
    assert not due_overviews(database_url, changed)


def test_a_layer_that_declines_has_none(
    publish: Publish, database_url: str, catalogue: Catalogue
) -> None:
    publish(crooked(9))
    declining = replace(catalogue.layers[LAYER], tiles=TileOptions(overview=False))
    shape, _, county = crooked(9)["1"]
    publish({"1": (shape, "010100", county)}, RevisionKind.MERGE, of=declining)
    publish({"1": (shape, "070100", county)}, RevisionKind.MERGE, of=declining)

    with connect(database_url, DatabaseRole.READER) as connection:
        (state,) = list_editions_now(connection)
    assert state.overview is None
    assert GeometryKind.POLYGON is declining.geometry


def small_squares(across: int, grid: Grid, zoom: int) -> Parcels:
    """Equal squares that lie within one tile of the zoom."""
    level = zoom - grid.shift
    row, _, column, _ = grid.limits((WEST, SOUTH, WEST, SOUTH), level)
    west, south, east, north = grid.degrees(level, row, column, -0.02)
    x, y = np.meshgrid(np.arange(across), np.arange(across))
    wide, high = (east - west) / across, (north - south) / across
    boxes = shapely.box(
        west + x * wide, south + y * high, west + (x + 1) * wide, south + (y + 1) * high
    )
    return {
        f"220102{n:012}": (one, CODES[n % 4], COUNTIES[0])  # ids like those of parcels
        for n, one in enumerate(boxes.ravel())
    }


def told_of(url: str, layer: Layer, overview: Overview, grid: Grid, zoom: int) -> int:
    """What the tiles of a zoom say themselves that they leave out"""
    level = zoom - grid.shift
    row, _, column, _ = grid.limits((WEST, SOUTH, WEST, SOUTH), level)
    reach = range(-1, 2)
    with connect(url, DatabaseRole.READER) as connection:

        async def ask(_: Any, build: Any, values: Any) -> Any:
            compiled = compile_sql(build())
            binds = compiled.binds({"layer": layer.id, "edition": KEY, **values})
            return connection.execute(compiled.text.encode(), binds).fetchone()

        async def all_of_them() -> int:
            told = 0
            for down in reach:
                for right in reach:
                    address = TileAddress(grid, level, row + down, column + right)
                    query = TileQuery(address=address)
                    source = overview.source(zoom)
                    drawing = Drawing(layer, KEY, query, EVERYTHING, source=source)
                    told += (await read_tile(ask, drawing)).omitted
            return told

        return asyncio.run(all_of_them())


@pytest.mark.parametrize("grid", [WORLD_CRS84_QUAD, WEB_MERCATOR_QUAD], ids=lambda one: one.id)
def test_what_tiles_leave_out_for_their_bytes_is_counted_as_they_say_it(
    publish: Publish, database_url: str, catalogue: Catalogue, grid: Grid
) -> None:
    layer = catalogue.layers[LAYER]
    across = 102
    publish(small_squares(across, grid, 13))
    assert made_and_counted(database_url, layer, KEY, anew=True)
    overview, _, _ = stored(database_url)
    zooms = range(overview.classes_below, 16)
    told = {zoom: told_of(database_url, layer, overview, grid, zoom) for zoom in zooms}

    assert 0 < told[13] < across * across <= MAX_TILE_FEATURES
    assert told == {zoom: overview.left_out(grid.tiling, zoom) for zoom in zooms}
    assert overview.left_out(grid.tiling, 20) == 0


def test_what_is_too_much_to_count_is_told_as_not_counted(
    publish: Publish, database_url: str, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.overview_omitted.MOST_DRAWN", 0)
    publish(small_squares(95, WORLD_CRS84_QUAD, 13))
    assert made_and_counted(database_url, catalogue.layers[LAYER], KEY, anew=True)
    overview, _, _ = stored(database_url)

    assert overview.left_out(Tiling.DEGREES, 13) is None
    assert overview.left_out(Tiling.DEGREES, 20) == 0


def test_a_publication_counts_anew_or_says_that_it_did_not(
    publish: Publish, database_url: str, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    squares = small_squares(102, WORLD_CRS84_QUAD, 13)
    publish(squares)
    assert made_and_counted(database_url, catalogue.layers[LAYER], KEY, anew=True)
    before = stored(database_url)[0].left_out(Tiling.DEGREES, 13)
    assert before is not None
    more = {f"330102{n:012}": one for n, one in enumerate(list(squares.values())[:100])}
    publish(more, RevisionKind.MERGE)
    after = stored(database_url)[0].left_out(Tiling.DEGREES, 13)
    assert after is not None
    assert 50 < after - before < 150

    monkeypatch.setattr("providers.overview_omitted.FEW_BYTES", 1)
    publish(dict([*more.items()][:1]) | {"1": next(iter(more.values()))}, RevisionKind.MERGE)
    assert stored(database_url)[0].left_out(Tiling.DEGREES, 13) is None
    assert not due_overviews(database_url, catalogue)

    (left,) = due_counts(database_url, catalogue)
    assert left == (catalogue.layers[LAYER], KEY), "the worker counts what a publication did not"
    rows = stored(database_url)[1:]
    assert count_overview(database_url, *left)
    counted = stored(database_url)
    assert counted[1:] == rows
    assert counted[0].left_out(Tiling.DEGREES, 13) in (after, after + 1)
    assert not due_counts(database_url, catalogue)

    publish({"1": next(iter(more.values()))}, RevisionKind.MERGE)
    assert stored(database_url) == counted, "nothing changed: what is counted stays"


def test_no_publication_fails_by_what_is_counted_of_it(
    publish: Publish, database_url: str, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    parcels = crooked(12)
    publish(parcels)
    monkeypatch.setattr("providers.overview_omitted.SIZES", "SELECT 1 / 0")
    shape, code, county = parcels["1"]
    publish({"1": (shape, CODES[CODES.index(code) - 1], county)}, RevisionKind.MERGE)

    assert not due_overviews(database_url, catalogue)
    assert stored(database_url)[0].left_out(Tiling.DEGREES, 20) is None
    assert len(due_counts(database_url, catalogue)) == 1


def test_what_is_counted_counts_for_what_tiles_carry_now(
    publish: Publish, database_url: str, catalogue: Catalogue
) -> None:
    layer = catalogue.layers[LAYER]
    publish(crooked(13))
    carried = attributes_at(layer, Drawn.ROWS, 24)
    field = next(f for f in layer.fields if f not in carried)
    more = replace(layer, tiles=replace(layer.tiles, attributes={field.code: 0}))
    widened = replace(catalogue, layers={**catalogue.layers, layer.id: more})
    overview = stored(database_url)[0]

    assert is_counted(overview, layer)
    assert not is_counted(overview, more)
    assert not due_overviews(database_url, widened)
    ((due, edition),) = due_counts(database_url, widened)
    assert count_overview(database_url, due, edition)
    assert is_counted(stored(database_url)[0], more)


def test_what_is_counted_keeps_no_publication_waiting_and_is_not_told_of_another_state(
    publish: Publish, database_url: str, catalogue: Catalogue
) -> None:
    parcels, layer = crooked(14), catalogue.layers[LAYER]
    publish(parcels)
    with connect(database_url, DatabaseRole.WRITER) as counting:
        counting.commit()
        counting.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with counting.transaction():
            counted = omitted_now(counting, layer, KEY)
            assert counted is not None
            shape, code, county = parcels["1"]
            publish({"1": (shape, CODES[CODES.index(code) - 1], county)}, RevisionKind.MERGE)
            assert not due_overviews(database_url, catalogue)
            after = stored(database_url)
        counting.isolation_level = None
        odd = replace(counted[1], by_tiling={"degrees": {13: 7}})
        now = replace(counted[0], revision=after[0].revision)
        other = replace(now, choice=replace(now.choice, levels=(2, *now.choice.levels)))
        for held, kept in ((counted[0], False), (other, False), (now, True)):
            assert save_counts(counting, layer, KEY, held, odd) is kept
            counting.commit()
            assert (stored(database_url) == after) is not kept


def test_an_index_that_is_no_longer_needed_goes_without_keeping_readers_waiting(
    publish: Publish, database_url: str, catalogue: Catalogue
) -> None:
    layer = catalogue.layers[LAYER]
    publish(crooked(15))
    levels = stored(database_url)[0].levels
    needless = next(level for level in range(25) if level not in levels)
    with connect(database_url, DatabaseRole.OWNER) as connection:
        index_levels(connection, layer, KEY, [needless])

    def indexes() -> int:
        found = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'planning_overview'"
        with connect(database_url, DatabaseRole.READER) as connection:
            row = connection.execute(f"{found} AND indexdef LIKE '%gist%'").fetchone()
        assert row is not None
        return int(row[0])

    assert indexes() == len(levels) + 1
    with connect(database_url, DatabaseRole.READER) as reading:
        reading.execute("SELECT count(*) FROM planning_overview.land_use__a").fetchall()
        assert build_overview(database_url, layer, KEY, anew=True)
        assert indexes() == len(levels) + 1
    assert build_overview(database_url, layer, KEY, anew=True)
    assert indexes() == len(levels)


def test_an_overview_of_before_bytes_were_looked_at_tells_nothing() -> None:
    before = stored_overview((1, 9, [10], {}, "r"))
    otherwise = stored_overview((1, 9, [10], {"degrees": {"13": 5}}, "r"))
    tilings = {"degrees": {"13": 5, "14": None}}
    counted = stored_overview((1, 9, [10], {"recipe": "c", "tilings": tilings}, "r"))
    assert before is not None
    assert before == otherwise
    assert counted is not None

    assert [before.left_out(Tiling.DEGREES, zoom) for zoom in (8, 9, 13)] == [0, None, None]
    assert [counted.left_out(Tiling.DEGREES, zoom) for zoom in (12, 13, 14)] == [0, 5, None]
    assert counted.left_out(Tiling.MERCATOR, 13) is None


def test_a_field_that_a_specification_gains_comes_to_the_overview_as_well(
    publish: Publish, database_url: str, catalogue: Catalogue
) -> None:
    parcels = crooked(10)
    publish(parcels)
    layer = catalogue.layers[LAYER]
    wider = replace(layer.fields[0], code="NEU", required=False, code_list=None)
    grown = replace(
        layer,
        specification=replace(layer.specification, fields=(*layer.specification.fields, wider)),
    )
    shape, code, county = parcels["1"]
    publish({"1": (shape, CODES[CODES.index(code) - 1], county)}, RevisionKind.MERGE, of=grown)
    kept = stored(database_url)

    assert made_and_counted(database_url, grown, KEY, anew=True)
    assert stored(database_url) == kept
    with connect(database_url, DatabaseRole.READER) as connection:
        connection.execute("SELECT neu FROM planning_overview.land_use__a").fetchall()

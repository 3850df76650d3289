"""The region register in a real database: the tree in time, what is seen with what, overlaps."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import psycopg
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from config.settings import Settings
from config.vocabulary import AdminLevel, RegionCode, Text
from processes.algorithms.gcj02 import from_gcj02
from providers.database import DatabaseRole, connect
from providers.errors import Refused
from providers.files import open_file
from providers.region_assignment import assign_by_overlap
from providers.region_changes import Change, ChangeKind
from providers.region_lookup import children, counts, periods, region_on, successors
from providers.regions import (
    REGION_PATHS,
    Region,
    RegionKind,
    RegionRefused,
    UnitCode,
    expand,
    put_changes,
    put_regions,
    region_code,
    registered,
)
from server.__main__ import main

DATA = Path(__file__).parent.parent / "data"
START = date(2020, 1, 1)
LEVELS = {"0000": AdminLevel.PROVINCE, "00": AdminLevel.CITY}
type Command = Callable[..., str]


def region(
    code: str,
    parent: str | None = None,
    *,
    name: str | None = None,
    start: date = START,
    polygon: shapely.Polygon | None = None,
    level: AdminLevel | None = None,
) -> Region:
    if level is None and len(code) > 6:
        level = AdminLevel.TOWN if len(code) == 9 else AdminLevel.VILLAGE
    by_digits = next((v for zeros, v in LEVELS.items() if code.endswith(zeros)), AdminLevel.COUNTY)
    return Region(
        code=RegionCode(code),
        parent=region_code(parent) if parent else None,
        level=level or by_digits,
        name=Text(zh=name or code, en=name or code),
        valid_from=start,
        polygon=None if polygon is None else shapely.MultiPolygon([polygon]),
    )


def unit(code: str, parent: str, polygon: shapely.Polygon | None = None) -> Region:
    return Region(
        code=region_code(code),
        parent=RegionCode(parent),
        level=None,
        name=Text(zh="开发区", en="zone"),
        valid_from=START,
        polygon=None if polygon is None else shapely.MultiPolygon([polygon]),
        kind=RegionKind.UNIT,
    )


JILIN = (
    region("220000"),
    region("220100", "220000", name="长春市"),
    region("220300", "220000", name="四平市"),
    region("220102", "220100"),
    region("220104", "220100"),
)


@pytest.fixture
def writer(database_url: str) -> Iterator[Connection[TupleRow]]:
    with connect(database_url, DatabaseRole.WRITER) as connection:
        put_regions(connection, JILIN)
        yield connection


def seen_with(connection: Connection[TupleRow], *codes: str) -> set[str]:
    """What a key for the codes sees."""
    return set(expand(dict(connection.execute(REGION_PATHS).fetchall()), codes))


def path_of(connection: Connection[TupleRow], code: str, day: date) -> tuple[str, ...]:
    found = region_on(connection, code, day)
    assert found is not None
    return found.path


def test_a_path_goes_from_the_top_to_the_region_in_any_order_of_the_list(
    database_url: str,
) -> None:
    with connect(database_url, DatabaseRole.WRITER) as connection:
        put_regions(connection, reversed([*JILIN, region("220102001", "220102")]))

        assert path_of(connection, "220102001", START) == (
            "220000",
            "220100",
            "220102",
            "220102001",
        )
        assert [one.code for one in children(connection, "220100", START)] == ["220102", "220104"]
        assert [one.code for one in children(connection, None, START)] == ["220000"]
        assert counts(connection, START)[AdminLevel.CITY] == 2


def test_the_same_list_again_changes_nothing(writer: Connection[TupleRow]) -> None:
    again = put_regions(writer, [*JILIN])
    later = put_regions(writer, [replace(one, valid_from=date(2024, 1, 1)) for one in JILIN])

    assert (again.new, again.unchanged) == (0, 5)
    assert (later.new, later.unchanged) == (0, 5)
    assert len(periods(writer, "220102", START)) == 1


def test_what_a_code_stands_for_is_asked_by_date(writer: Connection[TupleRow]) -> None:
    put_regions(writer, [region("220102", "220100", name="新名", start=date(2023, 7, 1))])

    names = {
        day: getattr(region_on(writer, "220102", day), "name", Text(zh="-", en="-")).zh
        for day in (date(2019, 12, 31), START, date(2023, 6, 30), date(2023, 7, 1))
    }

    assert list(names.values()) == ["-", "220102", "220102", "新名"]


def test_an_earlier_period_ends_where_the_known_one_begins(writer: Connection[TupleRow]) -> None:
    early = date(2010, 1, 1)
    put_regions(
        writer,
        [region("220000", start=early), region("220100", "220000", name="旧名", start=early)],
    )

    held = [(p.name.zh, p.valid_from, p.valid_to) for p in periods(writer, "220100", START)]

    assert held == [("旧名", early, date(2019, 12, 31)), ("长春市", START, None)]


def test_a_region_that_moves_takes_along_what_lies_in_it(writer: Connection[TupleRow]) -> None:
    put_regions(writer, [region("220102001", "220102")])
    moved = date(2022, 1, 1)
    put_regions(writer, [region("220102", "220300", start=moved)])

    assert path_of(writer, "220102", date(2021, 12, 31)) == ("220000", "220100", "220102")
    assert path_of(writer, "220102", moved) == ("220000", "220300", "220102")
    assert path_of(writer, "220102001", moved) == ("220000", "220300", "220102", "220102001")


def test_a_polygon_is_added_to_a_period_that_has_none_and_never_taken_away(
    writer: Connection[TupleRow],
) -> None:
    box = shapely.box(125, 43, 126, 44)
    filled = put_regions(writer, [region("220102", "220100", polygon=box)])
    again = put_regions(writer, [region("220102", "220100")])

    assert (filled.new, filled.filled, again.unchanged) == (0, 1, 1)
    held = region_on(writer, "220102", START)
    assert held is not None
    assert held.has_polygon


def test_a_list_ends_what_it_does_not_name_only_where_it_is_said_to_be_complete(
    writer: Connection[TupleRow],
) -> None:
    day = date(2024, 1, 1)
    partial = put_regions(writer, [region("220102", "220100", start=day)])
    whole = put_regions(writer, [region("220102", "220100", start=day)], complete=["220100"])

    assert (partial.ended, whole.ended) == (0, 1)
    assert [one.code for one in children(writer, "220100", day)] == ["220102"]
    assert region_on(writer, "220104", date(2023, 12, 31)) is not None
    assert region_on(writer, "220300", day) is not None


@pytest.mark.parametrize(
    ("given_regions", "said"),
    [
        ([region("220199", "220199001"), region("220199001", "220199")], "not above its child"),
        ([unit("FJ01", "220102"), region("220102", "FJ01", start=date(2022, 1, 1))], "circle"),
        ([region("220381", "229900")], "parents that are not registered on that day: 229900"),
        (
            [region("220381", "220300", start=date(2001, 1, 1))],
            "not registered on that day: 220300",
        ),
        ([region("220381", "220381")], "their own parents"),
        ([region("220381"), region("220381")], "given twice: 220381"),
        ([unit("220102", "220100")], "registered as the other of division and unit: 220102"),
    ],
)
def test_what_makes_no_tree_is_refused_by_name_and_nothing_is_written(
    database_url: str, given_regions: list[Region], said: str
) -> None:
    with connect(database_url, DatabaseRole.WRITER) as connection:
        put_regions(connection, JILIN)
    with (
        pytest.raises(RegionRefused, match=said),
        connect(database_url, DatabaseRole.WRITER) as connection,
    ):
        put_regions(connection, given_regions)
    with connect(database_url, DatabaseRole.READER) as connection:
        rows = connection.execute("SELECT count(*), count(valid_to) FROM onemap.region").fetchone()
    assert rows == (5, 0)


def test_a_division_that_is_not_divided_stands_at_the_lower_levels_itself(
    writer: Connection[TupleRow],
) -> None:
    found = put_regions(writer, [region("220300", "220300", level=AdminLevel.COUNTY)])

    held = region_on(writer, "220300", START)
    assert (found.new, found.standing) == (0, 1)
    assert held is not None
    assert held.level is AdminLevel.CITY
    assert held.stands_for == (AdminLevel.COUNTY,)
    assert counts(writer, START)[AdminLevel.COUNTY] == 3


def test_a_unit_lies_in_what_it_is_a_unit_of_whatever_its_digits(
    writer: Connection[TupleRow],
) -> None:
    put_regions(writer, [unit("220171", "220100"), unit("FJ01", "220300")])
    put_regions(writer, [region("220171001", "220171")])

    assert {"220171", "220171001"} <= seen_with(writer, "220100")
    assert seen_with(writer, "220171") == {"220171", "220171001"}
    assert "FJ01" in seen_with(writer, "220300")
    assert registered(writer, ["FJ01", "220171", "220172"]) == {"FJ01", "220171"}
    assert region_code("FJ01") == UnitCode("FJ01")


def recoded(kind: ChangeKind, old: str, new: str, year: int = 2020) -> Change:
    return Change(old=old, new=new, earliest=date(year, 1, 1), latest=date(year, 12, 31), kind=kind)


def test_a_grant_follows_a_recoding_and_finds_the_rows_under_the_old_code(
    writer: Connection[TupleRow],
) -> None:
    """公主岭市: 220381 of 四平市 until 2020, then 220184 of 长春市."""
    put_regions(writer, [region("220381", "220300", start=date(2020, 1, 1))])
    put_regions(writer, [region("220381001", "220381")])
    day = date(2020, 7, 1)
    put_regions(writer, [region("220184", "220100", start=day)])
    put_regions(writer, [region("220184001", "220184", start=day)])
    before = seen_with(writer, "220381")
    change = Change(old="220381", new="220184", earliest=day, latest=day, kind=ChangeKind.RECODED)
    written, ended = put_changes(writer, [change])

    assert before == {"220381", "220381001"}
    assert (written, ended) == (1, 1)
    assert seen_with(writer, "220381") == {"220381", "220381001", "220184", "220184001"}
    assert seen_with(writer, "220184") == {"220381", "220381001", "220184", "220184001"}
    assert {"220381", "220381001", "220184"} <= seen_with(writer, "220100")
    # what was 四平's is seen there as it was then, and not what became of it
    assert {"220381", "220381001"} <= seen_with(writer, "220300")
    assert not {"220184", "220184001"} & seen_with(writer, "220300")
    assert successors(writer, "220381", since=START, until=date(2024, 1, 1)) == ("220184",)


def test_a_grant_does_not_grow_by_a_merger_nor_reach_back_before_a_split(
    writer: Connection[TupleRow],
) -> None:
    put_changes(
        writer,
        [
            recoded(ChangeKind.MERGED, "220103", "220102"),
            recoded(ChangeKind.SPLIT, "220121", "220102"),
            recoded(ChangeKind.SPLIT, "220121", "220104"),
        ],
    )

    assert seen_with(writer, "220103") == {"220103"}
    assert seen_with(writer, "220102") == {"220102", "220103"}
    assert seen_with(writer, "220121") == {"220102", "220104", "220121"}
    assert {"220103", "220121"} <= seen_with(writer, "220100")


def test_a_code_in_use_again_is_not_its_old_holders(writer: Connection[TupleRow]) -> None:
    put_changes(writer, [recoded(ChangeKind.RECODED, "220102", "220104", 2010)])

    assert seen_with(writer, "220102") == {"220102"}
    assert seen_with(writer, "220104") == {"220104"}


@pytest.fixture
def command(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
            capsys: pytest.CaptureFixture[str]) -> Command:  # fmt: skip
    """`onemap region …`, and what it prints."""
    settings = Settings(home=tmp_path, store=tmp_path / "store", database_url=database_url)
    monkeypatch.setattr(Settings, "from_environ", lambda *_: settings)

    def run(*words: str | Path, code: int = 0) -> str:
        capsys.readouterr()
        assert main(["region", *map(str, words)]) == code
        said = capsys.readouterr()
        return said.out if code == 0 else said.err

    return run


@pytest.fixture
def jilin(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "divisions.csv"
    path.write_text("code,name\n220000,吉林省\n220100,长春市\n220184,公主岭市\n", encoding="utf-8")
    command("load", path, "--valid-from", "2020-01-01")


@pytest.mark.usefixtures("jilin")
def test_lists_of_divisions_units_and_changes_are_loaded_at_the_command_line(
    command: Command,
) -> None:
    towns = DATA / "regions" / "townships.csv.gz"
    day = ("--valid-from", "2020-01-01")

    refused = command("load", towns, *day, code=1)
    command("unit", "add", "220171", "--title", "长春经济技术开发区", "--parent", "220100", *day)
    first = json.loads(command("load", towns, *day, "--json"))
    villages = command("load", DATA / "regions" / "villages.csv", *day)
    changes = json.loads(command("changes", DATA / "regions" / "code_changes.csv", "--json"))
    shown = json.loads(command("show", "220381", "--json"))
    listed = json.loads(command("list", "--parent", "220171", "--on", "2021-01-01", "--json"))

    assert "220171" in refused
    assert "--parent-column" in refused
    assert (first["read"], first["new"], first["lifted"]) == (41, 41, {})
    assert "17 read, 17 new from 2020-01-01" in villages
    assert changes["withoutCode"] == 4
    assert shown["successors"] == ["220184"]
    assert {one["code"][:6] for one in listed} == {"220171"}
    assert "220000/220100/220184" in command("show", "220184")
    assert "no region 999999" in command("show", "999999", code=1)
    assert "no region 999999" in command("list", "--parent", "999999", code=1)


@pytest.mark.usefixtures("jilin")
def test_towns_without_a_registered_county_lie_in_the_next_region_that_the_file_names(
    command: Command,
) -> None:
    columns = ("--parent-column", "areaCode", "--parent-column", "cityCode")
    said = command(
        "load", DATA / "regions" / "townships.csv.gz", "--valid-from", "2020-01-01", *columns
    )

    assert "lie in the next region above: 220171 are not registered" in said


@pytest.mark.usefixtures("jilin")
def test_a_units_land_is_all_polygons_of_its_file(
    command: Command, database_url: str, tmp_path: Path
) -> None:
    boxes = [shapely.box(125, 43, 125.1, 43.1), shapely.box(125.3, 43, 125.4, 43.1)]
    features = [
        {"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(box))}
        for box in boxes
    ]
    path = tmp_path / "land.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))

    command("unit", "add", "FJ01", "--title", "分局", "--parent", "220100", "--file", path)

    with connect(database_url, DatabaseRole.READER) as connection:
        row = connection.execute(
            "SELECT ST_AsBinary(geom) FROM onemap.region WHERE code = 'FJ01'"
        ).fetchone()
    assert row is not None
    assert shapely.equals(shapely.from_wkb(bytes(row[0])), shapely.union_all(boxes))


def test_polygons_displaced_as_gcj02_are_refused_where_the_register_knows_better(
    command: Command, database_url: str
) -> None:
    path = DATA / "files" / "changchun_gcj02_as_4490.parquet"
    with open_file(path) as source:
        batch = next(source.batches())
        codes = [str(code) for code in batch.columns["adcode"].to_pylist()]
        assert batch.geometry is not None
        right = shapely.transform(batch.geometry, from_gcj02)
    with connect(database_url, DatabaseRole.WRITER) as connection:
        put_regions(connection, [region("220100")])
        for code, shape in zip(codes, right, strict=True):
            for part in shapely.get_parts(shape)[:1]:
                put_regions(connection, [region(code, "220100", polygon=part)])

    with pytest.raises(Refused, match="GCJ-02"):
        raise Refused(command("load", path, code=1))


def overlapping(counties: dict[str, shapely.Geometry], shape: shapely.Geometry) -> set[str]:
    """The counties with the largest share of a shape, as shapely measures it."""
    dimension = int(shapely.get_dimensions(shape))

    def measure(part: shapely.Geometry) -> float:
        if dimension == 2:
            return float(shapely.area(part))
        return float(shapely.length(part) if dimension else shapely.get_num_coordinates(part))

    shares = {
        code: measure(shapely.intersection(shape, county))
        for code, county in counties.items()
        if shapely.intersects(shape, county)
    }
    most = max(shares.values(), default=0.0)
    return {code for code, share in shares.items() if share >= most - 1e-12}


degrees = st.floats(0.0, 1.0).map(lambda share: round(124.9 + share * 1.2, 6))
spans = st.floats(0.001, 0.7).map(lambda span: round(span, 6))


@st.composite
def shapes(draw: st.DrawFn) -> shapely.Geometry:
    x, y = draw(degrees), draw(degrees) - 82
    dx, dy = draw(spans), draw(spans)
    match draw(st.sampled_from(("box", "triangle", "line", "points"))):
        case "box":
            return shapely.MultiPolygon([shapely.box(x, y, x + dx, y + dy)])
        case "triangle":
            return shapely.MultiPolygon([shapely.Polygon([(x, y), (x + dx, y), (x, y + dy)])])
        case "line":
            return shapely.MultiLineString([[(x, y), (x + dx, y + dy), (x + dx, y)]])
        case _:
            return shapely.MultiPoint([(x, y), (x + dx, y), (x + dx, y + dy)])


def test_a_row_lies_in_the_region_with_the_largest_part_of_it(database_url: str) -> None:
    @hypothesis_settings(max_examples=25)
    @given(
        cut_x=st.floats(125.1, 125.9),
        cut_y=st.floats(43.1, 43.9),
        given_shapes=st.lists(shapes(), min_size=1, max_size=12),
    )
    def law(cut_x: float, cut_y: float, given_shapes: list[shapely.Geometry]) -> None:
        counties: dict[str, shapely.Polygon] = {
            "220102": shapely.box(125, 43, cut_x, cut_y),
            "220103": shapely.box(cut_x, 43, 126, cut_y),
            "220104": shapely.box(125, cut_y, cut_x, 44),
            "220105": shapely.box(cut_x, cut_y, 126, 44),
        }
        with connect(database_url, DatabaseRole.WRITER) as connection:
            put_regions(connection, [region(c, polygon=p) for c, p in counties.items()])
            found = assigned(connection, given_shapes, date(2021, 1, 1))
            connection.rollback()

        for shape, code in zip(given_shapes, found, strict=True):
            expected = overlapping(dict(counties), shape)
            assert (code in expected) if expected else code is None

    law()


def assigned(
    connection: Connection[TupleRow], given_shapes: list[shapely.Geometry], day: date
) -> list[str | None]:
    """The regions of the shapes by largest overlap."""
    connection.execute(
        "CREATE TEMPORARY TABLE staged (om_row bigint, om_region text, geom geometry)"
        " ON COMMIT DROP"
    )
    tagged = shapely.to_wkb(
        shapely.set_srid(np.array(given_shapes, dtype=object), 4490), hex=True, include_srid=True
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO staged (om_row, geom) VALUES (%s, %s::geometry)",
            list(enumerate(tagged.tolist())),
        )
    assign_by_overlap(connection, day)
    rows = connection.execute("SELECT om_region FROM staged ORDER BY om_row").fetchall()
    return [row[0] for row in rows]


def test_two_periods_of_one_code_do_not_overlap_and_a_wrong_code_does_not_enter(
    writer: Connection[TupleRow],
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), writer.transaction():
        writer.execute(
            "INSERT INTO onemap.region (code, level, name_zh, name_en, path, valid_from)"
            " VALUES ('FJ01', 'county', 'x', 'x', '{FJ01}', '2020-01-01')"
        )
    for year in (2024, 2022, 2023, 2021):
        put_regions(writer, [region("220102", "220100", name=str(year), start=date(year, 1, 1))])

    held = periods(writer, "220102", START)

    assert [one.valid_from.year for one in held] == [2020, 2021, 2022, 2023, 2024]
    assert [one.valid_to.year for one in held if one.valid_to] == [2020, 2021, 2022, 2023]


def test_overlap_takes_the_county_of_the_day_and_leaves_no_hole(
    writer: Connection[TupleRow],
) -> None:
    """公主岭市 has one polygon and two codes; 220104 is registered from 2022 only."""
    box, beside, city = (shapely.box(125 + i, 43, 126 + i, 44) for i in range(3))
    put_regions(writer, [region("220381", "220300", polygon=box)])
    put_regions(writer, [region("220184", "220100", start=date(2021, 1, 1), polygon=box)])
    change = Change(
        old="220381",
        new="220184",
        earliest=date(2021, 1, 1),
        latest=date(2021, 1, 1),
        kind=ChangeKind.RECODED,
    )
    put_changes(writer, [change])
    later = date(2022, 1, 1)
    put_regions(writer, [region("220105", "220100", start=later, polygon=beside)])
    whole = region("220200", "220000", polygon=city)
    put_regions(writer, [whole, replace(whole, parent=whole.code, level=AdminLevel.COUNTY)][:1])
    put_regions(writer, [replace(whole, parent=whole.code, level=AdminLevel.COUNTY)])
    points = [shapely.MultiPoint([(125.5 + i, 43.5)]) for i in range(3)]

    found = {}
    for day in (date(2010, 1, 1), date(2020, 6, 1), date(2024, 1, 1)):
        found[day.year] = assigned(writer, points, day)
        writer.execute("DROP TABLE pg_temp.staged")

    assert found == {
        2010: ["220381", "220105", "220200"],
        2020: ["220381", "220105", "220200"],
        2024: ["220184", "220105", "220200"],
    }

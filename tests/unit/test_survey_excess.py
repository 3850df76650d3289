"""Surveyors' files made to be slow: read in the time of their size, or refused with a sentence."""

import io
from collections.abc import Sequence
from pathlib import Path

import ezdxf
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from providers.file_dxf_nesting import held
from providers.files import FileRefused, layers_of, open_file

X, Y = 42_443_667.0, 4_851_838.0
TRIANGLE = "125,43 125.1,43 125.1,43.1 125,43"
SAME = shapely.from_wkt("POLYGON((125 43, 125.1 43, 125.1 43.1, 125 43))")
SMALL = st.integers(0, 12)


def drawing(path: Path, squares: Sequence[tuple[str, float]], texts: Sequence[float] = ()) -> Path:
    """Squares about one middle, by layer and half a side; texts to the east of the middle."""
    made = ezdxf.new("R2010", units=6)  # type: ignore[attr-defined]
    space = made.modelspace()
    for layer, half in squares:
        west, south, east, north = X - half, Y - half, X + half, Y + half
        corners = [(west, south), (east, south), (east, north), (west, north)]
        space.add_lwpolyline(corners, close=True, dxfattribs={"layer": layer})
    for number, away in enumerate(texts):
        space.add_text(f"T{number}", dxfattribs={"insert": (X + away, Y)})
    written = io.StringIO()
    made.write(written)
    path.write_text(written.getvalue())
    return path


def shapes(path: Path) -> list[shapely.Geometry]:
    with open_file(path) as source:
        batches = list(source.batches())
    return [one for batch in batches if batch.geometry is not None for one in batch.geometry]


def kml(path: Path, placemark: str) -> Path:
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2">'
        f"<Document>{placemark}</Document></kml>"
    )
    return path


def polygon(coordinates: str) -> str:
    return (
        "<Polygon><outerBoundaryIs><LinearRing><coordinates>"
        f"{coordinates}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    )


def test_of_rings_in_rings_every_second_one_is_a_hole(tmp_path: Path) -> None:
    found = shapes(drawing(tmp_path / "a.dxf", [("0", half) for half in range(1, 1_001)]))

    assert len(found) == 500
    assert {round(shapely.area(one) / 4) for one in found} == {
        2 * k - 1 for k in range(2, 1_001, 2)
    }


def test_a_drawing_whose_rings_lie_in_each_other_without_end_is_refused(tmp_path: Path) -> None:
    nested = drawing(tmp_path / "a.dxf", [("0", half / 10) for half in range(1, 3_001)])

    with pytest.raises(FileRefused, match="too often to tell which are holes"):
        shapes(nested)


@given(
    st.lists(st.tuples(SMALL, SMALL, SMALL, SMALL), min_size=1, max_size=20),
    st.lists(st.tuples(SMALL, SMALL), max_size=20),
)
def test_what_holds_a_thing_is_what_a_look_at_every_pair_finds(
    boxes: list[tuple[int, int, int, int]], places: list[tuple[int, int]]
) -> None:
    areas = np.array([shapely.box(a, b, c, d) for a, b, c, d in boxes], dtype=object)
    points = np.array([shapely.Point(*one) for one in places], dtype=object)

    for things, predicate, test in (
        (areas, "covers", shapely.covers),
        (points, "contains", shapely.contains),
    ):
        found = held(things, areas, predicate)  # type: ignore[arg-type]
        for place, thing in enumerate(things):
            own = float(shapely.area(thing)) if shapely.is_valid(thing) else np.inf
            around = [
                float(one.area)
                for one in areas
                if shapely.is_valid(one) and one.area > own and test(one, thing)
            ]
            smallest = int(found.smallest[place])
            assert int(found.depth[place]) == len(around)
            assert (areas[smallest].area if around else smallest) == min(around, default=-1)


def test_a_text_names_the_smallest_ring_around_it(tmp_path: Path) -> None:
    path = drawing(tmp_path / "a.dxf", [("0", 1), ("0", 2), ("0", 3)], texts=[2.5, 0.5, 9])
    with open_file(path) as source:
        [batch] = source.batches()
    names = batch.columns["name"].to_pylist()

    assert sorted(names, key=str) == ["T0", "T1"]


def test_a_drawing_of_a_great_many_layers_is_listed_in_the_time_of_one(tmp_path: Path) -> None:
    path = drawing(tmp_path / "a.dxf", [(f"L{n}", 1.0) for n in range(5_000)])

    assert sum(one.features or 0 for one in layers_of(path)) == 5_000


@pytest.mark.parametrize(
    "placemark",
    [
        polygon(TRIANGLE + " " * 1_000_000),
        polygon(TRIANGLE.replace(",", " " * 500_000 + ",", 1)),
        polygon(TRIANGLE) + "<name>a</name>" * 100_000,
        polygon(TRIANGLE) * 1_000
        + "".join(f'<Data name="d{n}"><value>1</value></Data>' for n in range(50_000)),
    ],
    ids=["blanks", "blanks before a comma", "names", "data"],
)
def test_kml_is_read_in_the_time_of_its_size(tmp_path: Path, placemark: str) -> None:
    found = shapes(kml(tmp_path / "a.kml", f"<Placemark>{placemark}</Placemark>"))

    assert shapely.equals(found, SAME).all()


@pytest.mark.parametrize("between", [" , ", ",  ", "\n,\t"])
def test_blanks_beside_a_comma_of_kml_are_none(tmp_path: Path, between: str) -> None:
    placemark = f"<Placemark>{polygon(TRIANGLE.replace(',', between))}</Placemark>"
    [found] = shapes(kml(tmp_path / "a.kml", placemark))

    assert shapely.equals(found, SAME)

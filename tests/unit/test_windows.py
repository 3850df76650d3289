import pytest
import shapely

from providers.crs import CRS84, from_epsg
from providers.errors import BadParameter
from providers.windows import parse_bbox


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "1,2,3,4,5,6,7",
        "a,b,c,d",
        "125,44,126,43",
        "125,43,126,nan",
        "125,43,126,inf",
        "125,43,126,1e999",
        "1_0,2,3,4",
        "١,2,3,4",
        "-181,0,0,1",
        "0,0,0,91",
        "43,125,44,126",
        f"{'0' * 500},0,1,1",
    ],
)
def test_what_is_no_rectangle_of_degrees_is_refused(text: str) -> None:
    with pytest.raises(BadParameter) as refused:
        parse_bbox(text, CRS84)

    assert refused.value.name == "bbox"
    assert "longitude first" in refused.value.expected


def test_heights_are_ignored() -> None:
    assert parse_bbox("125,43,0,126,44,100", CRS84).bounds == ((125.0, 43.0, 126.0, 44.0),)
    assert parse_bbox("43,125,-5,44,126,9", from_epsg(4490)).bounds == ((125.0, 43.0, 126.0, 44.0),)


def test_the_numbers_stand_in_the_axis_order_of_the_system() -> None:
    east_first = parse_bbox("125,43,126,44", CRS84)
    north_first = parse_bbox("43,125,44,126", from_epsg(4490))

    assert east_first.bounds == north_first.bounds == ((125.0, 43.0, 126.0, 44.0),)
    with pytest.raises(BadParameter, match="latitude first"):
        parse_bbox("125,43,126,44", from_epsg(4490))


def test_across_the_antimeridian_there_are_two_rectangles() -> None:
    two = ((170.0, 10.0, 180.0, 20.0), (-180.0, 10.0, -170.0, 20.0))

    assert parse_bbox("170,10,-170,20", CRS84).bounds == two
    assert parse_bbox("10,170,20,-170", from_epsg(4326)).bounds == two


def test_a_plane_has_no_antimeridian() -> None:
    for code in (3857, 4547):
        with pytest.raises(BadParameter, match="lower before upper"):
            parse_bbox("4000000,600000,4100000,500000", from_epsg(code))


def test_the_name_of_the_parameter_is_said() -> None:
    with pytest.raises(BadParameter) as refused:
        parse_bbox("x", CRS84, name="extent")

    assert refused.value.name == "extent"


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        (4547, "530000,3300000,540000,3310000", "northing first"),
        (4547, "3300000,38530000,3310000,38540000", "eastings without a zone number"),
        (4526, "3300000,530000,3310000,540000", "begin with the zone number 38"),
        (4526, "38530000,3300000,38540000,3310000", "northing first"),
        (4547, "30,114,31,115", "northings 300000 to 6000000"),
    ],
)
def test_swapped_axes_degrees_and_the_zone_number_are_named(
    code: int, text: str, said: str
) -> None:
    with pytest.raises(BadParameter) as refused:
        parse_bbox(text, from_epsg(code))

    assert said in refused.value.expected


def test_a_province_is_asked_for_beyond_its_zone_too() -> None:
    far = parse_bbox("5300000,1500000,5400000,1700000", from_epsg(4546))

    assert far.bounds[0][0] > 124


def test_a_view_of_half_the_world_is_cut_to_where_a_zone_has_coordinates() -> None:
    window = parse_bbox("-9e9,-9e9,9e9,9e9", from_epsg(4547))
    assert window.outline is not None
    outline = shapely.from_wkb(window.outline)

    assert outline.is_valid
    assert outline.contains(shapely.box(73.6, 3.4, 135.1, 53.6))
    world = parse_bbox("-9e9,-9e9,9e9,9e9", from_epsg(3857))
    assert world.bounds == ((-180.0, -90.0, 180.0, 90.0),)
    with pytest.raises(BadParameter):
        parse_bbox("30000000,0,40000000,1", from_epsg(3857))


def test_a_rectangle_of_web_mercator_is_one_of_degrees() -> None:
    window = parse_bbox("13914936.349159,5311971.846945,14026255.84,5465442.18", from_epsg(3857))

    assert window.outline is None
    assert window.bounds[0] == pytest.approx((125.0, 43.0, 126.0, 44.0), abs=1e-6)


def test_the_sides_of_a_rectangle_in_a_zone_are_followed_by_as_many_points_as_they_need() -> None:
    crs = from_epsg(4547)
    small = parse_bbox("3300000,500000,3300100,500100", crs)
    large = parse_bbox("3300000,450000,3400000,550000", crs)

    points = [shapely.get_num_coordinates(shapely.from_wkb(w.outline)) for w in (small, large)]

    assert points[0] == 5
    assert 100 < points[1] < 2_000


def test_rectangles_of_one_system_share_their_statement() -> None:
    crs = from_epsg(4547)
    one, two = (
        parse_bbox(text, crs)
        for text in ("3300000,500000,3300100,500100", "3300000,450000,3400000,550000")
    )

    assert one.shape == two.shape
    assert one.parameters.keys() == two.parameters.keys()
    assert parse_bbox("1,2,3,4", CRS84).shape == parse_bbox("1,2,3,4", from_epsg(4490)).shape
    assert one.shape != parse_bbox("3300000,500000,3300100,500100", from_epsg(4546)).shape
    assert parse_bbox("170,0,-170,1", CRS84).shape != parse_bbox("1,2,3,4", CRS84).shape

"""What a file's columns and values become, and what is said of those that do not fit."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely

from config.model import CodeList, Field, Layer, Specification, Theme
from config.vocabulary import Classification, FieldType, GeometryKind, LayerId, Text
from providers.attributes import (
    ColumnMatch,
    ColumnsRefused,
    Typed,
    identities,
    match_columns,
    region_codes,
    typed,
)

TEXT, NUMBER, WHOLE = pa.string(), pa.float64(), pa.int64()


def titled(zh: str, en: str = "") -> Text:
    return Text(zh=zh, en=en or zh)


def code_list(name: str, *codes: str) -> CodeList:
    meanings = {code: titled(code) for code in codes}
    return CodeList(id=name, version="1", title=titled(name), source=titled(name), codes=meanings)


BSM = Field(
    code="BSM", title=titled("标识码", "Identifier"), type=FieldType.TEXT, length=18, required=True
)
XZQDM = Field(
    code="XZQDM", title=titled("行政区代码", "Division code"), type=FieldType.TEXT, length=19
)
YDYHFLDM = Field(
    code="YDYHFLDM",
    title=titled("用地用海分类代码", "Class code"),
    type=FieldType.TEXT,
    length=10,
    code_list=code_list("YDYH", "010000", "070100", "070101"),
)
YDYHFLMC = Field(
    code="YDYHFLMC", title=titled("用地用海分类名称", "Class name"), type=FieldType.TEXT, length=8
)
TBMJ = Field(
    code="TBMJ",
    title=titled("图斑面积", "Parcel area"),
    type=FieldType.DECIMAL,
    length=15,
    decimals=2,
    exclusive_minimum=0.0,
    aliases=("AREA_M2",),
)
CS = Field(code="CS", title=titled("层数（地上）", "Storeys"), type=FieldType.INTEGER)
RQ = Field(code="RQ", title=titled("日期", "Day"), type=FieldType.DATE)
SF = Field(code="SF", title=titled("是否", "Whether"), type=FieldType.BOOLEAN)
BZ = Field(code="BZ", title=titled("备注", "Remark"), type=FieldType.TEXT, length=255)
FIELDS = (BSM, XZQDM, YDYHFLDM, YDYHFLMC, TBMJ, CS, RQ, SF, BZ)
CODES = {field.code: TEXT for field in FIELDS}


@pytest.fixture
def layer() -> Layer:
    """A layer with a field of each type."""
    words = Text(zh="试验", en="trial")
    specification = Specification(
        id="TRIAL",
        version="1",
        title=words,
        geometry=GeometryKind.POLYGON,
        source=words,
        fields=FIELDS,
    )
    return Layer(
        id=LayerId("trial"),
        title=words,
        description=words,
        theme=Theme(id="trial", title=words, order=1),
        specification=specification,
        identity=("BSM",),
        region="XZQDM",
        plan="none",
        classification=Classification.INTERNAL,
        style=None,
        source=words,
        keeper=words,
        synthetic=True,
    )


def with_fields(layer: Layer, *fields: Field) -> Layer:
    return replace(layer, specification=replace(layer.specification, fields=fields))


def refusals(layer: Layer, columns: Mapping[str, pa.DataType]) -> tuple[str, ...]:
    with pytest.raises(ColumnsRefused) as refused:
        match_columns(layer, columns)
    return refused.value.findings


def read(layer: Layer, field: Field, values: Any, kind: pa.DataType | None = None) -> Typed:
    """The values of one field; every row has an identity."""
    array = values if isinstance(values, pa.Array) else pa.array(values, kind)
    names = pa.array([f"id{n}" for n in range(len(array))])
    columns = {"BSM": names, field.code: array}
    match = ColumnMatch(used={code: code for code in columns}, ignored=())
    return typed(layer, match, columns, len(array))


def values_of(
    layer: Layer, field: Field, values: Any, kind: pa.DataType | None = None
) -> list[Any]:
    found = read(layer, field, values, kind)
    assert found.rejected == {}
    return list(found.columns[field.code].to_pylist())


def reasons_of(
    layer: Layer, field: Field, values: Any, kind: pa.DataType | None = None
) -> list[str]:
    """What is said of the rows, one sentence each; rows that fit say nothing."""
    found = read(layer, field, values, kind).rejected
    assert all(len(reasons) == 1 for reasons in found.values())
    head = f"{field.code} {field.title.zh}: "
    assert all(reason.startswith(head) for (reason,) in found.values())
    return [found.get(row, [head])[0].removeprefix(head) for row in range(len(values))]


@pytest.mark.parametrize(
    "column",
    [
        "TBMJ",
        "tbmj",
        " TbMj ",
        "ＴＢＭＪ",
        "图斑面积",
        "Parcel area",
        "PARCEL AREA",
        "area_m2",
        "Parcel are",
    ],
)
def test_a_field_finds_its_column_by_code_title_alias_or_cut_name(
    layer: Layer, column: str
) -> None:
    match = match_columns(layer, {"BSM": TEXT, column: NUMBER})

    assert match.used == {"BSM": "BSM", "TBMJ": column}
    assert match.ignored == ()


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_a_chinese_title_cut_to_ten_bytes_is_known_in_either_encoding(
    layer: Layer, encoding: str
) -> None:
    cut = "层数（地上）".encode(encoding)[:10].decode(encoding, "ignore")

    assert match_columns(layer, {"BSM": TEXT, cut: WHOLE}).used["CS"] == cut


def test_full_width_brackets_in_a_column_name_are_no_other_name(layer: Layer) -> None:
    assert match_columns(layer, {"BSM": TEXT, "层数(地上)": WHOLE}).used["CS"] == "层数(地上)"


def test_a_column_that_could_be_two_fields_is_refused_with_the_way_out(layer: Layer) -> None:
    (finding, _) = refusals(layer, {"BSM": TEXT, "用地用海分": TEXT, "注": TEXT})

    assert (
        "用地用海分 could be both YDYHFLDM 用地用海分类代码 and YDYHFLMC 用地用海分类名称"
        in finding
    )
    assert "--map 用地用海分=YDYHFLDM" in finding


def test_a_cut_name_is_that_of_the_field_that_has_no_column_yet(layer: Layer) -> None:
    match = match_columns(layer, {"BSM": TEXT, "YDYHFLDM": TEXT, "用地用海分": TEXT})

    assert match.used["YDYHFLMC"] == "用地用海分"


@pytest.mark.parametrize("other", ["tbmj", "图斑面积"])
def test_two_columns_of_one_field_are_refused(layer: Layer, other: str) -> None:
    (finding,) = refusals(layer, {"BSM": TEXT, "TBMJ": NUMBER, other: NUMBER})

    assert finding.startswith(f"TBMJ 图斑面积: both TBMJ and {other} could be it")


def test_a_column_of_a_less_sure_name_stands_back_and_is_listed(layer: Layer) -> None:
    match = match_columns(layer, {"BSM": TEXT, "AREA_M2": NUMBER, "TBMJ": NUMBER})

    assert match.used["TBMJ"] == "TBMJ"
    assert match.ignored == ("AREA_M2",)


def test_every_missing_column_is_told_at_once_by_code_and_chinese_name(layer: Layer) -> None:
    fields = (BSM, replace(TBMJ, required=True), BZ)
    findings = refusals(with_fields(layer, *fields), {"BZ": TEXT, "NAME": TEXT})

    assert findings == (
        "BSM 标识码 is required, and no column is it",
        "TBMJ 图斑面积 is required, and no column is it",
        "columns that are no field: NAME (--map COLUMN=FIELD)",
    )


@pytest.mark.parametrize("kind", [pa.int32(), pa.float64(), pa.decimal128(18, 0)])
@pytest.mark.parametrize("field", [BSM, XZQDM, YDYHFLDM])
def test_codes_stored_as_numbers_refuse_the_file(
    layer: Layer, field: Field, kind: pa.DataType
) -> None:
    (finding,) = refusals(layer, {"BSM": TEXT} | {field.code: kind})

    assert finding.startswith(
        f"{field.code} {field.title.zh}: the column {field.code} holds numbers"
    )
    assert "leading zeros are lost" in finding
    assert "make it a text column" in finding


def test_a_column_of_another_type_is_refused(layer: Layer) -> None:
    (finding,) = refusals(layer, {"BSM": TEXT, "TBMJ": pa.date32()})

    assert finding == "TBMJ 图斑面积: the column TBMJ holds date32[day]; expected a number > 0"


def test_dictionaries_and_empty_columns_are_read_as_what_they_hold(layer: Layer) -> None:
    coded = pa.dictionary(pa.int32(), pa.string())
    match = match_columns(layer, {"BSM": coded, "YDYHFLDM": coded, "XZQDM": pa.null()})

    assert set(match.used) == {"BSM", "YDYHFLDM", "XZQDM"}
    array = pa.array(["010000", None, "99"]).dictionary_encode()
    assert reasons_of(layer, YDYHFLDM, array)[:2] == ["", ""]
    assert values_of(layer, XZQDM, pa.nulls(2)) == [None, None]


def test_what_software_adds_is_ignored_without_a_word_and_the_rest_is_listed(layer: Layer) -> None:
    added = ("fid", "OBJECTID", "Shape_Length", "SHAPE_Area", "OGC_FID")
    match = match_columns(layer, {"BSM": TEXT} | dict.fromkeys((*added, "XMMC"), WHOLE))

    assert match.ignored == ("XMMC",)


def test_text_is_trimmed_and_empty_text_is_missing(layer: Layer) -> None:
    given = ["  a b\u3000", "", " \t\u3000", None, "第一行\n第二行"]

    assert values_of(layer, BZ, given) == ["a b", None, None, None, "第一行\n第二行"]


def test_a_remark_kept_as_numbers_becomes_text_as_a_person_writes_it(layer: Layer) -> None:
    assert values_of(layer, BZ, [7, None], WHOLE) == ["7", None]
    assert values_of(layer, BZ, [7.0, 2.5, float("nan"), None], NUMBER) == ["7", "2.5", None, None]


def test_control_characters_are_rejected_in_any_text(layer: Layer) -> None:
    given = ["a\x00b", "a\x1fb", "a\x85b", "a\tb"]

    assert reasons_of(layer, BZ, given) == [
        "'a\\x00b' has control characters; expected text of at most 255 characters",
        "'a\\x1fb' has control characters; expected text of at most 255 characters",
        "'a\\x85b' has control characters; expected text of at most 255 characters",
        "",
    ]


def test_length_is_counted_in_characters_and_a_long_value_is_shown_short(layer: Layer) -> None:
    (fits, reason) = reasons_of(layer, YDYHFLMC, ["一二三四五六七八", "长" * 10_000])

    assert fits == ""
    assert reason == f"'{'长' * 40}…' is too long; expected text of at most 8 characters"


def test_a_code_is_of_its_list_and_told_why_if_not(layer: Layer) -> None:
    given = ["070101", "０７０１０１", "0701", "99", None, "07010\u200b1", "０7Ａ"]

    assert reasons_of(layer, YDYHFLDM, given) == [
        "",
        "'０７０１０１' has full-width digits; expected a code of YDYH",
        "'0701' is not in the list; expected a code of YDYH: 070100, padded with zeros",
        "'99' is not in the list; expected a code of YDYH",
        "",
        "'07010\\u200b1' has unprintable characters; expected a code of YDYH",
        "'０7Ａ' has full-width digits; expected a code of YDYH",
    ]


def test_a_land_use_code_may_be_padded_with_zeros_to_six_digits_and_is_kept_as_given(
    layer: Layer,
) -> None:
    field = replace(YDYHFLDM, code_list=code_list("YDYH", "01", "10", "0701", "070101"))
    given = ["01", "010000", "100000", "0701", "070100", "070101"]

    assert values_of(with_fields(layer, BSM, field), field, given) == given
    for wrong in ("0100", "01000000", "020000", "070000"):
        (reason,) = reasons_of(with_fields(layer, BSM, field), field, [wrong])
        assert reason.startswith(f"'{wrong}' is not in the list")


def test_padding_is_for_land_use_codes_only(layer: Layer) -> None:
    field = replace(YDYHFLDM, code_list=code_list("QSXZ", "10", "20"))

    assert reasons_of(with_fields(layer, BSM, field), field, ["10", "100000"])[1] != ""


def test_full_width_digits_are_rejected_in_identities_and_regions_but_not_in_remarks(
    layer: Layer,
) -> None:
    assert reasons_of(layer, XZQDM, ["２２０１０２"]) == [
        "'２２０１０２' has full-width digits; expected text of at most 19 characters"
    ]
    assert reasons_of(layer, XZQDM, ["22010Ａ"]) == [
        "'22010Ａ' has full-width letters; expected text of at most 19 characters"
    ]
    assert values_of(layer, BZ, ["见第２页"]) == ["见第２页"]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ([1, -7, None], pa.int16()),
        ([1, -7, None], pa.int64()),
        ([1.0, -7.0, None], pa.float32()),
        (["1", " -7 ", ""], TEXT),
        (["+1", "-007", None], TEXT),
    ],
)
def test_whole_numbers_come_from_numbers_and_digits(
    layer: Layer, given: list[Any], kind: pa.DataType
) -> None:
    found = read(layer, CS, given, kind)

    assert found.rejected == {}
    assert found.columns["CS"].equals(pa.array([1, -7, None], pa.int32()))


def test_what_is_no_whole_number_is_told(layer: Layer) -> None:
    assert reasons_of(layer, CS, ["3.5", "１２", "abc", "9" * 18, "9" * 30]) == [
        "'3.5' is not a whole number; expected a whole number",
        "'１２' has full-width digits or letters; expected a whole number",
        "'abc' is not a whole number; expected a whole number",
        f"'{'9' * 18}' is beyond 32 bits; expected a whole number",
        f"'{'9' * 30}' is not a whole number; expected a whole number",
    ]
    assert reasons_of(layer, CS, [3.5, float("nan"), 1e30], NUMBER) == [
        "3.5 is not a whole number; expected a whole number",
        "nan is not a finite number; expected a whole number",
        "1e+30 is beyond 32 bits; expected a whole number",
    ]
    assert reasons_of(layer, CS, [2**31, -(2**63), 5], WHOLE)[2] == ""
    assert reasons_of(layer, CS, [2**64 - 1], pa.uint64()) != [""]


def test_numbers_that_are_none_or_out_of_bounds_are_rejected_with_the_bound(layer: Layer) -> None:
    given = [12.5, float("nan"), float("inf"), 0.0, -1.0, None, 1e14]

    assert reasons_of(layer, TBMJ, given, NUMBER) == [
        "",
        "nan is not a finite number; expected a number > 0",
        "inf is not a finite number; expected a number > 0",
        "0.0 is out of range; expected a number > 0",
        "-1.0 is out of range; expected a number > 0",
        "",
        "100000000000000.0 has more than 13 digits before the point; expected a number > 0",
    ]


def test_numbers_in_text_are_read_as_they_are_written_and_only_those(layer: Layer) -> None:
    assert values_of(layer, TBMJ, ["1", "+1.5", ".5", "2.", "1e3", ""]) == [
        1,
        1.5,
        0.5,
        2,
        1000,
        None,
    ]
    reasons = reasons_of(layer, TBMJ, ["1,5", "nan", "inf", "1e999", "１．５", "0x10"])
    assert all("expected a number > 0" in reason for reason in reasons)
    assert "full-width" in reasons[4]


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"minimum": 0.0}, [0.0, 1.0], [-0.1]),
        ({"exclusive_minimum": 0.0}, [0.1], [0.0]),
        ({"maximum": 1.0}, [1.0], [1.1]),
        ({"minimum": 0.0, "exclusive_maximum": 1.0}, [0.0, 0.99], [1.0, -1.0]),
    ],
)
def test_each_bound_holds_as_it_says(
    layer: Layer, bounds: dict[str, float], inside: list[float], outside: list[float]
) -> None:
    field = Field(code="XS", title=titled("系数"), type=FieldType.DECIMAL, **bounds)  # type: ignore[arg-type]
    some = with_fields(layer, BSM, field)

    assert values_of(some, field, inside) == inside
    assert all("is out of range" in reason for reason in reasons_of(some, field, outside))


@pytest.mark.parametrize(
    "given",
    [
        pa.array([date(2024, 2, 29)]),
        pa.array([datetime(2024, 2, 29, 23, 59)], pa.timestamp("ms")),
        pa.array(
            [datetime(2024, 2, 29, tzinfo=timezone(timedelta(hours=8)))],
            pa.timestamp("us", tz="+08:00"),
        ),
        pa.array([datetime(2024, 2, 29, tzinfo=UTC)], pa.timestamp("s", tz="UTC")),
        pa.array(["20240229"]),
        pa.array(["2024-02-29"]),
        pa.array(["2024/2/29"]),
        pa.array(["2024-02-29 00:00:00"]),
        pa.array(["2024年2月29日"]),
        pa.array([20240229]),
        pa.array([20240229.0]),
    ],
)
def test_a_day_is_read_however_it_is_written(layer: Layer, given: pa.Array) -> None:
    assert values_of(layer, RQ, given) == [date(2024, 2, 29)]


def test_a_day_that_is_none_is_rejected(layer: Layer) -> None:
    assert reasons_of(layer, RQ, ["2023-02-29", "20241301", "２０２４０１０１", "0"]) == [
        "'2023-02-29' is not a date; expected a date like 2024-12-31 or 20241231",
        "'20241301' is not a date; expected a date like 2024-12-31 or 20241231",
        "'２０２４０１０１' has full-width digits or letters; expected a date like 2024-12-31 or 20241231",
        "'0' is not a date; expected a date like 2024-12-31 or 20241231",
    ]
    beyond = pa.array([0, 2**30], pa.int32()).cast(pa.date32())
    assert reasons_of(layer, RQ, beyond)[1].startswith("a day beyond the years 1 to 9999")


@pytest.mark.parametrize(
    "given",
    [
        [True, False, None],
        [1, 0, None],
        ["是", "否", ""],
        ["TRUE", "false", None],
        [1.0, 0.0, None],
    ],
)
def test_truth_values_are_read_however_they_are_written(layer: Layer, given: list[Any]) -> None:
    assert values_of(layer, SF, given) == [True, False, None]
    assert reasons_of(layer, SF, ["ja"]) == ["'ja' is neither; expected true or false"]


def test_a_required_value_that_is_missing_is_told_once(layer: Layer) -> None:
    field = replace(TBMJ, required=True)

    assert reasons_of(with_fields(layer, BSM, field), field, [None, "abc", "1"]) == [
        "is missing; expected a number > 0",
        "'abc' is not a number; expected a number > 0",
        "",
    ]


def test_a_row_tells_everything_that_is_wrong_with_it(layer: Layer) -> None:
    columns = {
        "BSM": pa.array(["1", None]),
        "TBMJ": pa.array([1.0, -1.0]),
        "YDYHFLDM": pa.array(["010000", "x"]),
    }
    found = typed(layer, match_columns(layer, {c: a.type for c, a in columns.items()}), columns, 2)

    assert list(found.rejected) == [1]
    assert [reason.split(" ")[0] for reason in found.rejected[1]] == ["BSM", "YDYHFLDM", "TBMJ"]
    assert set(found.columns) == {field.code for field in FIELDS}
    assert all(len(values) == 2 for values in found.columns.values())


def test_identity_fields_are_joined_and_each_must_be_there(layer: Layer) -> None:
    layer = replace(layer, identity=("XZQDM", "BSM"))
    columns = {
        "XZQDM": pa.array(["220102", None, "2", "3"]),
        "BSM": pa.array(["1", "2", "x" * 250, "a\nb"]),
    }
    ids, reasons = identities(layer, Typed(columns=columns, rejected={}), None)

    assert ids[0].as_py() == "220102-1"
    assert reasons == {
        1: "the identity (XZQDM, BSM) is missing",
        2: "the identity is longer than 200 characters",
        3: "the identity '3-a\\nb' has unprintable characters",
    }


def test_a_geometry_that_is_the_identity_is_known_however_its_rings_are_drawn(
    layer: Layer,
) -> None:
    ring = [(0, 0), (1, 0), (1, 1), (0, 1)]
    shapes = np.array(
        [
            shapely.Polygon(ring),
            shapely.Polygon([*ring[2:], *ring[:2]]),
            shapely.Polygon(ring[::-1]),
            shapely.Polygon(ring[:3]),
            None,
        ],
        dtype=object,
    )
    ids, reasons = identities(replace(layer, identity=()), Typed(columns={}, rejected={}), shapes)
    first, turned, reversed_, other, missing = ids.to_pylist()

    assert first == turned == reversed_ != other
    assert len(first) == 32
    assert set(first) <= set("0123456789abcdef")
    assert missing is None
    assert reasons == {}


def test_region_codes_lose_their_padding_down_to_six_digits(layer: Layer) -> None:
    codes = {
        "220102000000": "220102",
        "220102": "220102",
        "220000": "220000",
        "220102003000": "220102003",
        "220102003": "220102003",
        "220102003004": "220102003004",
        "2201020030040000000": "220102003004",
        "22010200": None,
        "22010200300": None,
        "abc": None,
        "020102": None,
    }
    columns = {"XZQDM": pa.array([*codes, None])}
    found, reasons = region_codes(layer, Typed(columns=columns, rejected={}), len(codes) + 1)

    assert found.to_pylist() == [*codes.values(), None]
    assert list(reasons) == [7, 8, 9, 10]
    assert reasons[9] == "XZQDM 行政区代码: 'abc' is no division code of 6, 9 or 12 digits"


@pytest.mark.parametrize("region", ["overlap", "none"])
def test_a_region_that_no_field_gives_is_left_open(layer: Layer, region: str) -> None:
    found, reasons = region_codes(replace(layer, region=region), Typed(columns={}, rejected={}), 2)

    assert found.to_pylist() == [None, None]
    assert reasons == {}

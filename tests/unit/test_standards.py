"""The standard layers that come with the project: complete, linkable, honest about what is unsure."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from config.loader import load
from config.model import Catalogue, Specification
from config.settings import PACKAGE_ROOT
from config.vocabulary import DataKind, FieldType, GeometryKind

UNCONFIRMED = "unconfirmed"  # the version of a list whose official contents are not known
MAINTAINED = (
    *("GHFQ", "YDYHGHFQ", "ZXCQGHFQ", "ZXCQGHYDYH", "XZZTGNDW", "ZXCQCSLX", "ZXCQCSLVX"),
    *("ZXCQCSZX", "ZXCQCSHX", "HLFXKZX", "LSWHBHX"),
)
SURVEY = (
    *("CLKZD", "JZKZD", "XZQ", "XZQJX", "CJDCQ", "CJDCQJX", "DGX", "GCZJD", "PDT", "DLTB"),
    *("YJJBNTTB", "LSYD", "PZWJSTD", "CZCDYD", "GDDB", "ZYXMYD", "KFYQ", "GFBQ", "TTQ", "CCWJQ"),
    *("LMFW", "GJGY", "ZRBHQ", "SLGY", "SV_FJMSQ", "DZGY", "ZRYCBHQ", "SDGY", "YYSSYD"),
    *("SCZZBHQ", "QTJZKFQ", "SV_CZKFBJ", "SV_STBHHX"),
)
PROJECT = (
    *("XS_XMKJFW", "XS_BHYJJBNTFW", "YSXZ_XKPZXX", "ZZ_XMZDFW", "YG_XMYDFW", "GG_JZDTFW"),
    "HY_JZGCGHHSFW",
)
TABLES = ("GHZB", "ZBFJ", "YDJGTZ", "STBHZYXPJ", "NYSCSYXPJ")
OURS = ("XXGHDK", "XXGHDY", "PW", "GD", "HT", "ZD", "RKPCXJ", "JCJKXZM")
PLANNING_LAYERS = 139
PERSONAL = ("CFZR", "ZZRR", "ZRRZJHM", "ZRRMC", "LXDH", "JZDZ", "ZRSYX", "LXR")


@pytest.fixture(scope="module")
def declared() -> Catalogue:
    return load([PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue"])


@pytest.fixture(scope="module")
def specifications(declared: Catalogue) -> dict[str, Specification]:
    return dict(declared.specifications)


def maintenance() -> set[str]:
    return {f"{when}{base}" for when in ("WHQ", "WHC", "WHH") for base in MAINTAINED}


def planning(specifications: dict[str, Specification]) -> set[str]:
    return set(specifications) - maintenance() - {*SURVEY, *PROJECT, *TABLES, *OURS}


def test_every_specification_of_the_register_is_there(
    specifications: dict[str, Specification],
) -> None:
    assert len(SURVEY) == 33
    assert len(maintenance()) == 33
    assert {*maintenance(), *SURVEY, *PROJECT, *TABLES, *OURS} <= set(specifications)
    assert len(planning(specifications)) == PLANNING_LAYERS
    assert Counter(specifications[i].geometry.value for i in planning(specifications)) == {
        "polygon": 109,
        "point": 18,
        "line": 12,
    }


def test_one_file_holds_one_specification_and_is_named_after_it() -> None:
    for path in sorted((PACKAGE_ROOT / "standards" / "layers").glob("*.yaml")):
        entry = yaml.safe_load(path.read_text("utf-8"))
        assert path.stem == entry["id"].lower()


def test_titles_are_in_both_languages_and_tell_fields_apart(
    specifications: dict[str, Specification],
) -> None:
    for name, one in specifications.items():
        chinese = [f.title.zh for f in one.fields]
        english = [f.title.en for f in one.fields]
        assert len(set(chinese)) == len(chinese), name
        assert len(set(english)) == len(english), name
        assert all(title.isascii() or "–" in title for title in english), name
        assert one.title.en.isascii(), name
        assert not one.title.zh.isascii(), name


def test_no_two_specifications_have_the_same_title(
    specifications: dict[str, Specification],
) -> None:
    for language in ("zh", "en"):
        titles = Counter(one.title.in_language(language) for one in specifications.values())
        assert [title for title, times in titles.items() if times > 1] == []


def test_a_specification_needs_nothing_else_to_become_a_layer(
    declared: Catalogue, tmp_path: Path
) -> None:
    entries = [
        {"kind": "layer", "id": f"x_{name.lower()}", "specification": name}
        for name in declared.specifications
    ]
    (tmp_path / "layers.yaml").write_text(yaml.safe_dump_all(entries), "utf-8")

    layers = load([PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue", tmp_path]).layers

    assert len(layers) == len(declared.specifications)
    for layer in layers.values():
        assert layer.identity, layer.id
        assert layer.theme.id.startswith(f"{layer.specification.kind}."), layer.id
        required = {f.code for f in layer.fields if f.required}
        if layer.specification.id != "YJJBNTTB":  # its source states no constraints
            assert set(layer.identity) <= required, layer.id


def test_results_of_plans_want_their_plan_and_the_present_state_none(
    specifications: dict[str, Specification],
) -> None:
    for name, one in specifications.items():
        assert (one.plan == "required") == (one.kind is DataKind.PLANNING), name


def test_the_three_control_lines_are_met_in_small_pieces(
    specifications: dict[str, Specification],
) -> None:
    for name in ("YJJBNT", "YJJBNTBHHX", "STBHHX", "CZKFBJ", "YJJBNTTB", "SV_STBHHX", "SV_CZKFBJ"):
        assert specifications[name].subdivided, name
    for name, one in specifications.items():
        assert not one.subdivided or one.geometry is GeometryKind.POLYGON, name


def test_a_list_whose_official_codes_are_not_known_rejects_nothing(declared: Catalogue) -> None:
    unsure = {name for name, one in declared.code_lists.items() if one.version == UNCONFIRMED}
    assert {"ZTGN", "ZRBHDLX", "JB", "LDLX", "ZHLX", "FXDJ", "GGFWLX", "GKFQ", "GDFS"} <= unsure

    for one in declared.specifications.values():
        binding = {f.code_list.id for f in one.fields if f.code_list is not None}
        assert not binding & unsure, one.id
        # provinces number the elements differently, and divisions change over the years
        assert "YSDM" not in binding, one.id


def test_every_coded_field_s_list_is_declared_and_used_as_text(declared: Catalogue) -> None:
    for one in declared.specifications.values():
        for field in one.fields:
            if field.code_list is None:
                continue
            assert declared.code_lists[field.code_list.id] is field.code_list
            assert field.type is FieldType.TEXT
            if field.length is not None:
                longest = max(map(len, field.code_list.codes))
                assert longest <= field.length, (one.id, field.code)


def test_no_specification_has_room_for_personal_data(
    specifications: dict[str, Specification],
) -> None:
    for name, one in specifications.items():
        for field in one.fields:
            assert field.code not in PERSONAL, name
            assert not any(
                word in field.title.zh for word in ("证件", "电话", "联系人", "姓名", "权利人")
            ), (name, field.code)


def test_a_number_that_may_be_missing_may_be_zero(
    specifications: dict[str, Specification],
) -> None:
    # Shapefiles and file geodatabases write 0 where there is nothing
    for name, one in specifications.items():
        for field in one.fields:
            if not field.required:
                assert field.exclusive_minimum is None, (name, field.code)
                assert (field.minimum or 0) <= 0, (name, field.code)


def test_bounds_and_decimals_stand_on_numbers_only(
    specifications: dict[str, Specification],
) -> None:
    for name, one in specifications.items():
        for field in one.fields:
            bounds = (field.minimum, field.exclusive_minimum, field.maximum)
            if field.type not in (FieldType.DECIMAL, FieldType.INTEGER):
                assert bounds == (None, None, None), (name, field.code)
                assert field.unit is None, (name, field.code)
            if field.type is not FieldType.DECIMAL:
                assert field.decimals is None, (name, field.code)
            if field.type is not FieldType.TEXT:
                assert field.length is None, (name, field.code)


def test_the_classes_of_land_are_complete(declared: Catalogue) -> None:
    use = declared.code_lists["YDYH"]
    level = Counter(
        1 if code.endswith("0000") else 2 if code.endswith("00") else 3 for code in use.codes
    )

    assert use.version == "2023"
    assert level == {1: 24, 2: 111, 3: 40}
    assert len(declared.code_lists["DLBM"].codes) == 69
    assert len(declared.code_lists["GHFQ"].codes) == 28


def test_codes_that_changed_their_meaning_are_kept_apart_by_edition(declared: Catalogue) -> None:
    now, before = declared.code_lists["YDYH"].codes, declared.code_lists["YDYH_2020"].codes

    assert now["020400"].zh == "油料园地"
    assert before["020400"].zh == "其他园地（2023年版：020500 其他园地）"
    assert len(before) == 13


def test_every_source_says_whose_work_it_is(specifications: dict[str, Specification]) -> None:
    words = ("本项目", "本系统", "《市级国土空间总体规划数据库规范（试行）》")
    for name, one in specifications.items():
        assert any(word in one.source.zh for word in words), name

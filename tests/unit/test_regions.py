"""Codes over the years, and what a file of divisions says."""

import gzip
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from config.vocabulary import AdminLevel, RegionCode, Text
from providers.region_change_files import read_changes
from providers.region_changes import Change, ChangeKind, heirs, predecessors, successors
from providers.region_files import RegionColumns, plain_code, read_regions, regions_of
from providers.region_lookup import Known
from providers.regions import RegionRefused, UnitCode, region_code

DATA = Path(__file__).parent.parent / "data" / "regions"
TODAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def changes() -> tuple[Change, ...]:
    return read_changes(DATA / "code_changes.csv").changes


def test_a_recoding_is_followed_from_the_day_of_the_data(changes: tuple[Change, ...]) -> None:
    """公主岭市 was 220319, 229001 and 220381, and is 220184 since 2020."""
    start = date(2010, 11, 1)

    assert successors(changes, "220381", since=start, until=TODAY) == ("220184",)
    assert successors(changes, "220381", since=start, until=date(2020, 11, 1)) == ("220184",)
    assert successors(changes, "220381", since=start, until=date(2019, 12, 31)) == ("220381",)
    assert successors(changes, "229001", since=date(1990, 1, 1), until=TODAY) == ("220184",)
    assert successors(changes, "229001", since=date(1990, 1, 1), until=start) == ("220381",)
    assert successors(changes, "220184", since=start, until=TODAY) == ("220184",)


def test_what_a_code_was_before_is_followed_backward(changes: tuple[Change, ...]) -> None:
    before_2000 = predecessors(changes, "220381", until=date(2000, 1, 1))

    assert before_2000 == ("220319", "229001")
    assert set(predecessors(changes, "220184", until=TODAY)) >= {"220381", "229001", "220319"}
    assert predecessors(changes, "220319", until=TODAY) == ()


def test_a_code_given_to_another_division_leads_nowhere_of_its_own(
    changes: tuple[Change, ...],
) -> None:
    """142121 was 大同县 until 1982, then 阳高县, which is 140221 since 1993."""
    assert successors(changes, "142121", since=date(1981, 1, 1), until=TODAY) == ()
    assert successors(changes, "142121", since=date(1990, 1, 1), until=TODAY) == ("140221",)


def test_two_divisions_that_become_one_are_merged_and_not_recoded(
    changes: tuple[Change, ...],
) -> None:
    kinds = {(c.old, c.new): c.kind for c in changes}

    assert kinds["500105", "500157"] is ChangeKind.MERGED
    assert kinds["220381", "220184"] is ChangeKind.RECODED
    assert kinds[None, "500157"] is ChangeKind.ESTABLISHED
    assert kinds["142121", "142121"] is ChangeKind.REASSIGNED


def a_change(kind: ChangeKind, old: str, new: str | None, year: int) -> Change:
    return Change(old=old, new=new, earliest=date(year, 1, 1), latest=date(year, 12, 31), kind=kind)


def test_a_grant_goes_on_to_where_the_land_is_all_its_own() -> None:
    recoded = a_change(ChangeKind.RECODED, "111111", "222222", 2000)
    merged = a_change(ChangeKind.MERGED, "333333", "222222", 2010)
    split = [a_change(ChangeKind.SPLIT, "222222", new, 2020) for new in ("444444", "555555")]

    found = heirs([recoded, merged, *split], {})

    assert [(h.code, h.within_old) for h in found["111111"]] == [("444444", True), ("555555", True)]
    assert [(h.code, h.within_old) for h in found["333333"]] == [
        ("444444", False),
        ("555555", False),
    ]


@pytest.mark.parametrize("again", ["registered", "reassigned", "recoded to it"])
def test_a_code_that_is_used_again_has_no_heirs(again: str) -> None:
    """Or the new holder's grant would open the old division's land to it."""
    recoded = a_change(ChangeKind.RECODED, "111111", "222222", 2000)
    later = {
        "registered": [],
        "reassigned": [a_change(ChangeKind.REASSIGNED, "111111", "111111", 2000)],
        "recoded to it": [a_change(ChangeKind.RECODED, "333333", "111111", 2005)],
    }[again]
    used = {"111111": date.max} if again == "registered" else {}

    assert "111111" in heirs([recoded], {})
    assert "111111" not in heirs([recoded, *later], used)


def test_two_codes_that_are_exchanged_in_one_year_are_followed_once() -> None:
    swap = [
        a_change(ChangeKind.RECODED, "111111", "222222", 2004),
        a_change(ChangeKind.RECODED, "222222", "111111", 2004),
    ]
    since, until = date(2000, 1, 1), date(2010, 1, 1)

    assert successors(swap, "111111", since=since, until=until) == ("222222",)
    assert successors(swap, "222222", since=since, until=until) == ("111111",)
    assert heirs(swap, {}) == {}
    assert predecessors(swap, "111111", until=until) == ("222222",)


def test_rows_that_name_no_code_are_counted_and_a_strange_word_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "changes.csv"
    path.write_text("year,type,old_code,new_code\n2000,漂移,110101,110102\nMM,撤销,110101,\n")

    assert read_changes(DATA / "code_changes.csv").without_code == 4
    with pytest.raises(RegionRefused, match=r"(?s)row 1: the type '漂移'.*row 2: the year 'MM'"):
        read_changes(path)


def test_codes_lose_the_zeros_that_pad_them_and_no_others() -> None:
    assert plain_code("220102000000") == "220102"
    assert plain_code("220102001000") == "220102001"
    assert plain_code("220102001001") == "220102001001"
    assert plain_code("220000") == "220000"
    assert plain_code("350527000") == "350527000"
    assert (plain_code("22"), plain_code("2201")) == ("220000", "220100")


def test_a_unit_has_a_code_of_its_own_form() -> None:
    assert region_code("FJ01") == UnitCode("FJ01")
    assert region_code("220171") == RegionCode("220171")
    for wrong in ("fj01", "F", "２２０１７１", "22017"):
        with pytest.raises(ValueError, match="expected"):
            region_code(wrong)


def test_a_list_packed_with_gzip_is_read_with_its_levels_and_parents() -> None:
    towns = read_regions(DATA / "townships.csv.gz")
    columns = RegionColumns(parents=("areaCode", "cityCode"))
    lifting = read_regions(DATA / "townships.csv.gz", columns=columns)

    assert {row.level for row in towns} == {AdminLevel.TOWN}
    assert {row.parents for row in towns} == {("220171",), ("220184",)}
    assert {row.parents for row in lifting} == {("220171", "220100"), ("220184", "220100")}


def test_a_parent_that_is_not_registered_is_passed_only_where_the_file_names_another() -> None:
    known = {"220184": Known(name=Text(zh="公主岭市", en="x"), parent="220100")}
    known["220100"] = Known(name=Text(zh="长春市", en="Changchun"), parent=None)
    one, two = RegionColumns(), RegionColumns(parents=("areaCode", "cityCode"))

    kept, none = regions_of(read_regions(DATA / "townships.csv.gz", columns=one), known, TODAY)
    moved, lifted = regions_of(read_regions(DATA / "townships.csv.gz", columns=two), known, TODAY)

    assert {r.parent.value for r in kept if r.parent} == {"220171", "220184"}
    assert not none
    assert {r.parent.value for r in moved if r.parent} == {"220100", "220184"}
    assert set(lifted) == {"220171"}


def test_a_list_in_chinese_keeps_the_english_name(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("code,name\n220100,长春市\n220200,吉林市\n")
    known = {"220100": Known(name=Text(zh="长春市", en="Changchun"), parent=None)}

    found, _ = regions_of(read_regions(path), known, TODAY)

    assert [region.name.en for region in found] == ["Changchun", "吉林市"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code,name\n22010,x\n", "row 1: region code '22010'"),
        ("code,name\n２２０１００,x\n", "row 1: region code"),
        ("code,name\n220100,\n", "row 1: 220100: a name has 1 to 200"),
        ("place,name\n220100,x\n", "say with --code-column"),
        ("code\n220100\n", "Neither the file nor the register has names: 220100"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_its_rows(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)

    with pytest.raises(RegionRefused, match=said):
        regions_of(read_regions(path), {}, TODAY)


def test_codes_held_as_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pa.parquet.write_table(pa.table({"code": [220100], "name": ["长春市"]}), path)

    with pytest.raises(RegionRefused, match="code holds int64; codes and names are text"):
        read_regions(path)


def test_a_packed_file_that_unpacks_without_end_or_is_cut_off_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.region_files.MAX_UNPACKED_BYTES", 1_000_000)
    bomb, cut = tmp_path / "bomb.csv.gz", tmp_path / "cut.csv.gz"
    bomb.write_bytes(gzip.compress(b"code,name\n" + b"0" * 10_000_000))
    cut.write_bytes((DATA / "townships.csv.gz").read_bytes()[:300])

    with pytest.raises(RegionRefused, match="unpacks to more than 1,000,000 bytes"):
        read_regions(bomb)
    with pytest.raises(RegionRefused, match="cannot be unpacked"):
        read_regions(cut)

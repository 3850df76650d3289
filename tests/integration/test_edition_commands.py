"""`onemap editions`, `revisions`, `diff` and `rollback` as an operator types them."""

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.model import Catalogue
from config.vocabulary import EditionKey, LayerId
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import load_edition, load_file
from processes.workflows.load_request import LoadRequest
from providers.database import DatabaseRole, connect
from providers.editions import edition_now
from providers.revisions import Revision
from server.__main__ import main

LAYER, KEY = LayerId("land_use"), EditionKey("2024")
type Loader = Callable[..., Revision]


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


type Run = Callable[..., Done]


@pytest.fixture
def run(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """One command with the demo's catalogue."""
    monkeypatch.setenv("ONEMAP_DATABASE_URL", database_url)
    monkeypatch.setenv("ONEMAP_CATALOGUE", "demo")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def onemap(*arguments: str) -> Done:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    yield onemap
    for number, handler in handlers.items():
        signal.signal(number, handler)


def refused(done: Done, says: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def table_of(done: Done) -> list[dict[str, str]]:
    head, *lines = done.stdout.splitlines()
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


@pytest.fixture
def three_revisions(load_squares: Loader) -> None:
    """An edition: two squares, then three of which one has changed, then two again."""
    codes = ["010100", "020100", "030100"]
    load_squares(LAYER, KEY, ["1", "2"], columns={"YDYHFLDM": codes[:2]})
    load_squares(LAYER, KEY, ["1", "2", "3"], columns={"YDYHFLDM": [codes[2], *codes[1:]]})
    load_squares(LAYER, KEY, ["1", "3"], columns={"YDYHFLDM": [codes[2], codes[2]]})


def test_what_is_loaded_is_listed_by_layer(
    three_revisions: None, load_squares: Loader, run: Run
) -> None:
    load_squares("ecological_redline", "a", ["1"])

    assert [row["layer"] for row in table_of(run("editions"))] == ["ecological_redline", "land_use"]
    (only,) = json.loads(run("editions", "land_use", "--json").stdout)
    assert only == {
        "layer": "land_use",
        "edition": "2024",
        "title": "2024",
        "status": "in_force",
        "issuer": "above",
        "validFrom": "2023-01-01",
        "validTo": None,
        "revision": 3,
        "features": 2,
    }
    empty = run("editions", "census_2020")
    assert (empty.returncode, empty.stdout) == (0, "no edition is loaded\n")
    refused(run("editions", "no_such"), "no layer 'no_such'")


def test_revisions_say_the_file_the_author_and_why(
    database_url: str,
    catalogue: Catalogue,
    make_squares: Callable[..., FeatureTable],
    tmp_path: Path,
    run: Run,
) -> None:
    layer, path = catalogue.layers[LAYER], tmp_path / "图斑.gpkg"
    make_squares(layer, ["1", "2"]).of(layer).write(path, layer)
    note = "county's\tsecond\nfile"
    request = LoadRequest(layer=layer, edition=KEY, path=path, author="王芳", note=note)
    load_file(database_url, request)

    (row,) = table_of(run("revisions", "land_use"))
    (same,) = json.loads(run("revisions", "land_use.2024", "--json").stdout)

    assert (row["file"], row["author"], row["note"]) == (
        "图斑.gpkg",
        "王芳",
        "county's second file",
    )
    assert (row["revision"], row["kind"], row["added"]) == ("1", "load", "2")
    assert same["note"] == note
    assert list(same) == list(row)
    assert list(row) == [
        *("layer", "edition", "revision", "kind", "recorded", "author"),
        *("features", "added", "changed", "removed", "file", "note"),
    ]
    refused(run("revisions", "land_use.2023"), "no edition land_use.2023")
    refused(run("revisions", "no_such"), "no layer 'no_such'")


def test_a_difference_is_told_to_people_and_to_machines(three_revisions: None, run: Run) -> None:
    told = run("diff", "land_use.2024@1", "land_use.2024@2")
    found = json.loads(run("diff", "land_use.2024@1", "land_use.2024@2", "--json").stdout)

    assert told.returncode == 0
    assert "land_use.2024@1 -> land_use.2024@2" in told.stdout
    assert "1 added, 1 changed, 0 removed" in told.stdout
    assert "0.0000 ha lost" in told.stdout
    assert "010100 水田 -> 030100" in told.stdout
    assert list(found) == [
        *("before", "after", "features", "fields", "lostM2", "gainedM2"),
        *("classField", "classes", "transitions", "listed"),
    ]
    assert found["before"] == {"layer": "land_use", "edition": "2024", "revision": 1}
    assert found["features"] == {"added": 1, "changed": 1, "removed": 0}
    assert found["fields"] == {"YDYHFLDM": 1}
    assert found["classField"] == "YDYHFLDM"
    first = found["classes"][0]
    assert (first["code"], first["title"]) == ("010100", "水田")
    assert first["before"]["features"] == 1
    assert first["after"] == {"features": 0, "areaM2": 0.0}
    area = pytest.approx(905_788, abs=2)
    assert found["transitions"] == [
        {
            "before": "010100",
            "after": "030100",
            "features": 1,
            "beforeM2": area,
            "afterM2": area,
        }
    ]
    assert found["listed"] == [
        {"id": "1", "act": "changed", "fields": ["YDYHFLDM"], "beforeM2": area, "afterM2": area},
        {"id": "3", "act": "added", "fields": [], "beforeM2": None, "afterM2": area},
    ]
    assert (found["lostM2"], found["gainedM2"]) == (0, area)


def test_a_state_is_named_by_revision_by_moment_or_as_it_stands(
    three_revisions: None, run: Run
) -> None:
    moments = [row["recorded"] for row in json.loads(run("revisions", "land_use", "--json").stdout)]
    second = moments[1]  # the newest comes first

    def compared(before: str, after: str) -> tuple[int, int]:
        done = run("diff", before, after, "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        return found["before"]["revision"], found["after"]["revision"]

    assert compared("land_use.2024@1", "land_use.2024") == (1, 3)
    assert compared(f"land_use.2024@{second}", "land_use.2024@2999-12-31") == (2, 3)
    assert compared(f"land_use.2024@{second[:26]}", "land_use.2024@3") == (2, 3)  # China's time


def test_states_that_are_not_recorded_are_refused_with_a_sentence(
    three_revisions: None, load_squares: Loader, run: Run
) -> None:
    load_squares("ecological_redline", "a", ["1"])
    now = "land_use.2024"

    refused(run("diff", "land_use", now), "expected LAYER.EDITION")
    refused(run("diff", "land_use.2024@", now), "neither a revision's number nor a time")
    refused(run("diff", "land_use.2024@last", now), "neither a revision's number nor a time")
    refused(run("diff", "land_use.2024@4", now), "has no revision 4; its newest is 3")
    refused(run("diff", "land_use.2024@99999999999", now), "neither a revision's number")
    refused(run("diff", now, "land_use.2024@2000-01-01"), "its first revision is of 20")
    refused(run("diff", "land_use.2023", now), "no edition land_use.2023")
    refused(run("diff", "no_such.2023", now), "no layer 'no_such'")
    refused(run("diff", now, "ecological_redline.a"), "two layers")
    refused(run("diff", now, now, "--by", "NO"), "no field 'NO'; it has BSM")


def test_a_diff_writes_nothing(three_revisions: None, database_url: str, run: Run) -> None:
    tables = "SELECT count(*) FROM pg_class WHERE relname IN ('differing', 'shapes_a', 'shapes_b')"

    assert run("diff", "land_use.2024@1", "land_use.2024").returncode == 0

    with psycopg.connect(database_url) as connection:
        assert connection.execute(tables).fetchone() == (0,)
        assert connection.execute("SELECT max(number) FROM onemap.revision").fetchone() == (3,)


@pytest.fixture
def local(three_revisions: None, database_url: str, catalogue: Catalogue) -> None:
    """The edition is nobody's issued copy."""
    with connect(database_url, DatabaseRole.WRITER) as connection:
        connection.execute("UPDATE onemap.edition SET issuer = 'own'")
    with connect(database_url, DatabaseRole.OWNER) as connection:
        connection.execute("UPDATE onemap.revision SET issuer = 'own'")


def test_a_rollback_is_a_revision_and_says_what_it_did(
    local: None, database_url: str, run: Run
) -> None:
    done = run("rollback", "land_use.2024", "--to", "1", "--author", "李明", "--note", "录入有误")

    assert (done.returncode, done.stderr) == (0, "")
    assert "at revision 4, as revision 1 was: 1 added, 1 changed, 1 removed" in done.stdout
    row = table_of(run("revisions", "land_use.2024"))[0]
    assert (row["revision"], row["kind"]) == ("4", "rollback")
    assert (row["author"], row["note"]) == ("李明", "录入有误")
    same = json.loads(run("diff", "land_use.2024@1", "land_use.2024", "--json").stdout)
    assert same["features"] == {"added": 0, "changed": 0, "removed": 0}
    for number in ("1", "4"):
        again = run("rollback", "land_use.2024", "--to", number)
        assert again.returncode == 0
        assert f"says what revision {number} says already" in again.stdout
    assert table_of(run("revisions", "land_use.2024"))[0]["revision"] == "4"


def test_a_fact_that_is_taken_back_is_a_revision_without_rows(
    local: None,
    database_url: str,
    make_squares: Callable[..., FeatureTable],
    catalogue: Catalogue,
    run: Run,
) -> None:
    layer = catalogue.layers[LAYER]
    with connect(database_url, DatabaseRole.READER) as connection:
        held = edition_now(connection, LAYER, KEY)
    assert held is not None
    codes: dict[str, list[Any]] = {"YDYHFLDM": ["030100", "030100"]}
    rows = make_squares(layer, ["1", "3"], columns=codes).of(layer)
    renamed = replace(held, document="another")
    load_edition(database_url, layer, renamed, rows, author="t", note="")

    done = run("rollback", "land_use.2024", "--to", "3")

    assert "at revision 5" in done.stdout
    with connect(database_url, DatabaseRole.READER) as connection:
        assert edition_now(connection, LAYER, KEY) == held


def test_a_rollback_of_what_is_not_there_or_locked_is_refused_and_changes_nothing(
    three_revisions: None, database_url: str, run: Run
) -> None:
    refused(run("rollback", "land_use.2024", "--to", "9"), "no revision 9; its newest is 3")
    refused(run("rollback", "land_use.2023", "--to", "1"), "no edition land_use.2023")
    refused(run("rollback", "land_use", "--to", "1"), "expected LAYER.EDITION")
    refused(run("rollback", "land_use.2024", "--to", "1"), "issued copy (下发版) and locked")
    with connect(database_url, DatabaseRole.READER) as connection:
        tables = "SELECT to_regclass('planning.land_use__2023')"
        assert connection.execute(tables).fetchone() == (None,)
        revision = "SELECT max(number) FROM onemap.revision"
        assert connection.execute(revision).fetchone() == (3,)

    taken_back = run("rollback", "land_use.2024", "--to", "1", "--issued-from-above")
    assert "at revision 4" in taken_back.stdout
    with connect(database_url, DatabaseRole.READER) as connection:
        held = edition_now(connection, LAYER, KEY)
    assert held is not None
    assert held.issuer == "above"

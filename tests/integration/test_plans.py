"""The plan register: what is recorded, who sees it, and what is in force on a day."""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import psycopg
import pytest
import shapely
import uvicorn
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from config.model import Catalogue
from config.settings import Settings
from config.vocabulary import (
    AdminLevel,
    Classification,
    PlanLevel,
    PlanState,
    PlanType,
    RegionCode,
    Text,
)
from providers.access import ALL, Scope
from providers.database import DatabaseRole, connect, connection_options
from providers.plan_records import Plan, PlanQuery
from providers.plan_states import PlanRefused
from providers.plans import known_plans, list_plans, plan_chain, plan_events, plans_in_force
from providers.regions import Region, put_regions
from server import plan_commands
from server.app import create_app

EVERYTHING = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL)
INTERNAL = replace(EVERYTHING, ceiling=Classification.INTERNAL)
PUBLIC = replace(EVERYTHING, ceiling=Classification.PUBLIC)
CITY = shapely.MultiPolygon([shapely.box(125, 43, 126, 44)])
type Command = Callable[..., str]


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    with connect(database_url, DatabaseRole.OWNER) as connection:
        put_regions(
            connection,
            [
                region("220100", None, AdminLevel.CITY, CITY),
                region("220102", "220100", AdminLevel.COUNTY, None),
                region("220104", "220100", AdminLevel.COUNTY, None),
            ],
        )
    return Settings(home=tmp_path, store=tmp_path / "store", database_url=database_url)


def region(
    code: str, parent: str | None, level: AdminLevel, polygon: shapely.MultiPolygon | None
) -> Region:
    return Region(
        code=RegionCode(code),
        parent=RegionCode(parent) if parent else None,
        level=level,
        name=Text(zh=code, en=code),
        valid_from=date(2020, 1, 1),
        polygon=polygon,
    )


@pytest.fixture
def plan(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Command:
    """`onemap plan …`, and what it prints."""

    def run(*words: str) -> str:
        parser = argparse.ArgumentParser()
        plan_commands.add_verbs(parser.add_subparsers())
        given = parser.parse_args(["plan", *words])
        capsys.readouterr()
        assert given.run(settings, given) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def new(plan: Command) -> Callable[..., None]:
    def add(name: str, *more: str, classification: str = "public") -> None:
        plan(
            "add", name, "--title", f"规划{name}", "--title-en", f"Plan {name}", "--level", "city",
            "--type", "master", "--region", "220100", "--classification", classification,
            "--person", "张三", *more,
        )  # fmt: skip

    return add


@pytest.fixture
def advance(plan: Command) -> Callable[..., str]:
    def run(name: str, act: str, *more: str) -> str:
        return plan("advance", name, act, "--person", "李四", "--reason", "会议纪要", *more)

    return run


@pytest.fixture
def approved(new: Callable[..., None], advance: Callable[..., str]) -> Callable[..., None]:
    """A plan that has been approved on a day."""

    def make(name: str, day: str, **options: Any) -> None:
        new(name, **options)
        advance(name, "notify")
        advance(name, "submit")
        advance(name, "approve", "--basis", f"国函〔{day[:4]}〕{name}号", "--date", day)

    return make


def in_force(url: str, day: date, scope: Scope = EVERYTHING) -> list[str]:
    with connect(url, DatabaseRole.READER) as connection:
        return [each.id for each in plans_in_force(connection, day, scope)]


def reading[T](url: str, read: Callable[[AsyncConnection[TupleRow]], Any]) -> Any:
    async def run() -> Any:
        options = connection_options(DatabaseRole.READER)
        async with await AsyncConnection.connect(url, **options) as connection:
            return await read(connection)

    return asyncio.run(run())


def ids(url: str, scope: Scope) -> list[str]:
    plans, total = reading(url, lambda c: list_plans(c, PlanQuery(), scope))
    assert total == len(plans)
    return [each.id for each in plans]


def test_a_plan_goes_from_drafting_into_force_and_leaves_its_trace(
    plan: Command, approved: Callable[..., None], advance: Callable[..., str]
) -> None:
    approved("a", "2023-06-01")
    assert advance("a", "start", "--date", "2023-07-01") == "a\tin_force\n"

    shown = json.loads(plan("show", "a", "--json"))

    assert (shown["state"], shown["basis"], shown["approved_on"], shown["in_force_from"]) == (
        "in_force", "国函〔2023〕a号", "2023-06-01", "2023-07-01",
    )  # fmt: skip
    assert [(e["number"], e["act"], e["before"], e["after"]) for e in shown["events"]] == [
        (1, "register", None, "drafting"),
        (2, "notify", "drafting", "public_notice"),
        (3, "submit", "public_notice", "submitted"),
        (4, "approve", "submitted", "approved"),
        (5, "start", "approved", "in_force"),
    ]
    assert {e["person"] for e in shown["events"]} == {"张三", "李四"}
    assert shown["events"][3]["document"] == "国函〔2023〕a号"


def test_an_act_that_may_not_follow_is_refused_and_leaves_no_trace(
    plan: Command, new: Callable[..., None], advance: Callable[..., str]
) -> None:
    new("a")

    with pytest.raises(PlanRefused, match="cannot approve; possible: notify"):
        advance("a", "approve", "--basis", "1", "--date", "2023-01-01")

    assert len(json.loads(plan("show", "a", "--json"))["events"]) == 1


@pytest.mark.parametrize(
    ("act", "more", "says"),
    [
        ("start", ("--date", "2023-05-31"), "before its approval"),
        ("start", (), "--date"),
    ],
)
def test_a_start_has_a_date_and_does_not_come_before_the_approval(
    approved: Callable[..., None],
    advance: Callable[..., str],
    act: str,
    more: tuple[str, ...],
    says: str,
) -> None:
    approved("a", "2023-06-01")

    with pytest.raises(PlanRefused, match=says):
        advance("a", act, *more)


def test_an_approval_is_not_dated_in_the_future(
    new: Callable[..., None], advance: Callable[..., str]
) -> None:
    new("a")
    advance("a", "notify")
    advance("a", "submit")

    with pytest.raises(PlanRefused, match="still to come"):
        advance("a", "approve", "--basis", "1", "--date", "2199-01-01")


def test_a_plan_that_is_being_amended_stays_in_force_and_keeps_its_own_approval(
    settings: Settings, plan: Command, approved: Callable[..., None], advance: Callable[..., str]
) -> None:
    approved("a", "2023-06-01")
    advance("a", "start", "--date", "2023-07-01")
    advance("a", "amend")
    assert in_force(str(settings.database_url), date(2024, 1, 1)) == ["a"]

    advance("a", "adopt", "--basis", "市府〔2024〕2号", "--date", "2024-02-01")

    shown = json.loads(plan("show", "a", "--json"))
    assert (shown["state"], shown["basis"]) == ("in_force", "国函〔2023〕a号")
    assert shown["events"][-1]["document"] == "市府〔2024〕2号"


def test_a_superseding_plan_that_comes_into_force_ends_the_superseded_one_the_day_before(
    settings: Settings, plan: Command, approved: Callable[..., None], advance: Callable[..., str]
) -> None:
    url = str(settings.database_url)
    approved("old", "2012-01-01")
    advance("old", "start", "--date", "2012-02-01")
    approved("new", "2024-03-01")
    plan("link", "new", "supersedes", "old", "--person", "王五")
    assert in_force(url, date(2024, 6, 1)) == ["old"]

    advance("new", "start", "--date", "2024-04-01")

    old = json.loads(plan("show", "old", "--json"))
    assert (old["state"], old["in_force_to"]) == ("repealed", "2024-03-31")
    assert old["events"][-1]["act"] == "supersede"
    assert "new" in old["events"][-1]["reason"]
    assert in_force(url, date(2024, 3, 31)) == ["old"]
    assert in_force(url, date(2024, 4, 1)) == ["new"]
    assert in_force(url, date(2011, 1, 1)) == []


def test_a_start_whose_predecessor_cannot_end_changes_nothing(
    settings: Settings, plan: Command, approved: Callable[..., None], advance: Callable[..., str]
) -> None:
    approved("old", "2012-01-01")
    advance("old", "start", "--date", "2024-04-01")
    approved("new", "2024-03-01")
    plan("link", "new", "supersedes", "old")

    with pytest.raises(PlanRefused, match="must be a later one"):
        advance("new", "start", "--date", "2024-04-01")

    assert json.loads(plan("show", "new", "--json"))["state"] == "approved"
    assert in_force(str(settings.database_url), date(2024, 4, 1)) == ["old"]


def test_what_a_plan_in_force_is_later_said_to_supersede_ends_at_once(
    plan: Command, approved: Callable[..., None], advance: Callable[..., str]
) -> None:
    for name, day in (("old", "2012-01-01"), ("new", "2024-03-01")):
        approved(name, day)
        advance(name, "start", "--date", day)

    plan("link", "new", "supersedes", "old")

    old = json.loads(plan("show", "old", "--json"))
    assert (old["state"], old["in_force_to"]) == ("repealed", "2024-02-29")


def test_a_repealed_plan_was_in_force_until_the_day_before(
    settings: Settings, approved: Callable[..., None], advance: Callable[..., str]
) -> None:
    approved("a", "2020-01-01")
    advance("a", "start", "--date", "2020-02-01")
    advance("a", "repeal", "--date", "2022-01-01")

    assert in_force(str(settings.database_url), date(2021, 12, 31)) == ["a"]
    assert in_force(str(settings.database_url), date(2022, 1, 1)) == []


def test_a_chain_has_no_circle_and_no_plan_follows_itself(
    plan: Command, new: Callable[..., None]
) -> None:
    for name in "abc":
        new(name)
    plan("link", "b", "amends", "a")
    plan("link", "c", "corrects", "b")

    with pytest.raises(PlanRefused, match="leads back"):
        plan("link", "a", "supersedes", "c")
    with pytest.raises(PlanRefused, match="itself"):
        plan("link", "a", "amends", "a")
    with pytest.raises(PlanRefused, match="already"):
        plan("link", "b", "corrects", "a")
    with pytest.raises(PlanRefused, match="no plan 'nowhere'"):
        plan("link", "a", "amends", "nowhere")
    assert len(json.loads(plan("show", "a", "--json"))["chain"]) == 2


def test_the_database_keeps_the_trace_from_the_writer(
    settings: Settings, new: Callable[..., None]
) -> None:
    new("a")
    for statement in (
        "UPDATE onemap.plan_event SET person = 'x'",
        "DELETE FROM onemap.plan_event",
        "TRUNCATE onemap.plan_event",
        "DELETE FROM onemap.plan",
        "DELETE FROM onemap.plan_link",
    ):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            connect(str(settings.database_url), DatabaseRole.WRITER) as connection,
        ):
            connection.execute(statement)


def test_a_draft_is_an_internal_matter_and_a_higher_class_is_not_seen(
    settings: Settings, new: Callable[..., None], approved: Callable[..., None]
) -> None:
    url = str(settings.database_url)
    new("draft")
    approved("open", "2023-01-01")
    approved("inner", "2023-01-01", classification="internal")
    approved("hidden", "2023-01-01", classification="secret")

    assert ids(url, PUBLIC) == ["open"]
    assert ids(url, INTERNAL) == ["draft", "inner", "open"]
    assert ids(url, EVERYTHING) == ["draft", "hidden", "inner", "open"]
    assert reading(url, lambda c: plan_events(c, "hidden", INTERNAL)) == []


def test_what_is_not_open_to_all_is_seen_in_its_own_region_and_beneath_it(
    settings: Settings, new: Callable[..., None], plan: Command
) -> None:
    url = str(settings.database_url)
    new("city", classification="internal")
    for code in ("220102", "220104"):
        plan(
            "add", f"county-{code}", "--title", "县", "--title-en", "County", "--level", "county",
            "--type", "master", "--region", code, "--person", "张三",
        )  # fmt: skip

    assert ids(url, replace(INTERNAL, regions=("220102",))) == ["city", "county-220102"]
    assert ids(url, replace(INTERNAL, regions=())) == []
    assert len(ids(url, replace(INTERNAL, regions=("220100", "220102", "220104")))) == 3


def test_the_chain_stops_at_what_the_caller_may_not_see(
    settings: Settings, new: Callable[..., None], approved: Callable[..., None], plan: Command
) -> None:
    url = str(settings.database_url)
    for name in "abd":
        approved(name, "2023-01-01")
    new("c")
    for later, earlier in ("ba", "cb", "dc"):
        plan("link", later, "amends", earlier)

    def chain(scope: Scope) -> list[tuple[str, str]]:
        found = reading(url, lambda c: plan_chain(c, "a", scope))
        return [(each.plan, each.other) for each in found]

    assert chain(PUBLIC) == [("b", "a")]
    assert chain(INTERNAL) == [("b", "a"), ("c", "b"), ("d", "c")]


def test_an_extent_is_that_of_a_region_or_of_a_file(
    settings: Settings, new: Callable[..., None], plan: Command, tmp_path: Path
) -> None:
    file = tmp_path / "extent.geojson"
    square = shapely.geometry.mapping(shapely.box(125, 43, 125.5, 43.5))
    file.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": square}))
    new("region", "--extent", "220100")
    new("file", "--extent", str(file))
    new("none")

    shown = {name: json.loads(plan("show", name, "--json")) for name in ("region", "file", "none")}

    assert shown["region"]["extent"] == [125, 43, 126, 44]
    assert shown["file"]["extent"] == [125, 43, 125.5, 43.5]
    assert shown["none"]["extent"] is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))", "invalid"),
        ("POLYGON ((400000 4800000, 400001 4800000, 400001 4800001, 400000 4800000))", "latitude"),
        ("POINT (1 1)", "polygons"),
        ("POLYGON EMPTY", "polygons|latitude"),
        ("规划", "neither"),
    ],
)
def test_an_extent_that_is_none_is_refused(
    new: Callable[..., None], tmp_path: Path, content: str, says: str
) -> None:
    file = tmp_path / "extent.wkt"
    file.write_text(content, "utf-8")

    with pytest.raises(PlanRefused, match=says):
        new("a", "--extent", str(file))


def test_a_plan_is_registered_once_and_for_a_region_that_there_is(
    settings: Settings, new: Callable[..., None]
) -> None:
    new("a")

    with pytest.raises(PlanRefused, match="registered already"):
        new("a")
    with pytest.raises(PlanRefused, match="110000"):
        new("b", "--region", "110000")
    with pytest.raises(PlanRefused, match="target year"):
        new("c", "--base-year", "2035", "--target-year", "2020")
    with connect(str(settings.database_url), DatabaseRole.WRITER) as connection:
        assert known_plans(connection, ["a", "b", "c", "d"]) == {"a"}


def test_the_list_shows_the_plans_in_force_on_a_day(
    plan: Command, approved: Callable[..., None], advance: Callable[..., str]
) -> None:
    assert "no plan" in plan("list")
    approved("a", "2020-01-01")
    advance("a", "start", "--date", "2020-02-01")
    approved("b", "2020-01-01")

    assert [p["id"] for p in json.loads(plan("list", "--json"))] == ["a", "b"]
    assert [p["id"] for p in json.loads(plan("list", "--json", "--on", "2020-02-01"))] == ["a"]
    assert "规划a" in plan("list")
    assert "stateDiagram" in plan("states")


@pytest.fixture
def client(
    settings: Settings, catalogue: Catalogue, free_port: Callable[[], int]
) -> Iterator[httpx.Client]:
    """The application over this test's database, asked without a key."""
    port = free_port()
    app = create_app(settings, catalogue, str(settings.database_url))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    serving = Thread(target=server.run)
    serving.start()
    base, headers = f"http://127.0.0.1:{port}", {"Accept": "application/json"}
    try:
        with httpx.Client(base_url=base, headers=headers, timeout=30) as asked:
            until = time.monotonic() + 30
            while not server.started or asked.get("/health/ready").status_code != 200:
                assert time.monotonic() < until
                time.sleep(0.05)
            yield asked
    finally:
        server.should_exit = True
        serving.join()


def test_the_register_is_listed_filtered_and_paged(
    approved: Callable[..., None], advance: Callable[..., str], new: Callable[..., None],
    client: httpx.Client,
) -> None:  # fmt: skip
    for name in "abc":
        approved(name, "2020-01-01")
    advance("b", "start", "--date", "2020-02-01")
    new("draft")

    def found(**parameters: str) -> list[str]:
        answer = client.get("/catalogue/plans", params=parameters)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["plans"]]

    assert found() == ["a", "b", "c"]
    assert found(on="2020-02-01") == ["b"]
    assert found(on="2020-01-31") == []
    assert found(state="approved") == ["a", "c"]
    assert found(type="special") == []
    first = client.get("/catalogue/plans", params={"limit": 2}).json()
    assert (first["numberMatched"], first["numberReturned"]) == (3, 2)
    following = next(each["href"] for each in first["links"] if each["rel"] == "next")
    address = following.removeprefix("http://127.0.0.1:8080")
    assert [each["id"] for each in client.get(address).json()["plans"]] == ["c"]
    for bad in ({"on": "yesterday"}, {"state": "old"}, {"type": "x"}, {"limit": "0"}, {"x": "1"}):
        assert client.get("/catalogue/plans", params=bad).status_code == 400


def test_a_plan_is_shown_with_its_chain_and_its_events_without_persons(
    plan: Command, approved: Callable[..., None], advance: Callable[..., str], client: httpx.Client
) -> None:
    approved("old", "2012-01-01")
    advance("old", "start", "--date", "2012-02-01")
    approved("a", "2023-06-01")
    plan("link", "a", "supersedes", "old", "--person", "王五")
    advance("a", "start", "--date", "2023-07-01")

    answer = client.get("/catalogue/plans/a")
    shown = answer.json()

    assert shown["state"] == {"code": "in_force", "title": "启用"}
    assert [(e["plan"]["id"], e["kind"]["code"], e["other"]["id"]) for e in shown["chain"]] == [
        ("a", "supersedes", "old")
    ]
    assert [e["act"]["code"] for e in shown["events"]][-1] == "start"
    for person in ("张三", "李四", "王五", "会议纪要"):
        assert person not in answer.text
    english = client.get("/catalogue/plans/a", params={"lang": "en"}).json()
    assert (english["title"], english["state"]["title"]) == ("Plan a", "In force")


def test_a_plan_has_a_plain_face(
    plan: Command, approved: Callable[..., None], client: httpx.Client
) -> None:
    approved("a", "2023-06-01", classification="public")
    plan(
        "add", "b", "--title", "<script>alert(1)</script>", "--title-en", "x", "--level", "city",
        "--type", "detailed", "--region", "220100", "--classification", "public", "--synthetic",
        "--person", "张三", "--extent", "220100",
    )  # fmt: skip
    for act, more in (
        ("notify", ()), ("submit", ()), ("approve", ("--basis", "1", "--date", "2024-01-01")),
    ):  # fmt: skip
        plan("advance", "b", act, "--person", "x", "--reason", "y", *more)
    plan("link", "b", "amends", "a")

    for lang in ("zh", "en"):
        listed = client.get("/catalogue/plans", params={"f": "html", "lang": lang})
        face = client.get("/catalogue/plans/b", params={"f": "html", "lang": lang})
        assert listed.status_code == face.status_code == 200
        assert "<script>" not in listed.text + face.text
        assert "国函〔2023〕a号" in listed.text
        assert "/catalogue/plans/a" in face.text
        assert {"zh": "模拟数据", "en": "Synthetic data"}[lang] in face.text


@pytest.mark.parametrize("name", ["draft", "nowhere", "A", "a%00", "a;drop", "a" * 80])
def test_a_plan_that_is_not_there_or_not_for_the_caller_is_not_found(
    new: Callable[..., None], client: httpx.Client, name: str
) -> None:
    new("draft")

    answer = client.get(f"/catalogue/plans/{name}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "NotFound"


def test_a_plan_without_dates_is_a_value_and_no_zero() -> None:
    plan = Plan(
        id="a",
        title=Text(zh="规划", en="Plan"),
        level=PlanLevel.CITY,
        type=PlanType.MASTER,
        region="220100",
    )

    assert plan.state is PlanState.DRAFTING
    assert plan.classification is Classification.INTERNAL
    assert plan.approved_on is plan.in_force_from is plan.basis is None

"""Changing the catalogue of a running instance: nobody's request fails, nothing unsound is taken."""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, cast

import httpx
import psycopg
import pytest
import uvicorn
import yaml
from starlette.requests import Request
from structlog.testing import capture_logs

from config.loader import CatalogueError, catalogue_folders, load
from config.model import Catalogue
from config.settings import PACKAGE_ROOT, Settings
from processes.worker import Worker
from processes.workflows.catalogue_changes import NoSuchEdit, TablesContradict
from providers.catalogue_edits import hold, read_catalogue
from providers.database import DatabaseRole, connect
from providers.keys import KeyRecord, new_key
from providers.table_changes import TablesInUse
from server import catalogue_commands
from server.app import create_app
from server.keeper import SnapshotKeeper
from server.state import OneMap, onemap

LAYER = "land_use"
type Command = Callable[..., tuple[int, str, str]]
type Until = Callable[..., None]


@pytest.fixture
def bureau(tmp_path: Path) -> Path:
    """The bureau's own folder of the catalogue."""
    folder = tmp_path / "bureau"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(
    database_url: str, bureau: Path, tmp_path: Path, load_squares: Callable[..., Any]
) -> Settings:
    """The demo's catalogue under the bureau's, and one edition of one layer."""
    load_squares(LAYER, "2024", ["1", "2", "3"])
    return Settings(
        home=tmp_path,
        store=tmp_path / "store",
        database_url=database_url,
        catalogue=(PACKAGE_ROOT / "demo", bureau),
    )


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Command:
    """`onemap check|reload|catalogue …`: its exit, output and errors."""

    def command(*words: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        catalogue_commands.add_verbs(parser.add_subparsers())
        given = parser.parse_args(words)
        capsys.readouterr()
        status = given.run(settings, given)
        told = capsys.readouterr()
        return status, told.out, told.err

    return command


@pytest.fixture
def put(run: Command, tmp_path: Path) -> Callable[..., str]:
    """`onemap catalogue put` of entries."""

    def command(*entries: dict[str, Any]) -> str:
        path = tmp_path / "edit.yaml"
        path.write_text(yaml.safe_dump_all(entries, allow_unicode=True, sort_keys=False), "utf-8")
        return run("catalogue", "put", str(path), "--author", "张三", "--note", "试")[1]

    return command


@pytest.fixture
def server(
    settings: Settings, free_port: Callable[[], int], wait_until: Until
) -> Iterator[httpx.Client]:
    """A running server, and an anonymous caller."""
    app = create_app(settings, load(catalogue_folders(settings)), str(settings.database_url))
    port = free_port()
    serving = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = Thread(target=serving.run)
    thread.start()
    headers = {"Accept": "application/json"}
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30
        ) as client:
            wait_until(
                lambda: serving.started and client.get("/health/ready").status_code == 200, 30
            )
            yield client
    finally:
        serving.should_exit = True
        thread.join()


@pytest.fixture
def bearer(settings: Settings) -> Callable[[str], dict[str, str]]:
    """The header of a caller in a role."""

    def make(role: str) -> dict[str, str]:
        record = KeyRecord(id="", organisation="测试单位", person="测试员", role=role, regions=())
        with connect(str(settings.database_url), DatabaseRole.WRITER) as connection:
            return {"Authorization": f"Bearer {new_key(connection, record, None)}"}

    return make


def layer_entry(**changes: Any) -> dict[str, Any]:
    """The demo's entry of the layer, with changes."""
    text = (PACKAGE_ROOT / "demo" / "layers" / f"{LAYER}.yaml").read_text("utf-8")
    return {**yaml.safe_load(text), **changes}


def specification_entry(*fields: dict[str, Any]) -> dict[str, Any]:
    """The layer's specification with further fields, or others in place of its own."""
    for path in (PACKAGE_ROOT / "standards").rglob("*.yaml"):
        for entry in yaml.load_all(path.read_text("utf-8"), Loader=yaml.BaseLoader):
            if entry and entry["kind"] == "specification" and entry["id"] == "XZYDYH":
                found = cast(dict[str, Any], yaml.safe_load(path.read_text("utf-8")))
                codes = {field["code"] for field in fields}
                kept = [field for field in found["fields"] if field["code"] not in codes]
                return {**found, "fields": [*kept, *fields]}
    raise AssertionError("no specification XZYDYH")


def titled(name: str) -> dict[str, str]:
    return {"zh": name, "en": name}


def field_entry(code: str, kind: str) -> dict[str, Any]:
    return {"code": code, "title": titled(code), "type": kind}


def title(client: httpx.Client) -> str:
    answer = client.get(f"/collections/{LAYER}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["title"]).partition("（")[0].partition("(")[0]


@contextmanager
def asking(client: httpx.Client) -> Iterator[list[tuple[str, int]]]:
    """Callers who ask without a pause; what was not answered with 200 or 204."""
    paths = (
        "/collections",
        f"/collections/{LAYER}",
        f"/collections/{LAYER}/items?limit=2",
        f"/collections/{LAYER}/items/1",
        f"/collections/{LAYER}/tiles/WebMercatorQuad/8/94/216",
        f"/collections/{LAYER}/schema",
        "/health/ready",
    )
    failed: list[tuple[str, int]] = []
    answered = [0] * len(paths)
    over = Event()

    def ask(number: int) -> None:
        headers = {"Accept": "application/json, */*;q=0.5"}
        with httpx.Client(base_url=client.base_url, headers=headers, timeout=30) as caller:
            while not over.wait(0.01):
                status = caller.get(paths[number]).status_code
                answered[number] += 1
                if status not in (200, 204):
                    failed.append((paths[number], status))

    with ThreadPoolExecutor(len(paths)) as pool:
        asked = [pool.submit(ask, number) for number in range(len(paths))]
        try:
            yield failed
        finally:
            over.set()
        for each in asked:
            each.result()
    assert all(answered)


def test_a_reload_under_continuous_requests_drops_none_and_shows_the_new_title(
    server: httpx.Client, run: Command, bureau: Path, wait_until: Until
) -> None:
    with asking(server) as failed:
        for name in ("第一次", "第二次", "第三次"):
            entry = layer_entry(title=titled(name))
            (bureau / "layer.yaml").write_text(yaml.safe_dump(entry, allow_unicode=True), "utf-8")
            status, _, told = run("reload")
            assert (status, told) == (0, "")
            wait_until(lambda name=name: title(server) == name)

    assert failed == []


def test_a_new_field_comes_under_continuous_requests_and_its_column_with_it(
    server: httpx.Client, put: Callable[..., str], wait_until: Until
) -> None:
    def shown() -> bool:
        schema = server.get(f"/collections/{LAYER}/schema")
        return "BZXX" in schema.json()["properties"]

    with asking(server) as failed:
        put(specification_entry(field_entry("BZXX", "text")))
        wait_until(shown)
        item = server.get(f"/collections/{LAYER}/items/1")

    assert failed == []
    assert item.json()["properties"]["BZXX"] is None


def test_a_broken_file_leaves_the_old_catalogue_and_the_server_ready(
    server: httpx.Client, run: Command, bureau: Path, settings: Settings, wait_until: Until
) -> None:
    was = title(server)
    broken = layer_entry(title=titled("新"), theme="no.where")
    (bureau / "layer.yaml").write_text(yaml.safe_dump(broken, allow_unicode=True), "utf-8")

    with pytest.raises(CatalogueError, match=r"bureau/layer.yaml: /0/theme: no theme 'no.where'"):
        run("reload")
    with connect(str(settings.database_url), DatabaseRole.WRITER) as connection:
        connection.execute("NOTIFY onemap_catalogue")  # as if the file broke after the check
    time.sleep(1)
    assert title(server) == was
    assert server.get("/health/ready").status_code == 200

    (bureau / "layer.yaml").write_text(
        yaml.safe_dump(layer_entry(title=titled("好")), allow_unicode=True), "utf-8"
    )
    run("reload")
    wait_until(lambda: title(server) == "好")


def test_a_cached_answer_is_not_confirmed_after_a_reload(
    server: httpx.Client, put: Callable[..., str], wait_until: Until
) -> None:
    paths = [f"/collections/{LAYER}", f"/collections/{LAYER}/items?limit=1"]
    tags = {path: server.get(path).headers.get("etag") for path in paths}
    put(layer_entry(title=titled("新")))
    wait_until(lambda: title(server) == "新")

    for path, tag in tags.items():
        if tag is not None:
            assert server.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_higher_classification_hides_the_layer_at_once_and_a_dropped_edit_shows_it_again(
    server: httpx.Client,
    put: Callable[..., str],
    run: Command,
    bearer: Callable[[str], dict[str, str]],
    wait_until: Until,
) -> None:
    items, planner = f"/collections/{LAYER}/items", bearer("planner")
    put(layer_entry(classification="internal"))

    wait_until(lambda: server.get(items).status_code == 404)
    assert server.get(items, headers=planner).status_code == 200
    assert LAYER not in [c["id"] for c in server.get("/collections").json()["collections"]]

    status, told, _ = run("catalogue", "drop", "layer", LAYER, "--author", "李四")
    assert status == 0
    assert "demo/layers/land_use.yaml: /0 is in force again" in told
    wait_until(lambda: server.get(items).status_code == 200)


def test_a_changed_role_counts_for_keys_that_were_given_before(
    server: httpx.Client,
    put: Callable[..., str],
    bearer: Callable[[str], dict[str, str]],
    wait_until: Until,
) -> None:
    items, planner = f"/collections/{LAYER}/items", bearer("planner")
    assert server.get(items, headers=planner).status_code == 200
    role = {"kind": "role", "id": "planner", "title": titled("规划"), "layers": ["county"]}
    put({**role, "regions": "all", "ceiling": "internal", "functions": []})

    wait_until(lambda: server.get(items, headers=planner).status_code == 404)
    assert server.get(items).status_code == 200


def test_a_server_that_starts_knows_the_edits_before_it_shows_a_layer(
    settings: Settings, put: Callable[..., str]
) -> None:
    put(layer_entry(classification="secret"))
    app = create_app(settings, load(catalogue_folders(settings)), str(settings.database_url))

    async def statuses() -> set[int]:
        found = set()
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://one.example") as client,
        ):
            keeper: SnapshotKeeper = app.state.onemap.keeper
            while True:
                known = keeper.current.loaded_at is not None
                found.add((await client.get(f"/collections/{LAYER}")).status_code)
                if known:
                    return found
                await asyncio.sleep(0.01)

    with capture_logs():  # a traceback for each 503 would take longer than all the rest
        assert asyncio.run(statuses()) <= {503, 404}


def test_an_edit_with_findings_is_refused_with_all_of_them_and_leaves_no_trace(
    put: Callable[..., str], run: Command
) -> None:
    with pytest.raises(CatalogueError) as caught:
        put(
            layer_entry(theme="no.where", style="none_such"),
            {"kind": "theme", "id": "a.b", "title": titled("x"), "order": 1},
        )

    assert len(caught.value.findings) == 3
    with pytest.raises(CatalogueError, match="is not of type"):
        put(layer_entry(title="文字"))
    assert run("catalogue", "edits")[1] == "nothing was edited\n"


def test_inputs_of_a_schedule_that_its_process_would_refuse_are_never_in_force(
    put: Callable[..., str], run: Command, bureau: Path
) -> None:
    schedule = {
        "kind": "schedule",
        "id": "nightly",
        "title": titled("每夜"),
        "process": "echo",
        "inputs": {"text": 5, "pause": "long"},
        "cron": "0 3 * * *",
    }
    with pytest.raises(CatalogueError) as refused:
        put(schedule)
    assert list(refused.value.findings) == [
        "schedule nightly: /inputs/pause: 'long' is not of type 'number'",
        "schedule nightly: /inputs/text: 5 is not of type 'string'",
    ]
    assert run("catalogue", "edits")[1] == "nothing was edited\n"
    (bureau / "nightly.yaml").write_text(yaml.safe_dump(schedule, allow_unicode=True), "utf-8")
    with pytest.raises(CatalogueError, match="/inputs/text: 5 is not of type 'string'"):
        run("reload")
    with pytest.raises(CatalogueError, match="/inputs/text: 5 is not of type 'string'"):
        put(layer_entry(title=titled("新")))

    put({**schedule, "inputs": {"text": "好", "pause": 1}})
    with pytest.raises(CatalogueError, match="/inputs/text: 5 is not of type 'string'"):
        run("catalogue", "drop", "schedule", "nightly", "--author", "张三")
    (bureau / "nightly.yaml").unlink()
    assert run("reload")[0] == 0


def test_entries_that_need_each_other_are_put_together(
    put: Callable[..., str], run: Command
) -> None:
    told = put(
        {"kind": "theme", "id": "planning.own", "title": titled("自定"), "order": 99},
        layer_entry(theme="planning.own"),
    )

    assert told == f"theme planning.own: edit 1\nlayer {LAYER}: edit 2\n"
    with pytest.raises(CatalogueError, match=r"edit 2 by 张三: /0/theme: no theme 'planning.own'"):
        run("catalogue", "drop", "theme", "planning.own", "--author", "张三")


def test_the_same_edit_again_is_none(put: Callable[..., str], run: Command) -> None:
    put(layer_entry(title=titled("新")))

    assert put(layer_entry(title=titled("新"))) == f"layer {LAYER}: stands so already\n"
    assert len(json.loads(run("catalogue", "edits", "--json")[1])) == 1


def test_a_file_that_changes_beneath_an_edit_is_served_and_check_tells(
    server: httpx.Client, put: Callable[..., str], run: Command, bureau: Path, wait_until: Until
) -> None:
    put(layer_entry(title=titled("改")))
    wait_until(lambda: title(server) == "改")
    assert run("check")[0] == 0

    entry = layer_entry(title=titled("文件"))
    (bureau / "layer.yaml").write_text(yaml.safe_dump(entry, allow_unicode=True), "utf-8")
    status, told, findings = run("check")
    assert status == 1
    assert "1 findings" in told
    assert "bureau/layer.yaml: /0 changed beneath edit 1 by 张三" in findings
    assert "set aside" in run("reload")[2]
    wait_until(lambda: title(server) == "文件")
    (row,) = json.loads(run("catalogue", "edits", "--json")[1])
    assert (row["state"], row["author"], row["note"]) == ("set_aside", "张三", "试")

    put(layer_entry(title=titled("再改")))
    assert run("check")[0] == 0
    wait_until(lambda: title(server) == "再改")


def test_reload_says_what_changed_since_the_last_one(
    run: Command, bureau: Path, put: Callable[..., str]
) -> None:
    assert run("reload")[0] == 0
    assert "added: nothing\nchanged: nothing\nremoved: nothing\n" in run("reload")[1]
    theme = {"kind": "theme", "id": "planning.own", "title": titled("自定"), "order": 99}
    (bureau / "more.yaml").write_text(
        yaml.safe_dump_all([theme, layer_entry(title=titled("新"))], allow_unicode=True), "utf-8"
    )

    told = json.loads(run("reload", "--json")[1])
    assert (told["added"], told["changed"]) == ([["theme", "planning.own"]], [["layer", LAYER]])
    (bureau / "more.yaml").unlink()
    assert "removed: theme planning.own\n" in run("reload")[1]


def test_reload_makes_the_columns_that_a_specification_has_gained(
    run: Command, bureau: Path, settings: Settings
) -> None:
    entry = specification_entry(field_entry("BZXX", "text"), field_entry("SL", "integer"))
    (bureau / "spec.yaml").write_text(yaml.safe_dump(entry, allow_unicode=True), "utf-8")

    assert f"tables extended: {LAYER}.2024\n" in run("reload")[1]
    assert columns(settings)["bzxx"] == "text"
    assert columns(settings, "planning_history")["sl"] == "integer"
    assert "tables extended" not in run("reload")[1]


@pytest.mark.parametrize("verb", ["reload", "check"])
def test_a_published_field_keeps_its_type(
    run: Command, bureau: Path, settings: Settings, verb: str
) -> None:
    before = columns(settings)
    entry = specification_entry(field_entry("TBMJ", "text"), field_entry("BZXX", "text"))
    (bureau / "spec.yaml").write_text(yaml.safe_dump(entry, allow_unicode=True), "utf-8")
    says = "TBMJ is stored as numeric and the specification XZYDYH now says text"

    if verb == "check":
        status, _, told = run("check")
        assert status == 1
        assert says in told
    else:
        with pytest.raises(TablesContradict, match=says):
            run("reload")
    assert columns(settings) == before


def test_a_published_layer_keeps_its_kind_of_geometry(put: Callable[..., str]) -> None:
    point = {**specification_entry(), "geometry": "point", "defaults": {}}

    with pytest.raises(TablesContradict, match=r"geometry\(MultiPolygon,4490\)"):
        put(point, {k: v for k, v in layer_entry().items() if k != "style"})


def test_a_load_that_holds_the_table_is_told_and_nothing_is_put(
    put: Callable[..., str],
    run: Command,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("providers.table_changes.ATTEMPTS", 1)
    monkeypatch.setattr("providers.table_changes.LOCK_WAIT_MS", 50)
    with psycopg.connect(str(settings.database_url)) as load_under_way:
        load_under_way.execute(f"LOCK TABLE planning.{LAYER} IN ROW EXCLUSIVE MODE")
        with pytest.raises(TablesInUse, match="in use by a load"):
            put(specification_entry(field_entry("BZXX", "text")))
    assert run("catalogue", "edits")[1] == "nothing was edited\n"


def test_a_second_editor_waits_until_the_first_is_done(
    settings: Settings, put: Callable[..., str]
) -> None:
    url = str(settings.database_url)
    with ThreadPoolExecutor(1) as pool:
        with connect(url, DatabaseRole.OWNER) as first:
            hold(first)
            second = pool.submit(put, layer_entry(title=titled("二")))
            with pytest.raises(TimeoutError):
                second.result(0.5)
        assert "edit 1" in second.result(30)


def test_edits_are_only_ever_added(settings: Settings, put: Callable[..., str]) -> None:
    put(layer_entry(title=titled("新")))
    for statement in (
        "UPDATE onemap.catalogue_edit SET author = 'x'",
        "DELETE FROM onemap.catalogue_edit",
    ):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            connect(str(settings.database_url), DatabaseRole.WRITER) as connection,
        ):
            connection.execute(statement)


def test_what_is_not_edited_cannot_be_dropped(run: Command) -> None:
    with pytest.raises(NoSuchEdit, match=r"it stands in demo/layers/land_use.yaml: /0"):
        run("catalogue", "drop", "layer", LAYER, "--author", "张三")
    with pytest.raises(NoSuchEdit, match="There is no edit of layer 'nowhere'"):
        run("catalogue", "drop", "layer", "nowhere", "--author", "张三")


def test_an_edit_keeps_the_order_of_codes_and_is_shown_as_it_was_put(
    put: Callable[..., str], run: Command, settings: Settings
) -> None:
    codes = {"30": titled("丙"), "1": titled("甲"), "200": titled("乙")}
    entry = {"kind": "code_list", "id": "OWN", "version": "1", "title": titled("自定")}
    put({**entry, "source": titled("本单位"), "codes": codes})

    taken, conflicts = read_catalogue(str(settings.database_url), catalogue_folders(settings))
    shown = run("catalogue", "show", "code_list", "OWN")[1]

    assert conflicts == ()
    assert list(taken.code_lists["OWN"].codes) == ["30", "1", "200"]
    assert shown.startswith("# edit 1 by 张三: /0\n")
    assert list(yaml.safe_load(shown)["codes"]) == ["30", "1", "200"]


def test_a_worker_takes_a_new_catalogue_without_a_restart(
    settings: Settings, catalogue: Catalogue, put: Callable[..., str], run: Command
) -> None:
    put(layer_entry(title=titled("一")))
    worker = Worker(settings, catalogue, 1)

    async def followed() -> list[str]:
        following = asyncio.create_task(worker._follow())
        seen = []
        try:
            async with asyncio.timeout(60):
                for name in ("一", "二"):
                    while (found := worker._catalogue.layers[LAYER].title.zh) != name:
                        await asyncio.sleep(0.02)
                    seen.append(found)
                    await asyncio.to_thread(put, layer_entry(title=titled("二")))
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        return seen

    assert asyncio.run(followed()) == ["一", "二"]


def test_a_request_sees_one_snapshot_however_often_the_catalogue_changes(
    catalogue: Catalogue, database_url: str
) -> None:
    keeper = SnapshotKeeper(catalogue, cast(Any, None), database_url, "1", ())
    one = OneMap(*(cast(Any, None),) * 2, keeper, *(cast(Any, None),) * 4)
    app = SimpleNamespace(state=SimpleNamespace(onemap=one))
    request = Request({"type": "http", "app": app})
    began = onemap(request).snapshot
    keeper.current = replace(keeper.current, catalogue=replace(catalogue, digest="other"))

    assert onemap(request).snapshot is began
    assert onemap(Request({"type": "http", "app": app})).snapshot is keeper.current


def columns(settings: Settings, schema: str = "planning") -> dict[str, str]:
    with connect(str(settings.database_url), DatabaseRole.READER) as connection:
        rows = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = %s",
            (schema, LAYER),
        ).fetchall()
    return {row[0]: row[1] for row in rows}

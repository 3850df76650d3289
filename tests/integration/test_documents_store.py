"""Documents: what is stored under which hash, who sees it, and how its bytes are served."""

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import shapely
import uvicorn
from psycopg import sql
from starlette.applications import Starlette

from config.model import Catalogue
from config.settings import PACKAGE_ROOT, Settings
from config.vocabulary import AdminLevel, EditionKey, RegionCode, Text
from providers import document_store
from providers.database import DatabaseRole, connect
from providers.document_content import DocumentRefused
from providers.document_store import DocumentLost, DocumentStore
from providers.keys import KeyRecord, new_key
from providers.regions import Region, put_regions
from providers.tables import ensure_tables
from server import document_commands, plan_commands
from server.app import create_app

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"
LAYER, EDITIONS = "land_use", {"2023": "in_force", "2024": "in_force", "2025": "draft"}
type Command = Callable[..., str]


@pytest.fixture
def settings(database_url: str, catalogue: Catalogue, tmp_path: Path) -> Settings:
    """Three editions of a public layer, the last a draft; two features in two counties."""
    layer = catalogue.layers[LAYER]
    with connect(database_url, DatabaseRole.OWNER) as connection:
        regions = [("220100", None), ("220102", "220100"), ("220104", "220100")]
        put_regions(connection, [region(code, parent) for code, parent in regions])
        for key, status in EDITIONS.items():
            ensure_tables(connection, layer, EditionKey(key))
            connection.execute(
                "INSERT INTO onemap.edition (layer, edition, title_zh, title_en, valid_from, status,"
                " issuer, document, specification_version, revision)"
                " VALUES (%s, %s, 'x', 'x', %s, %s, 'own', '', '1', 1)",
                (LAYER, key, date(int(key), 1, 1), status),
            )
            for number, county in (("1", "220102"), ("2", "220104")):
                connection.execute(
                    sql.SQL(
                        "INSERT INTO {} (fid, om_edition, om_id, om_region, om_hash, om_rev, geom)"
                        " VALUES (%s, %s, %s, %s, 'h', 1, ST_GeomFromWKB(%s, 4490))"
                    ).format(sql.Identifier("planning", f"{LAYER}__{key}")),
                    (int(number), key, number, county, square(int(number)).wkb),
                )
    return Settings(
        home=tmp_path,
        store=tmp_path / "store",
        database_url=database_url,
        catalogue=(PACKAGE_ROOT / "demo",),
    )


def square(number: int) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.box(125 + number, 43, 125.5 + number, 43.5)])


def region(code: str, parent: str | None) -> Region:
    return Region(
        code=RegionCode(code),
        parent=RegionCode(parent) if parent else None,
        level=AdminLevel.COUNTY if parent else AdminLevel.CITY,
        name=Text(zh=code, en=code),
        valid_from=date(2020, 1, 1),
        polygon=None,
    )


@pytest.fixture
def onemap(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Command:
    """`onemap plan …` and `onemap document …`, and what they print."""

    def run(*words: str) -> str:
        parser = argparse.ArgumentParser()
        verbs = parser.add_subparsers()
        plan_commands.add_verbs(verbs)
        document_commands.add_verbs(verbs)
        given = parser.parse_args(words)
        capsys.readouterr()
        assert given.run(settings, given) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def add(onemap: Command, tmp_path: Path) -> Callable[..., str]:
    """A document, public unless said otherwise; its id."""

    def run(
        *subject: str, content: bytes = PDF, name: str = "批复 文本.pdf", more: tuple[str, ...] = ()
    ) -> str:
        path = tmp_path / name
        path.write_bytes(content)
        words = ("document", "add", str(path), "--title", "批复", "--title-en", "Approval")
        said = ("--person", "张三", "--role", "批复", "--classification", "public")
        return onemap(*words, *said, *more, *subject).strip()

    return run


@pytest.fixture
def plans(onemap: Command) -> None:
    """An approved public plan and a draft."""
    for name in ("approved", "draft"):
        onemap(
            "plan", "add", name, "--title", "规划", "--title-en", "Plan", "--level", "city",
            "--type", "master", "--region", "220100", "--classification", "public",
            "--person", "张三",
        )  # fmt: skip
    for act, more in (
        ("notify", ()), ("submit", ()), ("approve", ("--basis", "1", "--date", "2024-01-01")),
    ):  # fmt: skip
        onemap("plan", "advance", "approved", act, "--person", "张三", "--reason", "会议", *more)


@pytest.fixture
def app(settings: Settings, catalogue: Catalogue) -> Starlette:
    """The application over this test's database."""
    return create_app(settings, catalogue, str(settings.database_url))


@pytest.fixture
def client(
    app: Starlette, free_port: Callable[[], int], wait_until: Callable[..., None]
) -> Iterator[httpx.Client]:
    """Who asks the application without a key."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    serving = Thread(target=server.run)
    serving.start()
    base, headers = f"http://127.0.0.1:{port}", {"Accept": "application/json"}
    try:
        with httpx.Client(base_url=base, headers=headers, timeout=30) as asked:
            wait_until(lambda: server.started and asked.get("/health/ready").status_code == 200)
            yield asked
    finally:
        server.should_exit = True
        serving.join()


@pytest.fixture
def key(settings: Settings) -> Callable[..., dict[str, str]]:
    """The header of a caller in a role for regions."""

    def make(role: str, *regions: str) -> dict[str, str]:
        record = KeyRecord(
            id="", organisation="测试单位", person="测试员", role=role, regions=tuple(regions)
        )
        with connect(str(settings.database_url), DatabaseRole.WRITER) as connection:
            return {"Authorization": f"Bearer {new_key(connection, record, None)}"}

    return make


def contents(settings: Settings) -> dict[str, bytes]:
    """What lies in the store, by its path."""
    folder = settings.store / "documents"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def listed(client: httpx.Client, **asked: Any) -> list[str]:
    answer = client.get("/catalogue/documents", **asked)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["documents"]]


def test_a_document_lies_in_the_store_under_its_hash(
    settings: Settings, add: Callable[..., str], plans: None
) -> None:
    add("--plan", "approved")

    digest = hashlib.sha256(PDF).hexdigest()
    assert contents(settings) == {f"{digest[:2]}/{digest}": PDF}


def test_a_content_that_is_there_already_stays_as_it_is(
    settings: Settings, add: Callable[..., str], plans: None
) -> None:
    first = add("--plan", "approved")
    place = settings.store / "documents" / hashlib.sha256(PDF).hexdigest()[:2]
    before = {path: path.stat().st_ino for path in place.iterdir()}

    second = add("--plan", "draft", name="again.pdf")

    assert first != second
    assert {path: path.stat().st_ino for path in place.iterdir()} == before


def test_what_is_refused_leaves_neither_a_row_nor_a_file(
    settings: Settings, add: Callable[..., str], onemap: Command, plans: None
) -> None:
    with pytest.raises(DocumentRefused, match=r"a\.pdf: found a Windows program"):
        add("--plan", "approved", content=b"MZ" + b"\x00" * 100, name="a.pdf")
    with pytest.raises(DocumentRefused, match="no plan 'nowhere'"):
        add("--plan", "nowhere")
    with pytest.raises(DocumentRefused, match="no edition"):
        add("--edition", "land_use.1949")
    with pytest.raises(DocumentRefused, match="no edition"):
        add("--edition", "no_layer.2024")
    with pytest.raises(DocumentRefused, match="no feature '3'"):
        add("--feature", "land_use.2024/3")
    with pytest.raises(DocumentRefused, match=r"LAYER\.EDITION"):
        add("--edition", "land_use")

    assert contents(settings) == {}
    assert json.loads(onemap("document", "list", "--json")) == []


def test_a_file_beyond_the_bound_is_refused_while_it_is_read(
    settings: Settings, add: Callable[..., str], plans: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_store, "MAX_BYTES", 1 << 20)

    with pytest.raises(DocumentRefused, match="larger than 1 MiB"):
        add("--plan", "approved", content=PDF + b"\n" * (1 << 20))

    assert contents(settings) == {}


def test_a_damaged_store_is_noticed_and_not_served(
    settings: Settings, add: Callable[..., str], plans: None, client: httpx.Client
) -> None:
    document = add("--plan", "approved")
    digest = hashlib.sha256(PDF).hexdigest()
    (settings.store / "documents" / digest[:2] / digest).write_bytes(PDF[:10])

    answer = client.get(f"/files/{document}")

    assert answer.status_code == 500
    assert digest not in answer.text
    with pytest.raises(DocumentLost, match="10 bytes"):
        DocumentStore.within(settings.store).path(digest, len(PDF))
    with pytest.raises(DocumentLost, match="10 bytes"):
        add("--plan", "approved")


def test_a_withdrawn_document_is_gone_and_its_content_stays_while_another_has_it(
    settings: Settings,
    add: Callable[..., str],
    onemap: Command,
    plans: None,
    client: httpx.Client,
) -> None:
    first, second = add("--plan", "approved"), add("--plan", "approved", name="b.pdf")

    said = ("--person", "李四", "--reason", "误传")
    assert "another document has it" in onemap("document", "remove", first, *said)
    assert client.get(f"/files/{first}").status_code == 404
    assert client.get(f"/files/{second}").content == PDF
    assert len(contents(settings)) == 1

    onemap("document", "remove", second, *said)

    assert contents(settings) == {}
    assert listed(client) == []
    with pytest.raises(DocumentRefused, match="was withdrawn"):
        onemap("document", "attach", first, "--plan", "draft", "--person", "x")
    third = add("--plan", "approved")
    assert client.get(f"/files/{third}").content == PDF


def test_a_document_is_seen_by_who_sees_one_thing_that_it_belongs_to(
    add: Callable[..., str], onemap: Command, plans: None, client: httpx.Client
) -> None:
    document = add("--plan", "draft")
    assert client.get(f"/files/{document}").status_code == 404
    assert listed(client) == []

    onemap("document", "attach", document, "--plan", "approved", "--person", "张三")

    shown = client.get("/catalogue/documents").json()["documents"]
    assert [each["id"] for each in shown] == [document]
    assert [s["plan"] for s in shown[0]["subjects"]] == ["approved"]
    assert client.get(f"/files/{document}").status_code == 200
    with pytest.raises(DocumentRefused, match="already"):
        onemap("document", "attach", document, "--plan", "approved", "--person", "张三")


def test_a_document_above_the_ceiling_is_not_found(
    add: Callable[..., str],
    plans: None,
    client: httpx.Client,
    key: Callable[..., dict[str, str]],
) -> None:
    document = add("--plan", "approved", more=("--classification", "internal"))
    secret = add("--plan", "approved", more=("--classification", "secret"))
    planner = key("planner")

    assert client.get(f"/files/{document}").status_code == 404
    assert client.get("/catalogue/plans/approved").json()["documents"] == []
    assert client.get(f"/files/{document}", headers=planner).status_code == 200
    assert client.get(f"/files/{secret}", headers=planner).status_code == 404
    assert listed(client, headers=planner) == [document]


def test_a_document_of_an_edition_is_seen_with_the_edition(
    add: Callable[..., str], client: httpx.Client, key: Callable[..., dict[str, str]]
) -> None:
    live, draft = add("--edition", "land_use.2024"), add("--edition", "land_use.2025")
    planner = key("planner")

    assert listed(client) == [live]
    assert client.get(f"/files/{draft}").status_code == 404
    assert sorted(listed(client, headers=planner)) == sorted([live, draft])
    assert client.get(f"/files/{draft}", headers=planner).status_code == 200


def test_a_document_of_a_feature_is_seen_by_who_sees_its_row(
    add: Callable[..., str], client: httpx.Client, key: Callable[..., dict[str, str]]
) -> None:
    first, second = add("--feature", "land_use.2024/1"), add("--feature", "land_use.2023/2")
    county = key("surveyor", "220102")

    assert sorted(listed(client)) == sorted([first, second])
    assert listed(client, headers=county) == [first]
    assert client.get(f"/files/{first}", headers=county).status_code == 200
    assert client.get(f"/files/{second}", headers=county).status_code == 404


def test_a_document_of_a_layer_above_the_ceiling_is_not_found(
    app: Starlette, catalogue: Catalogue, add: Callable[..., str], client: httpx.Client
) -> None:
    document = add("--edition", "land_use.2024")
    assert client.get(f"/files/{document}").status_code == 200
    layer = catalogue.layers[LAYER]
    hidden = replace(
        catalogue,
        layers={
            **catalogue.layers,
            LAYER: replace(layer, classification=type(layer.classification).INTERNAL),
        },
    )
    keeper = app.state.onemap.keeper
    keeper.current = replace(keeper.current, catalogue=hidden)

    assert client.get(f"/files/{document}").status_code == 404
    assert listed(client) == []


def test_the_list_is_filtered_and_paged(
    add: Callable[..., str], plans: None, client: httpx.Client
) -> None:
    of_plan = add("--plan", "approved")
    of_edition = add("--edition", "land_use.2024")
    of_feature = add("--feature", "land_use.2023/1")

    assert listed(client) == [of_feature, of_edition, of_plan]
    assert listed(client, params={"plan": "approved"}) == [of_plan]
    assert listed(client, params={"collection": "land_use"}) == [of_feature, of_edition]
    assert listed(client, params={"collection": "land_use.2024"}) == [of_edition]
    assert listed(client, params={"collection": "county"}) == []
    assert listed(client, params={"limit": 1, "offset": 1}) == [of_edition]
    page = client.get("/catalogue/documents", params={"limit": 2}).json()
    assert (page["numberMatched"], page["numberReturned"]) == (3, 2)
    assert [each["rel"] for each in page["links"]].count("next") == 1
    for bad, status in (
        ({"plan": "draft"}, 404), ({"plan": "x y"}, 404), ({"collection": "nowhere"}, 404),
        ({"collection": "land_use.2025"}, 404), ({"limit": "0"}, 400), ({"x": "1"}, 400),
    ):  # fmt: skip
        assert client.get("/catalogue/documents", params=bad).status_code == status


def test_the_command_line_lists_documents_with_what_they_belong_to(
    add: Callable[..., str], onemap: Command, plans: None
) -> None:
    assert "no document" in onemap("document", "list")
    document = add("--plan", "approved")
    onemap(
        "document", "attach", document, "--feature", "land_use.2024/1", "--person", "李四",
        "--role", "说明",
    )  # fmt: skip

    shown = onemap("document", "list", "--feature", "land_use.2024/1")
    assert "plan approved (批复), land_use.2024/1 (说明)" in shown
    assert json.loads(onemap("document", "list", "--edition", "land_use.2024", "--json"))
    assert not json.loads(onemap("document", "list", "--plan", "draft", "--json"))
    assert document in onemap("plan", "show", "approved")


def test_a_file_is_served_as_what_it_is_under_its_own_name_and_runs_nothing(
    add: Callable[..., str], plans: None, client: httpx.Client
) -> None:
    document = add("--plan", "approved", name='市"批复".pdf')
    answer = client.get(f"/files/{document}")

    assert answer.content == PDF
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == (
        "inline; filename=\"_____.pdf\"; filename*=UTF-8''%E5%B8%82%22%E6%89%B9%E5%A4%8D%22.pdf"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["etag"] == f'"{hashlib.sha256(PDF).hexdigest()}"'
    assert answer.headers["accept-ranges"] == "bytes"


def test_what_no_browser_shows_is_handed_over_to_be_kept(
    add: Callable[..., str], plans: None, client: httpx.Client
) -> None:
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00" + b"\x00" * 16
    answer = client.get(f"/files/{add('--plan', 'approved', content=tiff, name='a.tif')}")

    assert answer.headers["content-disposition"].startswith('attachment; filename="a.tif"')
    assert answer.headers["content-security-policy"].endswith("sandbox")


def test_a_file_that_the_caller_has_is_not_sent_again(
    add: Callable[..., str], plans: None, client: httpx.Client
) -> None:
    document = add("--plan", "approved")
    tag = client.get(f"/files/{document}").headers["etag"]

    again = client.get(f"/files/{document}", headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-3", 206, 0, 4),
        ("bytes=5-", 206, 5, None),
        ("bytes=-6", 206, -6, None),
        ("bytes=5-9999", 206, 5, None),
        ("bytes=9-5", 200, 0, None),
        ("bytes=0-1,3-4", 200, 0, None),
        ("bytes=x", 200, 0, None),
        ("lines=1-2", 200, 0, None),
        ("bytes=-", 200, 0, None),
    ],
)
def test_a_range_of_bytes_is_what_was_asked_for_or_all(
    add: Callable[..., str],
    plans: None,
    client: httpx.Client,
    asked: str,
    status: int,
    first: int,
    last: int | None,
) -> None:
    answer = client.get(f"/files/{add('--plan', 'approved')}", headers={"Range": asked})

    assert answer.status_code == status
    assert answer.content == PDF[first:last]
    assert ("content-range" in answer.headers) == (status == 206)


@pytest.mark.parametrize("asked", ["bytes=9999-", "bytes=-0"])
def test_a_range_beyond_the_file_is_none(
    add: Callable[..., str], plans: None, client: httpx.Client, asked: str
) -> None:
    answer = client.get(f"/files/{add('--plan', 'approved')}", headers={"Range": asked})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(PDF)}"


@pytest.mark.parametrize(
    "name", ["nowhere", "00000000-0000-4000-8000-000000000000", "a%00", "..%2f..%2fetc%2fpasswd"]
)
def test_a_file_that_is_not_there_is_not_found(client: httpx.Client, name: str) -> None:
    assert client.get(f"/files/{name}").status_code == 404


def test_documents_have_a_plain_face(
    add: Callable[..., str], plans: None, client: httpx.Client
) -> None:
    document = add("--plan", "approved", more=("--title", "<b>批复</b>"))
    add("--feature", "land_use.2024/1")

    for lang in ("zh", "en"):
        for path in ("/catalogue/documents", "/catalogue/plans/approved"):
            face = client.get(path, params={"f": "html", "lang": lang})
            assert face.status_code == 200
            assert f"/files/{document}" in face.text
            assert "<b>" not in face.text

"""Checks are kept for good, opinions are signed on them, and anybody can verify both by hash."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import psycopg
import pytest
import zstandard
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from config.model import Catalogue
from config.settings import PACKAGE_ROOT, Settings, child_environ
from config.vocabulary import Classification, Text
from processes.algorithms.canonical import sealed
from processes.context import Context
from processes.registry import SPECS
from processes.spec import Output
from processes.workflows.check_outline import outline_of
from processes.workflows.kept_checks import kept_check
from processes.workflows.results import Wanted, make_results
from providers.access import ALL, ANONYMOUS_ID, Principal, Scope
from providers.checks import KeptCheck, remove_check, sweep_checks
from providers.cluster import Cluster
from providers.database import DatabaseRole, Pools, connect, open_pools
from providers.job_attempts import Attempt, AttemptStore
from providers.job_records import NewJob, Result
from providers.jobs import open_jobs
from providers.keys import KeyRecord, new_key, revoke_key
from providers.result_files import AttemptFolder
from server.app import create_app

EVERYTHING = Scope(layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.SECRET, functions=ALL)
MANUAL: dict[str, Any] = {
    "rule": "CR40",
    "title": {"zh": "现场踏勘", "en": "Site visit"},
    "reason": {"zh": "须由人判断", "en": "For people"},
    "choices": [
        {"outcome": "PASS", "text": "已踏勘"},
        {"outcome": "FAIL", "text": "不可行"},
        {"outcome": "VERIFY", "text": "缺少{item}"},
    ],
}
SAID: dict[str, Any] = {
    "conclusion": "COND",
    "text": "涉及永久基本农田，须论证。",
    "document_number": "模审〔2026〕7号",
    "document_date": "2026-03-06",
    "manual": [{"rule": "CR40", "outcome": "PASS"}],
}
SQUARE = [[125.3, 43.8], [125.301, 43.8], [125.301, 43.801], [125.3, 43.801], [125.3, 43.8]]
type Keeping = Callable[..., str]


def a_parcel(number: int, overall: str) -> dict[str, Any]:
    area = {"ellipsoid_m2": 8933.125, "planar_m2": 8930.5}
    finding = {
        "rule": "CR01",
        "version": 1,
        "title": {"zh": "永久基本农田", "en": "Farmland"},
        "family": "line",
        "mandatory": True,
        "fact": "涉及",
        "suggestion": overall,
        "clause": 1,
        "text": "涉及永久基本农田0.8933公顷",
        "reasons": [],
        "needs": [{"id": "farmland_proof", "title": {"zh": "论证报告", "en": "Proof"}}],
        "limits": [],
        "legal": [{"cite": "土地管理法", "verify": False}],
        "concerns": [],
        "pieces": [],
    }
    return {
        "number": number,
        "name": f"地块{number}",
        "id": None,
        "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
        "region": {"code": "220102", "name": "南关区"},
        "areas": {"declared_m2": None, **area},
        "faults": [],
        "overall": overall,
        "summary": {"FAIL": 0, "COND": 0, "VERIFY": 0, "INFO": 0, "PASS": 0} | {overall: 1},
        "rules": [finding],
        "composition": {
            "present": None,
            "planned": None,
            "closed_on": {"present": None, "planned": None},
        },
    }


def a_check(name: str, *overall: str) -> dict[str, Any]:
    """The document of a check of so many parcels."""
    crs = {"uri": "http://www.opengis.net/def/crs/EPSG/0/4530", "name": "3-degree 42", "zone": 42}
    parcels = [a_parcel(i, one) for i, one in enumerate(overall or ("COND",), start=1)]
    return sealed(
        {
            "kind": "compliance_check",
            "draft": False,
            "advisory": {"zh": "系统辅助分析，不作为审批依据", "en": "Advisory"},
            "ruleset": {
                "id": "national_default",
                "version": "1.0.0",
                "title": {"zh": "国家规则集", "en": "National rules"},
                "overrides": [],
            },
            "profile": {
                "id": "site_preapproval",
                "title": {"zh": "预审选址", "en": "Site approval"},
                "matter": "预审选址",
                "date_basis": "acceptance",
                "report": {"template": "site", "title_zh": "预审选址合规性审查报告"},
            },
            "check_date": "2026-03-05",
            "as_of": None,
            "planar_crs": crs,
            "project": {
                "name": name,
                "code": None,
                "attributes": {"far": 1.0},
                "flags": {},
                "documents": {"site_plan": "attached"},
            },
            "layers": [],
            "parcels": parcels,
            **outline_of(parcels).document(),
            "manual": [MANUAL],
            "lineage": [],
        }
    )


def a_job() -> NewJob:
    return NewJob(
        process="echo",
        process_version="1",
        inputs={"text": "x", "pause": 0},
        outputs=("text",),
        response="raw",
        catalogue="",
        per_owner=99,
    )


def owner_of(key: str) -> str:
    return key.split("_")[1]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def _attempt(url: str, owner: str, pools: Pools) -> Attempt:
    async with open_jobs(url, pools) as jobs:
        who = Principal(id=owner, organisation="", person="", role="planner", scope=EVERYTHING)
        job = await jobs.submit(a_job(), who)
        attempt = await AttemptStore(pools).start(job.id)
        assert attempt is not None
        return attempt


def _keep(url: str, document: dict[str, Any], owner: str = ANONYMOUS_ID) -> str:
    """Keep a check as the worker does, with a job of this owner; its hash."""

    async def work() -> None:
        async with open_pools(url) as pools:
            attempt = await _attempt(url, owner, pools)
            value = Result(output="text", media_type="text/plain", value=b"x")
            done = await AttemptStore(pools).finish(attempt, [value, kept_check(document)], {})
            assert done

    asyncio.run(work())
    return str(document["hash"])


@pytest.fixture(scope="module")
def url(cluster: Cluster, new_database: Callable[..., str]) -> str:
    return cluster.address(new_database())


@pytest.fixture(scope="module")
def keys(url: str) -> Callable[..., str]:
    """A factory of keys, each of another person."""

    others = (f"人员{number}" for number in count(1))

    def make(
        role: str = "planner", person: str | None = None, organisation: str = "模拟市局"
    ) -> str:
        person = person or next(others)
        record = KeyRecord(id="", organisation=organisation, person=person, role=role, regions=())
        with connect(url, DatabaseRole.WRITER) as connection:
            return new_key(connection, record, None)

    return make


@pytest.fixture(scope="module")
def planner(keys: Callable[..., str]) -> str:
    return keys(person="张三")


@pytest.fixture(scope="module")
def keep(url: str) -> Keeping:
    return lambda document, owner=ANONYMOUS_ID: _keep(url, document, owner)


@pytest.fixture(scope="module")
def app(
    url: str, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("checks")
    settings = Settings(
        home=home, store=home / "store", database_url=url, catalogue=(PACKAGE_ROOT / "demo",)
    )
    with capture_logs(), TestClient(create_app(settings, catalogue, url)) as one:
        one.headers["Accept"] = "application/json"
        yield one


def pointers(response: httpx.Response) -> list[str]:
    assert response.status_code == 400, response.text
    assert response.json()["code"] == "InvalidBody"
    return [error["pointer"] for error in response.json()["errors"]]


def test_a_check_is_kept_whichever_outputs_are_asked_for(tmp_path: Path) -> None:
    document = a_check("甲")
    told = Output(
        title=Text(zh="结果", en="Result"), description=Text(zh="结果", en="Result"), schema={}
    )
    spec = replace(SPECS["echo"], outputs={"check": told, "note": told}, kept="check")
    wanted = Wanted(outputs=("note",), folder=AttemptFolder(tmp_path, uuid4(), 1))
    context: Any = Context

    value, kept = make_results(context, spec, {"check": document, "note": {}}, wanted)

    assert isinstance(value, Result)
    assert isinstance(kept, KeptCheck)
    assert kept.hash == document["hash"]
    assert orjson.loads(zstandard.ZstdDecompressor().decompress(kept.content)) == document
    tried = {"check": {**document, "draft": True}, "note": {}}
    assert len(make_results(context, spec, tried, wanted)) == 1  # by rules that are not in force


def test_an_attempt_that_is_no_longer_the_jobs_keeps_nothing(url: str, app: TestClient) -> None:
    document = a_check("失去的尝试")

    async def work() -> bool:
        async with open_pools(url) as pools:
            store, attempt = AttemptStore(pools), await _attempt(url, ANONYMOUS_ID, pools)
            await store.release(attempt)
            return await store.finish(attempt, [kept_check(document)], {})

    assert not asyncio.run(work())
    assert app.get(f"/checks/{document['hash']}").status_code == 404


def test_an_equal_check_of_another_is_the_same_record_and_theirs_too(
    app: TestClient, keep: Keeping, keys: Callable[..., str]
) -> None:
    one, other = keys(), keys(person="李四")
    document = a_check("同一项目")
    for key in (one, other, other):
        keep(document, owner_of(key))

    for key in (one, other):
        listed = app.get("/checks", headers=bearer(key)).json()["checks"]
        assert [check["hash"] for check in listed] == [document["hash"]]
        assert listed[0]["project"]["name"] == "同一项目"


@pytest.mark.parametrize("role", [DatabaseRole.WRITER, DatabaseRole.OWNER])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE onemap.kept_check SET facts = '{}'",
        "DELETE FROM onemap.check_owner",
        "DELETE FROM onemap.opinion",
        "TRUNCATE onemap.kept_check CASCADE",
        "UPDATE onemap.opinion SET number = 2",
    ],
)
def test_what_is_kept_is_neither_changed_nor_removed(
    url: str, role: DatabaseRole, statement: str
) -> None:
    refusals = (psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException)
    with connect(url, role) as connection, pytest.raises(refusals):
        connection.execute(statement.encode())


def test_a_check_is_its_owners_and_one_without_an_owner_is_for_who_knows_its_hash(
    app: TestClient, keep: Keeping, keys: Callable[..., str]
) -> None:
    key = keys()
    own, free = keep(a_check("自己的"), owner_of(key)), keep(a_check("匿名的"))

    assert app.get(f"/checks/{own}", headers=bearer(key)).status_code == 200
    for path in ("", "/report", "/opinions"):
        for stranger in ({}, bearer(keys("surveyor")), bearer(keys(organisation="别的局"))):
            assert app.get(f"/checks/{own}{path}", headers=stranger).status_code == 404
        assert app.get(f"/checks/{own}{path}", headers=bearer(keys("auditor"))).status_code == 200
        assert app.get(f"/checks/{free}{path}").status_code == 200
    assert app.get("/checks").json()["checks"] == []


def test_the_list_goes_on_where_the_page_before_ended(
    app: TestClient, keep: Keeping, keys: Callable[..., str]
) -> None:
    key = keys()
    kept = [keep(a_check(f"第{i}个"), owner_of(key)) for i in range(3)]

    first = app.get("/checks", params={"limit": 2}, headers=bearer(key)).json()
    (following,) = [link["href"] for link in first["links"] if link["rel"] == "next"]
    second = app.get(following, headers=bearer(key)).json()

    found = [check["hash"] for page in (first, second) for check in page["checks"]]
    assert found == kept[::-1]
    assert not [link for link in second["links"] if link["rel"] == "next"]


@pytest.mark.parametrize("cursor", ["x", "OTk5", "é", "LTk5OTk5OTk5OTk5OTk5OTk5OTkuMDA"])
def test_a_cursor_that_no_link_holds_is_refused(app: TestClient, planner: str, cursor: str) -> None:
    answer = app.get("/checks", params={"cursor": cursor}, headers=bearer(planner))

    assert answer.status_code == 400
    assert answer.json()["params"]["name"] == "cursor"


@pytest.mark.parametrize("coding", ["zstd", "gzip", "identity"])
def test_the_document_is_sent_as_it_was_made_in_any_coding(
    app: TestClient, keep: Keeping, coding: str
) -> None:
    document = a_check("编码", *["FAIL", "PASS"] * 5)
    path = f"/checks/{keep(document)}"

    answer = app.get(path, headers={"Accept-Encoding": coding})
    content = answer.content
    if coding == "zstd" and content.startswith(b"\x28\xb5\x2f\xfd"):
        content = zstandard.ZstdDecompressor().decompress(content)

    assert answer.headers.get("content-encoding", "identity") == coding
    assert content == orjson.dumps(document)
    tag = {"If-None-Match": answer.headers["etag"], "Accept-Encoding": coding}
    assert app.get(path, headers=tag).status_code == 304


def test_a_part_of_a_check_says_of_which_and_has_no_hash_of_its_own(
    app: TestClient, keep: Keeping
) -> None:
    name = keep(a_check("批次", "PASS", "FAIL", "INFO"))

    part = app.get(f"/checks/{name}/report", params={"f": "json", "parcel": "3,1"})

    assert [parcel["number"] for parcel in part.json()["parcels"]] == [1, 3]
    assert part.json()["excerpt_of"] == name
    assert "hash" not in part.json()
    assert part.headers["content-disposition"].startswith("attachment;")
    for wrong in ("4", "0", "a", "1,", "1;2", ""):
        answer = app.get(f"/checks/{name}/report", params={"f": "json", "parcel": wrong})
        assert answer.status_code == 400, wrong


@pytest.mark.parametrize(("form", "begins"), [("xlsx", b"PK"), ("docx", b"PK")])
def test_a_report_is_the_same_bytes_each_time_and_made_once_for_who_has_it(
    app: TestClient, keep: Keeping, form: str, begins: bytes
) -> None:
    path = f"/checks/{keep(a_check('报告', 'COND', 'PASS'))}/report?f={form}"

    one, again = app.get(path), app.get(path)

    assert one.status_code == 200, one.text
    assert one.content.startswith(begins)
    assert one.content == again.content
    assert one.headers["content-disposition"].startswith("attachment;")
    known = app.get(path, headers={"If-None-Match": one.headers["etag"]})
    assert known.status_code == 304
    assert app.head(path).headers["content-type"] == one.headers["content-type"]


def test_a_person_signs_and_the_sheet_says_who_and_by_what_proof(
    app: TestClient, keep: Keeping, planner: str
) -> None:
    name = keep(a_check("签署"), owner_of(planner))

    answer = app.post(f"/checks/{name}/opinions", json=SAID, headers=bearer(planner))

    assert answer.status_code == 201, answer.text
    signed = answer.json()
    assert signed["signed_by"] == "张三"
    assert signed["organisation"] == "模拟市局"
    assert signed["key"] == owner_of(planner)
    assert signed["check"] == name
    assert signed["parcels"] is None
    assert signed["manual"] == [{"rule": "CR40", "outcome": "PASS", "text": "已踏勘"}]
    assert "不属于《电子签名法》" in signed["proof"]["zh"]
    assert sealed(signed) == signed
    here = answer.headers["location"]
    assert app.get(here, headers=bearer(planner)).json() == signed
    listed = app.get(f"/checks/{name}/opinions", headers=bearer(planner)).json()
    assert listed["opinions"] == [signed]
    sheet = app.get(f"{here}/report", params={"f": "docx"}, headers=bearer(planner))
    assert sheet.status_code == 200, sheet.text
    assert sheet.content.startswith(b"PK")
    (record,) = [
        check
        for check in app.get("/checks", headers=bearer(planner)).json()["checks"]
        if check["hash"] == name
    ]
    assert (record["opinions"], record["conclusion"]) == (1, "COND")
    for path in (here, f"{here}/report?f=docx"):
        assert app.get(path).status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"manual": []}, "/manual"),
        ({"manual": None}, "/manual"),
        ({"manual": ["x"]}, "/manual"),
        ({"manual": [{"rule": "CR99", "outcome": "PASS"}]}, "/manual/0/rule"),
        ({"manual": [{"rule": ["CR40"], "outcome": "PASS"}]}, "/manual/0/rule"),
        ({"manual": [{"rule": "CR40", "outcome": "COND"}]}, "/manual/0/outcome"),
        ({"manual": [{"rule": "CR40", "outcome": "PASS", "by": "x"}]}, "/manual/0"),
        ({"manual": [{"rule": "CR40", "outcome": "PASS", "text": 1}]}, "/manual/0/text"),
        ({"manual": [{"rule": "CR40", "outcome": "PASS"}] * 2}, "/manual"),
        ({"manual": [{"rule": "CR40", "outcome": "VERIFY"}]}, "/manual/0/text"),
        ({"documents": {"": "verified"}}, "/documents"),
        ({"documents": {"unknown": "verified"}}, "/documents"),
        ({"documents": {"site_plan": "attached"}}, "/documents/site_plan"),
        ({"documents": ["site_plan"]}, "/documents"),
        ({"parcels": [3]}, "/parcels"),
        ({"parcels": [0]}, "/parcels"),
        ({"parcels": [1, 1]}, "/parcels"),
        ({"parcels": [True]}, "/parcels"),
        ({"parcels": []}, "/parcels"),
        ({"parcels": "1"}, "/parcels"),
        ({"conclusion": "符合"}, "/conclusion"),
        ({"conclusion": {}}, "/conclusion"),
        ({"text": " "}, "/text"),
        ({"text": "字" * 4_001}, "/text"),
        ({"text": "a\u0000b"}, "/text"),
        ({"document_number": "7\n号"}, "/document_number"),
        ({"document_date": "2026-02-30"}, "/document_date"),
        ({"document_date": 20260306}, "/document_date"),
        ({"supersedes": "x"}, "/supersedes"),
        ({"supersedes": "3f0c1f5e-0b7c-4c8e-9a39-2f8f6c1d7a10"}, "/supersedes"),
        ({"signed_by": "李四"}, ""),
    ],
)
def test_an_opinion_that_says_what_the_check_does_not_know_is_refused(
    app: TestClient, keep: Keeping, planner: str, change: dict[str, Any], pointer: str
) -> None:
    name = keep(a_check("拒绝", "PASS", "FAIL"), owner_of(planner))

    answer = app.post(f"/checks/{name}/opinions", json={**SAID, **change}, headers=bearer(planner))

    assert pointer in pointers(answer)
    listed = app.get(f"/checks/{name}/opinions", headers=bearer(planner))
    assert listed.json()["opinions"] == []


@pytest.mark.parametrize("body", [[], {}, "x", 1.5, {"text": "x"}])
def test_a_body_that_is_no_opinion_is_told_everything_it_lacks(
    app: TestClient, keep: Keeping, planner: str, body: Any
) -> None:
    name = keep(a_check("缺项"), owner_of(planner))

    found = pointers(app.post(f"/checks/{name}/opinions", json=body, headers=bearer(planner)))

    if isinstance(body, dict):
        assert {"/conclusion", "/document_date", "/manual"} <= set(found)


@pytest.mark.parametrize("number", [None, ""])
def test_an_opinion_may_wait_for_its_number(
    app: TestClient, keep: Keeping, planner: str, number: str | None
) -> None:
    path = f"/checks/{keep(a_check(f'无文号{number}'), owner_of(planner))}/opinions"

    answer = app.post(path, json={**SAID, "document_number": number}, headers=bearer(planner))

    assert answer.status_code == 201, answer.text
    assert answer.json()["document_number"] is None
    for face in ("/report?f=docx", "?f=html"):
        sheet = app.get(f"{answer.headers['location']}{face}", headers=bearer(planner))
        assert sheet.status_code == 200, sheet.text


def test_only_a_person_with_the_function_signs_and_a_revoked_key_signs_no_more(
    app: TestClient, keep: Keeping, keys: Callable[..., str], url: str
) -> None:
    name, ended = keep(a_check("谁能签署")), keys()
    path = f"/checks/{name}/opinions"

    for headers in ({}, bearer(keys("surveyor")), bearer(keys("auditor"))):
        refused = app.post(path, json=SAID, headers=headers)
        assert refused.status_code == 403
        assert refused.json()["params"] == {"function": "sign"}
    assert app.get(path, headers=bearer(ended)).status_code == 200  # known for a moment
    with connect(url, DatabaseRole.WRITER) as connection:
        assert revoke_key(connection, owner_of(ended))
    assert app.post(path, json=SAID, headers=bearer(ended)).status_code == 401
    assert app.get(path).json()["opinions"] == []
    assert app.get(path, headers=bearer(keys("auditor"))).json()["opinions"] == []


def test_an_opinion_that_follows_names_the_one_before_and_overwrites_nothing(
    app: TestClient, keep: Keeping, keys: Callable[..., str]
) -> None:
    first, second = keys(person="张三"), keys(person="李四")
    path = f"/checks/{keep(a_check('先后', 'PASS', 'FAIL', 'INFO'))}/opinions"

    def sign(key: str, **change: Any) -> httpx.Response:
        answer: httpx.Response = app.post(path, json={**SAID, **change}, headers=bearer(key))
        return answer

    whole = sign(first).json()
    assert whole["supersedes"] is None
    part = sign(second, parcels=[3, 2], supersedes=whole["id"], conclusion="PASS").json()
    other = sign(second, parcels=[1], supersedes=whole["id"]).json()
    for stale in (whole["id"], None, other["id"]):
        late = sign(first, parcels=[2], supersedes=stale)
        assert pointers(late) == ["/supersedes"]
        assert part["id"] in late.json()["detail"]
        assert "李四" in late.json()["detail"]
    again = sign(first, parcels=[2], supersedes=part["id"]).json()

    read = app.get(path, headers=bearer(first)).json()["opinions"]
    assert read == [whole, part, other, again]
    assert part["parcels"] == [2, 3]
    told = app.get(f"/verify/{whole['hash']}").json()
    assert told["superseded_by"] == [
        {"hash": part["hash"], "of_parcels": [2, 3]},
        {"hash": other["hash"], "of_parcels": [1]},
        {"hash": again["hash"], "of_parcels": [2]},
    ]
    assert app.get(f"/verify/{again['hash']}").json()["superseded_by"] == []
    assert app.get(f"/verify/{other['hash']}").json()["superseded_by"] == []


def test_an_opinion_that_a_later_one_passed_over_stands_no_more(
    app: TestClient, keep: Keeping, planner: str
) -> None:
    path = f"/checks/{keep(a_check('隔代', 'PASS', 'FAIL'), owner_of(planner))}/opinions"

    def sign(**change: Any) -> Any:
        answer = app.post(path, json={**SAID, **change}, headers=bearer(planner))
        assert answer.status_code == 201, answer.text
        return answer.json()

    one = sign(parcels=[1])
    two = sign(parcels=[2])
    whole = sign(supersedes=two["id"])

    for each in (one, two):
        told = app.get(f"/verify/{each['hash']}").json()
        assert told["superseded_by"] == [{"hash": whole["hash"], "of_parcels": None}]


def test_of_those_who_sign_at_once_one_does_and_the_others_are_told_of_it(
    app: TestClient, keep: Keeping, planner: str
) -> None:
    name = keep(a_check("同时"), owner_of(planner))
    path, bodies = f"/checks/{name}/opinions", [SAID, SAID, SAID]
    with ThreadPoolExecutor(3) as pool:
        answers = pool.map(lambda body: app.post(path, json=body, headers=bearer(planner)), bodies)

        assert sorted(answer.status_code for answer in answers) == [201, 400, 400]

    (found,) = app.get(path, headers=bearer(planner)).json()["opinions"]
    assert found["supersedes"] is None


@pytest.mark.parametrize(("params", "status"), [({"f": "pdf"}, 400), ({"lang": "xx"}, 400)])
def test_what_cannot_be_answered_is_not_signed(
    app: TestClient, keep: Keeping, planner: str, params: dict[str, str], status: int
) -> None:
    path = f"/checks/{keep(a_check('不可答'), owner_of(planner))}/opinions"
    odd = {**bearer(planner), "Accept": "image/png"}

    assert app.post(path, json=SAID, headers=odd).status_code == 406
    refused = app.post(path, json=SAID, headers=bearer(planner), params=params)
    assert refused.status_code == status
    assert app.get(path, headers=bearer(planner)).json()["opinions"] == []


def test_whoever_makes_an_equal_check_later_does_not_read_what_was_said_on_it(
    app: TestClient, keep: Keeping, keys: Callable[..., str]
) -> None:
    owner, rival = keys(), keys(organisation="别的局")
    document = a_check("同一地块")
    path = f"/checks/{keep(document, owner_of(owner))}"
    signed = app.post(f"{path}/opinions", json=SAID, headers=bearer(owner)).json()
    keep(document)
    keep(document, owner_of(rival))

    for stranger in ({}, bearer(rival)):
        assert app.get(path, headers=stranger).status_code == 200  # they have just made it
        (told,) = app.get(f"{path}/opinions", headers=stranger).json()["opinions"]
        assert told.keys() == {
            "id", "hash", "parcels", "conclusion", "signed_by", "organisation", "signed_at",
            "document_number",
        }  # fmt: skip
        page = app.get(f"{path}/opinions", params={"f": "html"}, headers=stranger).text
        assert f"/verify/{signed['hash']}" in page
        assert SAID["text"] not in page
        here = f"/opinions/{signed['id']}"
        for place in (here, f"{here}/report?f=docx"):
            assert app.get(place, headers=stranger).status_code == 404
    for reader in (owner, keys(), keys("auditor")):
        (read,) = app.get(f"{path}/opinions", headers=bearer(reader)).json()["opinions"]
        assert read == signed


def test_a_renewed_key_has_the_checks_of_the_person_and_colleagues_sign_by_hash(
    app: TestClient, keep: Keeping, keys: Callable[..., str], url: str
) -> None:
    old, new = keys(person="赵六"), keys(person="赵六")
    colleague, surveyor = keys(), keys("surveyor")
    namesake = keys(person="赵六", organisation="别的局")
    name = keep(a_check("换钥匙"), owner_of(old))
    keep(a_check("换钥匙"), owner_of(new))
    with connect(url, DatabaseRole.WRITER) as connection:
        revoke_key(connection, owner_of(old))

    def listed(key: str) -> list[str]:
        checks = app.get("/checks", headers=bearer(key)).json()["checks"]
        return [check["hash"] for check in checks]

    assert listed(new) == [name]
    assert listed(colleague) == listed(namesake) == []
    for key, status in [(colleague, 200), (surveyor, 404), (namesake, 404)]:
        assert app.get(f"/checks/{name}", headers=bearer(key)).status_code == status
    signed = app.post(f"/checks/{name}/opinions", json=SAID, headers=bearer(colleague))
    assert signed.status_code == 201, signed.text
    assert app.get(f"/opinions/{signed.json()['id']}", headers=bearer(new)).status_code == 200


def aged(url: str, name: str, days: int) -> None:
    """As if a check had been made so many days ago."""
    with connect(url, DatabaseRole.OWNER) as connection:
        for table, column in (("kept_check", "kept_at"), ("check_owner", "seen_at")):
            connection.execute(f"ALTER TABLE onemap.{table} DISABLE TRIGGER USER".encode())
            statement = f"UPDATE onemap.{table} SET {column} = {column} - %s WHERE hash = %s"
            connection.execute(statement.encode(), (timedelta(days=days), name))
            connection.execute(f"ALTER TABLE onemap.{table} ENABLE TRIGGER USER".encode())


def test_a_check_without_a_key_expires_unless_a_key_made_it_or_a_person_signed(
    app: TestClient, keep: Keeping, planner: str, url: str
) -> None:
    names = ["过期", "有人签署", "也是自己的", "又算一次", "新的"]
    expired, signed, own, again, new = (keep(a_check(f"到期 {each}")) for each in names)
    done = app.post(f"/checks/{signed}/opinions", json=SAID, headers=bearer(planner))
    assert done.status_code == 201, done.text
    keep(a_check("到期 也是自己的"), owner_of(planner))
    for name in (expired, signed, own, again):
        aged(url, name, 31)
    keep(a_check("到期 又算一次"))

    async def sweep() -> int:
        async with open_pools(url) as pools:
            return await sweep_checks(pools, timedelta(days=30))

    assert asyncio.run(sweep()) == 1
    found = {name: app.get(f"/checks/{name}").status_code for name in (expired, signed, again, new)}
    assert found == {expired: 404, signed: 200, again: 200, new: 200}
    assert app.get(f"/checks/{own}", headers=bearer(planner)).status_code == 200
    assert app.get(f"/verify/{expired}").status_code == 404


def test_what_an_administrator_removes_is_known_to_be_removed(
    app: TestClient, keep: Keeping, planner: str, url: str
) -> None:
    document = a_check("移除")
    name = keep(document, owner_of(planner))
    signed = app.post(f"/checks/{name}/opinions", json=SAID, headers=bearer(planner)).json()
    forbidden = psycopg.errors.InsufficientPrivilege
    with connect(url, DatabaseRole.WRITER) as connection, pytest.raises(forbidden):
        remove_check(connection, name, "管理员", "申请人要求")
    with connect(url, DatabaseRole.OWNER) as connection:
        assert remove_check(connection, name, "管理员", "申请人要求") == 2
        assert remove_check(connection, name, "管理员", "再来一次") == 0
        row = connection.execute(
            "SELECT removed_by, reason FROM onemap.removed_check WHERE hash = %s", (name,)
        ).fetchone()
        assert row == ("管理员", "申请人要求")

    assert app.get(f"/checks/{name}", headers=bearer(planner)).status_code == 404
    for each, kind in ((name, "compliance_check"), (signed["hash"], "compliance_opinion")):
        told = app.get(f"/verify/{each}").json()
        assert (told["kind"], told["of"]) == ("removed", kind)
        assert "申请人" not in app.get(f"/verify/{each}").text
        page = app.get(f"/verify/{each}", params={"f": "html", "lang": "zh"})
        assert "移除" in page.text
    answer = app.post("/verify", json=document).json()
    assert (answer["unaltered"], answer["known"]) == (True, False)
    assert "移除" in answer["statement"]["zh"]


def test_anybody_verifies_by_hash_and_learns_no_project_and_no_place(
    app: TestClient, keep: Keeping, planner: str
) -> None:
    name = keep(a_check("某某公司项目", "PASS", "FAIL"), owner_of(planner))
    signed = app.post(f"/checks/{name}/opinions", json=SAID, headers=bearer(planner)).json()

    check, opinion = (app.get(f"/verify/{each}") for each in (name, signed["hash"]))

    told = check.json()
    assert (told["kind"], told["overall"], told["parcels"]) == ("compliance_check", "FAIL", 2)
    assert told["check_date"] == "2026-03-05"
    assert told["profile"]["title"]["zh"] == "预审选址"
    assert [one["signed_by"] for one in told["opinions"]] == ["张三"]
    said = opinion.json()
    assert (said["kind"], said["conclusion"], said["check"]) == ("compliance_opinion", "COND", name)
    assert said["document_number"] == SAID["document_number"]
    for answer in (check, opinion):
        assert "某某公司" not in answer.text
        assert "125.3" not in answer.text
        assert "地块" not in answer.text


@pytest.mark.parametrize("name", ["0" * 64, "x", "A" * 64, "%00"])
def test_a_hash_that_nothing_kept_has_is_not_found(app: TestClient, name: str) -> None:
    for path in ("/verify/", "/checks/", "/opinions/"):
        answer = app.get(f"{path}{name}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_document_is_verified_whoever_wrote_its_json_and_a_change_is_seen(
    app: TestClient, keep: Keeping
) -> None:
    document = a_check("整份")
    keep(document)
    rewritten = json.loads(json.dumps(document).replace('"far": 1.0', '"far": 1'))
    changed = json.loads(json.dumps(document).replace("8933.125", "8933.126"))
    unknown = a_check("别处的")

    def found(body: Any) -> tuple[bool, bool]:
        answer = app.post("/verify", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["unaltered"], answer.json()["known"]

    assert found(document) == (True, True)
    assert found(rewritten) == (True, True)
    assert found(changed) == (False, True)
    assert found(unknown) == (True, False)
    assert app.post("/verify", json=unknown).json()["record"] is None


def test_a_signed_opinion_is_verified_as_a_document(
    app: TestClient, keep: Keeping, planner: str
) -> None:
    name = keep(a_check("意见核验"), owner_of(planner))
    signed = app.post(f"/checks/{name}/opinions", json=SAID, headers=bearer(planner)).json()

    answer = app.post("/verify", json=signed).json()
    forged = app.post("/verify", json={**signed, "conclusion": "PASS"}).json()

    assert (answer["unaltered"], answer["record"]["signed_by"]) == (True, "张三")
    assert (forged["unaltered"], forged["known"]) == (False, True)


@pytest.mark.parametrize(
    "body", [b"[]", b"1", b"{}", b'{"hash": 1}', b'{"hash": "x"}', b'{"hash": "%s"}' % (b"A" * 64)]
)
def test_what_is_no_document_is_not_verified(app: TestClient, body: bytes) -> None:
    answer = app.post("/verify", content=body, headers={"Content-Type": "application/json"})

    assert "/hash" in pointers(answer)


def test_a_document_nested_without_end_is_refused_and_not_an_error(app: TestClient) -> None:
    body = b'{"hash": "%s", "a": %s%s}' % (b"0" * 64, b"[" * 900, b"]" * 900)
    headers = {"Content-Type": "application/json"}

    assert app.post("/verify", content=body, headers=headers).status_code == 400


@pytest.mark.parametrize("rest", [b'"a": 1, "a": 2', b'"a": {"b": 1, "b": 1}', b'"a": NaN', b'"a"'])
def test_what_readers_read_differently_is_not_verified(app: TestClient, rest: bytes) -> None:
    body = b'{"hash": "%s", %s}' % (b"0" * 64, rest)

    answer = app.post("/verify", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["code"] == "InvalidBody"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_check_its_opinions_and_their_verification_have_pages(
    app: TestClient, keep: Keeping, planner: str, lang: str
) -> None:
    name = keep(a_check(f"页面 {lang}", "PASS", "FAIL"), owner_of(planner))
    path, html = f"/checks/{name}", {"f": "html", "lang": lang}
    signed = app.post(f"{path}/opinions", json=SAID, headers=bearer(planner)).json()
    suggested = {"zh": "不符合", "en": "does not conform"}[lang]
    for address, words in [
        ("/checks", [name, suggested]),
        (path, [name, suggested, "永久基本农田" if lang == "zh" else "Farmland", "缺少……"]),
        (f"{path}/opinions", [SAID["document_number"], "张三"]),
        (f"/opinions/{signed['id']}", [SAID["text"], signed["hash"]]),
        (f"/verify/{name}", ["张三", suggested]),
        (f"/verify/{signed['hash']}", ["张三", "模拟市局"]),
    ]:
        page = app.get(address, params=html, headers=bearer(planner))
        assert page.status_code == 200, page.text
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        for word in words:
            assert word in page.text, (address, word)


def test_the_page_of_a_large_check_is_its_summary(
    app: TestClient, keep: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/checks/{keep(a_check('批次', 'PASS', 'FAIL'))}"
    monkeypatch.setattr("server.checks.FACE_BYTES", 1_000)

    page = app.get(path, params={"f": "html", "lang": "zh"})

    assert page.status_code == 200, page.text
    assert "本页只显示概要" in page.text
    assert "永久基本农田" not in page.text
    for coding in ("identity", "gzip", "zstd"):  # sent part by part
        sent = app.get(path, headers={"Accept-Encoding": coding})
        assert sent.headers.get("content-encoding", "identity") == coding
        assert sent.content == orjson.dumps(a_check("批次", "PASS", "FAIL"))


def test_a_server_as_it_runs_makes_reports_beside_itself(
    client: httpx.Client, live_settings: dict[str, str]
) -> None:
    kept = kept_check(a_check("服务"))
    values = (kept.hash, Jsonb(dict(kept.facts)), kept.content, kept.bytes)
    with connect(live_settings["ONEMAP_DATABASE_URL"], DatabaseRole.WRITER) as connection:
        connection.execute(
            "INSERT INTO onemap.kept_check (hash, facts, content, bytes) VALUES (%s, %s, %s, %s)",
            values,
        )
        connection.execute(
            "INSERT INTO onemap.check_owner (hash, owner, job) VALUES (%s, %s, %s)",
            (kept.hash, ANONYMOUS_ID, uuid4()),
        )
    for params in ({"f": "json", "parcel": "1"}, {"f": "jsonfg"}):
        part = client.get(f"/checks/{kept.hash}/report", params=params)
        assert part.status_code == 200, part.text
        tag = {"If-None-Match": part.headers["etag"]}
        assert client.get(part.url, headers=tag).status_code == 304
        assert part.json().get("excerpt_of", part.json().get("check")) == kept.hash
    for form in ("docx", "xlsx"):
        answer = client.get(f"/checks/{kept.hash}/report", params={"f": form})
        assert answer.status_code == 200, answer.text
        assert answer.content.startswith(b"PK")
    command = [sys.executable, "-m", "server", "drop-check", kept.hash, "--by", "管理员"]
    for code in (0, 1):  # the second time there is none
        done = subprocess.run(
            [*command, "--reason", "测试"],
            env=child_environ(**live_settings, PYTHONPATH=str(PACKAGE_ROOT.parent)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
    assert client.get(f"/verify/{kept.hash}").json()["kind"] == "removed"


def test_the_command_line_makes_no_key_without_a_person() -> None:
    command = [
        sys.executable,
        "-m",
        "server",
        "key",
        "new",
        "--organisation",
        "甲",
        "--person",
        " ",
    ]
    done = subprocess.run(
        [*command, "--role", "planner"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "--person" in done.stderr


def test_a_check_that_the_server_makes_is_kept_signed_and_verified(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    key = bearer(new_key("planner", person="王五"))
    body: Any = SPECS["compliance_check"].example
    made = client.post("/processes/compliance-check/execution", json=body, headers=key)
    assert made.status_code == 200, made.text
    name = made.json()["hash"]

    kept = client.get(f"/checks/{name}", headers=key)

    assert kept.json() == made.json()
    assert client.get(f"/checks/{name}").status_code == 404
    assert client.post("/verify", json=made.json()).json()["unaltered"]
    again = client.post("/processes/compliance-check/execution", json=body, headers=key)
    assert again.json()["hash"] == name
    listed = client.get("/checks", headers=key).json()["checks"]
    assert [check["hash"] for check in listed] == [name]
    answers = [
        {"rule": item["rule"], "outcome": item["choices"][0]["outcome"], "text": "经人工核对"}
        for item in made.json()["manual"]
    ]
    said = {**SAID, "manual": answers}
    signed = client.post(f"/checks/{name}/opinions", json=said, headers=key)
    assert signed.status_code == 201, signed.text
    sheet = f"/opinions/{signed.json()['id']}/report?f=docx"
    for path in (sheet, f"/checks/{name}/report?f=xlsx", f"/checks/{name}/report?f=docx"):
        assert client.get(path, headers=key).content.startswith(b"PK")
    assert client.get(f"/verify/{signed.json()['hash']}").json()["signed_by"] == "王五"

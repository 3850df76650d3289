"""Short pages are kept: word for word what the rows give, and never older than the request."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from config.model import Catalogue
from config.settings import Settings
from config.vocabulary import EditionKey, LayerId
from providers import current_revisions
from providers.current_revisions import CurrentRevisions
from providers.database import DatabaseRole, Pools, connect, open_pools
from providers.errors import StoreTimeout
from providers.keys import KeyRecord, new_key
from providers.layers import LayerStore
from providers.revisions import Revision, RevisionKind
from server.app import create_app

type Loader = Callable[..., Revision]
LAYER, KEY = LayerId("land_use"), EditionKey("2024")
PAGE = f"/collections/{LAYER}/items"
SENT = ("etag", "last-modified", "link", "content-type", "content-language", "content-crs", "vary")


@pytest.fixture
def client(
    settings: Settings,
    catalogue: Catalogue,
    load_squares: Loader,
    wait_until: Callable[[Callable[[], bool]], None],
) -> Iterator[TestClient]:
    load_squares(LAYER, KEY, [str(n) for n in range(30)], columns={"BZ": ["old"] * 30})
    application = create_app(settings, catalogue, str(settings.database_url))
    with capture_logs(), TestClient(application) as served:
        served.headers["Accept"] = "application/geo+json"
        wait_until(lambda: served.get("/health/ready").status_code == 200)
        yield served


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pages that are read from rows, by their limits."""
    read: list[int] = []
    real = LayerStore.page

    async def counted(
        store: LayerStore, layer: Any, edition: Any, query: Any, *a: Any, **k: Any
    ) -> Any:
        read.append(query.limit)
        return await real(store, layer, edition, query, *a, **k)

    monkeypatch.setattr(LayerStore, "page", counted)
    return read


def said(answer: httpx.Response) -> tuple[int, bytes, list[str | None]]:
    return answer.status_code, answer.content, [answer.headers.get(name) for name in SENT]


@pytest.mark.parametrize(
    "words", ["limit=3", "limit=3&lang=en", "limit=2&offset=2&sortby=-BSM", "f=jsonfg&limit=2",
              "resulttype=hits", "filter=BZ='old'&limit=1"],
)  # fmt: skip
def test_a_page_that_is_asked_for_again_is_the_same_and_reads_no_rows(
    client: TestClient, pages: list[int], words: str
) -> None:
    first = client.get(f"{PAGE}?{words}")
    assert first.status_code == 200
    read = len(pages)

    assert said(client.get(f"{PAGE}?{words}")) == said(first)
    assert len(pages) == read


def test_every_edit_shows_in_the_first_answer_after_it(
    client: TestClient, load_squares: Loader
) -> None:
    for number in range(12):
        before = client.get(f"{PAGE}?limit=30").json()
        columns = {"BZ": [f"new {number}"]}
        load_squares(LAYER, KEY, ["7"], columns=columns, kind=RevisionKind.MERGE)
        after = client.get(f"{PAGE}?limit=30").json()

        remarks = [{f["properties"]["BZ"] for f in page["features"]} for page in (before, after)]
        assert f"new {number}" not in remarks[0]
        assert f"new {number}" in remarks[1]
        assert after["x-onemap"]["revision"] == before["x-onemap"]["revision"] + 1


def test_a_caller_with_a_key_is_never_given_what_was_kept_for_others(
    client: TestClient, pages: list[int], settings: Settings
) -> None:
    record = KeyRecord(id="", organisation="单位", person="人", role="planner", regions=())
    with connect(str(settings.database_url), DatabaseRole.WRITER) as connection:
        key = new_key(connection, record, None)
    client.get(f"{PAGE}?limit=3")
    read = len(pages)
    for number in (1, 2):
        answer = client.get(f"{PAGE}?limit=3", headers={"Authorization": f"Bearer {key}"})
        assert answer.headers["cache-control"] == "private, no-cache"
        assert len(pages) == read + number


def test_who_has_a_kept_page_is_told_so(client: TestClient, pages: list[int]) -> None:
    first = client.get(f"{PAGE}?limit=3")
    read = len(pages)

    again = client.get(f"{PAGE}?limit=3", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert len(pages) == read


def test_another_language_coding_or_method_has_its_own_answer(client: TestClient) -> None:
    address = f"{PAGE}?limit=20"
    for _ in range(2):
        plain = client.get(address, headers={"Accept-Encoding": "identity"})
        packed = client.get(address, headers={"Accept-Encoding": "gzip"})
        english = client.get(address, headers={"Accept-Language": "en"})
        head = client.head(address, headers={"Accept-Encoding": "identity"})

        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.json() == plain.json()
        assert (plain.headers["content-language"], english.headers["content-language"]) == (
            "zh",
            "en",
        )
        assert (head.status_code, head.content, head.headers["etag"]) == (
            200,
            b"",
            plain.headers["etag"],
        )


def test_a_page_whose_words_are_long_is_not_kept(client: TestClient, pages: list[int]) -> None:
    for name, value in (
        ("Accept", "application/geo+json" + ", a/b" * 1_000),
        ("Accept-Language", "en" * 2_000),
    ):
        client.get(f"{PAGE}?limit=3", headers={name: value})
        read = len(pages)
        client.get(f"{PAGE}?limit=3", headers={name: value})
        assert len(pages) == read + 1, name


def test_pages_for_people_and_past_states_are_not_kept(
    client: TestClient, pages: list[int]
) -> None:
    for words in ("asOf=2100-01-01T00:00:00Z&limit=2", "limit=2&f=html"):
        client.get(f"{PAGE}?{words}")
        read = len(pages)
        client.get(f"{PAGE}?{words}")
        assert len(pages) == read + 1, words


def of_pools(url: str, work: Callable[[Pools], Any]) -> Any:
    async def main() -> Any:
        async with open_pools(url, readers=3, writers=1) as pools:
            return await work(pools)

    return asyncio.run(main())


def test_all_who_ask_at_the_same_time_are_answered_by_one_question(
    load_squares: Loader, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_squares(LAYER, KEY, ["1"])
    questions: list[Any] = []
    real = Pools.reading

    def counted(pools: Pools, *given: Any) -> Any:
        questions.append(given)
        return real(pools, *given)

    monkeypatch.setattr(Pools, "reading", counted)

    async def ask(pools: Pools) -> list[int | None]:
        revisions = CurrentRevisions(pools)
        named = [(LAYER, KEY)] * 40 + [(LayerId("nothing"), KEY)]
        return await asyncio.gather(*(revisions.of(*one) for one in named))

    assert of_pools(database_url, ask) == [1] * 40 + [None]
    assert len(questions) == 1


def test_who_asks_while_a_question_is_under_way_hears_of_what_came_in_between(
    load_squares: Loader, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_squares(LAYER, KEY, ["1"])
    read, release = asyncio.Event(), asyncio.Event()
    real = Pools.reading

    @asynccontextmanager
    async def held(pools: Pools, *given: Any) -> AsyncIterator[Any]:
        async with real(pools, *given) as connection:
            yield connection
        if not read.is_set():  # the first question has its answer, and nobody knows of it yet
            read.set()
            await release.wait()

    monkeypatch.setattr(Pools, "reading", held)

    async def ask(pools: Pools) -> list[int | None]:
        revisions = CurrentRevisions(pools)
        first = asyncio.create_task(revisions.of(LAYER, KEY))
        await read.wait()
        with connect(database_url, DatabaseRole.WRITER) as connection:
            connection.execute("UPDATE onemap.edition SET revision = 5")
        left = asyncio.create_task(revisions.of(LAYER, KEY))
        second = asyncio.create_task(revisions.of(LAYER, KEY))
        await asyncio.sleep(0)
        left.cancel()  # who leaves takes nobody's answer along
        release.set()
        return [await first, await second]

    assert of_pools(database_url, ask) == [1, 5]


def test_a_question_that_is_never_answered_holds_up_nobody_for_long(
    load_squares: Loader, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_squares(LAYER, KEY, ["1"])
    monkeypatch.setattr(current_revisions, "PATIENCE_S", 0.2)

    async def ask(pools: Pools) -> int | None:
        revisions = CurrentRevisions(pools)
        with connect(database_url, DatabaseRole.OWNER) as connection:
            connection.execute("LOCK TABLE onemap.edition IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreTimeout):
                await revisions.of(LAYER, KEY)
        monkeypatch.setattr(current_revisions, "PATIENCE_S", 10.0)
        return await revisions.of(LAYER, KEY)

    assert of_pools(database_url, ask) == 1

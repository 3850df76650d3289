"""What is known of a layer's state answers HEAD and what a client has already: no row is read."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from providers.layers import LayerStore

ITEMS = "/collections/land_use/items"


@pytest.fixture
def unread(
    own: TestClient,
    load_squares: Callable[..., object],
    wait_until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[TestClient, dict[str, str]]:
    """The application once its rows can be read no more, and the headers of a page from before."""
    load_squares("land_use", "2024", ["0", "1", "2"])

    def known() -> bool:
        response = own.get(ITEMS)
        return response.is_success and bool(response.json()["features"])

    wait_until(known)
    before = dict(own.get(ITEMS).headers)

    async def refuse(*_: object, **__: object) -> None:
        raise AssertionError("rows were read")

    for name in ("page", "count", "fetch", "item"):
        monkeypatch.setattr(LayerStore, name, refuse)
    return own, before


def test_head_tells_the_headers_of_a_page_without_reading_it(
    unread: tuple[TestClient, dict[str, str]],
) -> None:
    client, before = unread

    answer = client.head(ITEMS)

    assert answer.status_code == 200
    for name in ("etag", "last-modified", "content-type", "content-crs", "vary"):
        assert answer.headers[name] == before[name]


@pytest.mark.parametrize(
    ("asks", "told"), [("If-None-Match", "etag"), ("If-Modified-Since", "last-modified")]
)
def test_a_page_that_the_client_has_is_not_read_again(
    unread: tuple[TestClient, dict[str, str]], asks: str, told: str
) -> None:
    client, before = unread

    answer = client.get(ITEMS, headers={asks: before[told]})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == before["etag"]

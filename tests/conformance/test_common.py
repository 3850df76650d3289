"""OGC API - Common, Part 1 (19-072): landing page, conformance, API definition, encodings."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

COMMON = "http://www.opengis.net/spec/ogcapi-common-1/1.0/req/"
DOCUMENTS = (
    "/",
    "/conformance",
    "/collections",
    "/collections/land_use",
    "/processes",
    "/tileMatrixSets",
)
OPENAPI_3 = "application/vnd.oai.openapi+json;version=3.0"


def _links(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    links: dict[str, list[dict[str, Any]]] = {}
    for link in document["links"]:
        links.setdefault(link["rel"], []).append(link)
    return links


@pytest.mark.requirement(f"{COMMON}core/http")
@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_head_request_has_the_headers_of_the_get_and_no_body(
    client: httpx.Client, path: str
) -> None:
    got, headed = client.get(path), client.head(path)

    assert headed.status_code == got.status_code == 200
    assert headed.headers["Content-Type"] == got.headers["Content-Type"]
    assert headed.content == b""


@pytest.mark.requirement(f"{COMMON}core/http")
def test_a_method_that_a_resource_does_not_have_is_405_and_names_those_it_has(
    client: httpx.Client,
) -> None:
    answer = client.post("/collections", json={})

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.requirement(f"{COMMON}landing-page/root-op")
def test_the_landing_page_is_at_the_root(client: httpx.Client) -> None:
    assert client.get("/").status_code == 200


@pytest.mark.requirement(f"{COMMON}landing-page/root-success")
def test_the_landing_page_links_to_definition_documentation_conformance_and_data(
    client: httpx.Client,
) -> None:
    links = _links(client.get("/").json())

    assert links["service-desc"][0]["type"] == OPENAPI_3
    assert links["service-doc"][0]["type"] == "text/html"
    assert {"self", "alternate", "conformance", "data"} <= links.keys()


@pytest.mark.requirement(f"{COMMON}landing-page/root-success")
def test_every_link_of_the_landing_page_can_be_followed(client: httpx.Client) -> None:
    for links in _links(client.get("/").json()).values():
        for link in links:
            answer = client.get(link["href"], headers={"Accept": link["type"]})
            assert answer.status_code == 200, link
            assert (
                answer.headers["Content-Type"].partition(";")[0] == link["type"].partition(";")[0]
            )


@pytest.mark.requirement(f"{COMMON}landing-page/api-definition-op")
def test_the_links_to_the_api_definition_can_be_followed(client: httpx.Client) -> None:
    links = _links(client.get("/").json())
    described = [*links["service-desc"], *links["service-doc"]]

    assert [
        client.get(link["href"], headers={"Accept": link["type"]}).status_code for link in described
    ]
    assert all(
        client.get(link["href"], headers={"Accept": link["type"]}).status_code == 200
        for link in described
    )


@pytest.mark.requirement(f"{COMMON}landing-page/api-definition-success")
def test_the_api_definition_describes_this_server(
    client: httpx.Client, live_server: str, published: dict[str, Any]
) -> None:
    assert client.get("/openapi").headers["Content-Type"] == OPENAPI_3
    assert published["servers"] == [{"url": live_server}]


@pytest.mark.requirement(f"{COMMON}landing-page/conformance-op")
def test_the_conformance_declaration_is_at_its_path(client: httpx.Client) -> None:
    assert client.get("/conformance").status_code == 200


@pytest.mark.requirement(f"{COMMON}landing-page/conformance-success")
def test_the_conformance_declaration_lists_the_classes_of_common(client: httpx.Client) -> None:
    declared = client.get("/conformance").json()["conformsTo"]

    assert len(declared) == len(set(declared))
    assert {
        f"{COMMON.removesuffix('req/')}conf/{name}" for name in ("core", "landing-page", "json")
    } <= {*declared}


@pytest.mark.requirement(f"{COMMON}json/definition")
@pytest.mark.parametrize("path", DOCUMENTS)
def test_every_document_can_be_had_as_json(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"Accept": "application/json"})

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()


@pytest.mark.requirement(f"{COMMON}json/content")
@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_have_a_target_a_relation_and_a_type(client: httpx.Client, path: str) -> None:
    for link in _objects_with("href", client.get(path).json()):
        assert link["href"]
        assert link["rel"]
        assert link["type"]
        assert isinstance(link.get("templated", False), bool)


@pytest.mark.requirement(f"{COMMON}html/definition")
@pytest.mark.parametrize("path", DOCUMENTS)
def test_every_document_can_be_had_as_a_page(client: httpx.Client, path: str) -> None:
    negotiated = client.get(path, headers={"Accept": "text/html"})
    asked = client.get(path, params={"f": "html"})

    assert (
        negotiated.headers["Content-Type"]
        == asked.headers["Content-Type"]
        == "text/html; charset=utf-8"
    )


@pytest.mark.requirement(f"{COMMON}html/content")
def test_the_page_says_what_the_document_says(client: httpx.Client) -> None:
    document = client.get("/").json()
    page = client.get("/", params={"f": "html"}).text

    assert page.lstrip().lower().startswith("<!doctype html>")
    assert document["title"] in page
    for link in _links(document)["conformance"]:
        assert link["href"].partition("//")[2].partition("/")[2] in page


@pytest.mark.requirement(f"{COMMON}oas30/oas-definition-1")
def test_the_api_definition_is_openapi_3_0_in_json(client: httpx.Client) -> None:
    answer = client.get("/openapi", params={"f": "json"})

    assert answer.headers["Content-Type"] == OPENAPI_3
    assert answer.json()["openapi"].startswith("3.0.")


@pytest.mark.requirement(f"{COMMON}oas30/oas-definition-2")
def test_the_api_definition_is_valid(published: dict[str, Any]) -> None:
    assert list(OpenAPIV30SpecValidator(published).iter_errors()) == []


@pytest.mark.requirement(f"{COMMON}oas30/oas-impl")
def test_every_operation_without_a_path_variable_answers_as_it_is_described(
    client: httpx.Client, published: dict[str, Any]
) -> None:
    for path, item in published["paths"].items():
        if "get" in item and "{" not in path:
            answer = client.get(path, headers={"Accept": "*/*"})
            described = item["get"]["responses"][str(answer.status_code)]
            assert answer.status_code == 200
            assert answer.headers["Content-Type"] in described["content"]


@pytest.mark.requirement(f"{COMMON}oas30/completeness")
def test_every_success_has_a_description_and_every_body_a_schema(published: dict[str, Any]) -> None:
    for operation in _operations(published):
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                assert response["description"]
                assert all("schema" in media for media in response.get("content", {}).values())


@pytest.mark.requirement(f"{COMMON}oas30/exceptions-codes")
def test_every_operation_describes_its_refusals(published: dict[str, Any]) -> None:
    for operation in _operations(published):
        assert {"400", "401", "500", "503"} <= operation["responses"].keys()


@pytest.mark.requirement(f"{COMMON}oas30/security")
def test_the_ways_to_say_who_asks_are_described(published: dict[str, Any]) -> None:
    schemes = published["components"]["securitySchemes"]
    named = {
        name
        for requirement in published["security"]
        + [r for operation in _operations(published) for r in operation.get("security", [])]
        for name in requirement
    }

    assert named == schemes.keys()
    assert {} in published["security"]


@pytest.mark.requirement(f"{COMMON}oas30/oas-definition-2")
def test_nothing_of_the_api_definition_comes_from_another_host(published: dict[str, Any]) -> None:
    assert all(each["$ref"].startswith("#/") for each in _objects_with("$ref", published))
    assert json.dumps(published)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.values()


def _objects_with(name: str, node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get(name), str):
            yield node
        for value in node.values():
            yield from _objects_with(name, value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects_with(name, value)

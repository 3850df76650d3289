"""Rule sets over HTTP: what a form may ask, and what holds on a day."""

from typing import Any

import httpx
import pytest

from config.model import Catalogue

SHIPPED = "national_default"


def ruleset(client: httpx.Client, **query: str) -> dict[str, Any]:
    answer = client.get(f"/catalogue/rulesets/{SHIPPED}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_list_names_every_rule_set_in_force_and_links_to_it(client: httpx.Client) -> None:
    listed = client.get("/catalogue/rulesets", params={"lang": "zh"}).json()["rulesets"]

    assert SHIPPED in [one["id"] for one in listed]
    for one in listed:
        assert client.get(one["href"]).json()["version"] == one["version"]


def test_every_profile_and_everything_that_may_be_said_of_a_project_is_told(
    client: httpx.Client, catalogue: Catalogue
) -> None:
    told, shipped = ruleset(client, lang="en"), catalogue.rulesets[SHIPPED][-1]

    assert [one["id"] for one in told["profiles"]] == list(shipped.profiles)
    assert [one["id"] for one in told["rules"]] == list(shipped.rules)
    for name in ("attributes", "flags", "documents"):
        assert [one["id"] for one in told[name]] == list(getattr(shipped, name))
    first = next(iter(shipped.profiles.values()))
    assert told["profiles"][0]["title"] == first.title.en
    assert told["profiles"][0]["mandatory"] == list(first.mandatory)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/catalogue/rulesets/none", {}, 404),
        (f"/catalogue/rulesets/{SHIPPED}", {"on": "1990-01-01"}, 404),
        (f"/catalogue/rulesets/{SHIPPED}", {"on": "yesterday"}, 400),
        (f"/catalogue/rulesets/{SHIPPED}", {"region": "22"}, 400),
        ("/catalogue/rulesets", {"limit": "1"}, 400),
        ("/catalogue/rulesets/%00", {}, 404),
    ],
)
def test_what_is_not_there_or_not_understood_is_said_as_a_problem(
    client: httpx.Client, path: str, query: dict[str, str], status: int
) -> None:
    answer = client.get(path, params=query)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_before_the_first_day_of_all_rule_sets_the_list_is_empty(client: httpx.Client) -> None:
    assert client.get("/catalogue/rulesets", params={"on": "1990-01-01"}).json()["rulesets"] == []


@pytest.mark.parametrize("path", ["/catalogue/rulesets", f"/catalogue/rulesets/{SHIPPED}"])
def test_people_read_it_as_a_page(client: httpx.Client, path: str) -> None:
    page = client.get(path, params={"f": "html", "lang": "zh"})

    assert page.status_code == 200
    assert "合规性审查规则" in page.text

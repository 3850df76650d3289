"""The plain pages of the plan register as people read them: both languages, themes and sizes."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

PAGES = {
    "plans": "/catalogue/plans",
    "plan": "/catalogue/plans/master_2021",
    "documents": "/catalogue/documents",
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
@pytest.mark.parametrize("name", list(PAGES))
def test_the_register_is_accessible_in_any_language_theme_and_size(
    page: Page,
    live_server: str,
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
    name: str,
    size: tuple[int, int],
    theme: str,
    lang: str,
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]

    page.goto(f"{live_server}{PAGES[name]}?lang={lang}")

    expect(page.locator("html")).to_have_attribute("lang", {"zh": "zh-CN", "en": "en"}[lang])
    expect(page.get_by_role("table").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations() == []
    screenshot(f"register-{name}-{size[0]}-{theme}-{lang}")


def test_a_reader_goes_from_the_register_to_a_plan_and_back_in_the_chosen_language(
    page: Page, live_server: str, client: httpx.Client
) -> None:
    plans = client.get("/catalogue/plans", params={"lang": "en"}).json()["plans"]
    page.goto(f"{live_server}/catalogue/plans?lang=en")

    page.get_by_role("link", name=plans[0]["title"]).click()

    expect(page.get_by_role("heading", level=1)).to_have_text(plans[0]["title"])
    page.get_by_role("navigation", name="You are here").get_by_role(
        "link", name="Plan register"
    ).click()
    expect(page).to_have_url(f"{live_server}/catalogue/plans?lang=en")


def test_a_planner_sees_an_adjustment_and_the_plan_it_amends_lead_to_each_other(
    page: Page,
    live_server: str,
    new_key: Callable[..., str],
    violations: Callable[[], list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    page.set_viewport_size({"width": 1366, "height": 1400})
    page.set_extra_http_headers({"Authorization": f"Bearer {new_key('planner')}"})
    page.goto(f"{live_server}{PAGES['plan']}?lang=zh")
    amended = page.get_by_role("heading", level=1).inner_text()
    chain = page.get_by_role("table").filter(has_text="本规划")
    adjustment = chain.get_by_role("link")
    title = adjustment.inner_text()
    expect(page.get_by_role("columnheader", name="经办人")).to_be_visible()
    assert violations() == []
    screenshot("register-plan-planner")

    adjustment.click()

    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(chain.get_by_role("link", name=amended)).to_be_visible()
    screenshot("register-adjustment-planner")


@pytest.mark.parametrize("name", ["plan", "documents"])
def test_every_document_link_answers_with_the_type_and_size_that_the_page_says(
    page: Page, live_server: str, client: httpx.Client, name: str
) -> None:
    page.goto(f"{live_server}{PAGES[name]}?lang=zh")
    listed = client.get(PAGES[name]).json()["documents"]
    links = page.locator("th[scope=row] a[href*='/files/']")
    shown = links.evaluate_all(
        """links => links.map(link => ({
             href: link.href,
             type: link.closest('tr').querySelector('[title*="/"]').title,
           }))"""
    )

    assert [each["href"] for each in shown] == [each["href"] for each in listed]
    assert len(shown) == 3
    for each, document in zip(shown, listed, strict=True):
        answer = client.get(each["href"])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == each["type"] == document["mediaType"]
        assert len(answer.content) == document["bytes"]


def test_a_drawing_opens_in_the_browser(page: Page, live_server: str, client: httpx.Client) -> None:
    listed = client.get(PAGES["documents"]).json()["documents"]
    (drawing,) = [each["href"] for each in listed if each["mediaType"] == "image/png"]

    page.goto(drawing)

    assert page.locator("img").evaluate("image => image.naturalWidth") > 0


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/catalogue/plans/no_such", "没有规划“no_such”，或当前用户无权查看。"),
        ("/catalogue/documents?plan=no_such", "没有规划“no_such”，或当前用户无权查看。"),
        ("/files/no_such", "没有文件“no_such”，或当前用户无权查看。"),
        ("/catalogue/plans?on=昨天", "参数 on 的值“昨天”无效，要求：日期，形如 2024-12-31。"),
        ("/catalogue/plans?state=x", "参数 state 的值“x”无效，要求：下列之一：drafting,"),
    ],
)
def test_what_is_not_there_is_said_in_chinese(
    page: Page, live_server: str, violations: Callable[[], list[str]], path: str, said: str
) -> None:
    page.goto(f"{live_server}{path}{'&' if '?' in path else '?'}lang=zh")
    page.expect_faults("status of 400", "status of 404")  # type: ignore[attr-defined]

    expect(page.get_by_text(said)).to_be_visible()
    assert violations() == []
    trail = page.get_by_role("navigation", name="所在位置")
    assert not trail.get_by_role("link", name=re.compile("^(资源目录|文件)$")).count()

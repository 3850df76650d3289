"""The plain faces show the JSON document, in both languages, without script or other hosts."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import shapely
import yaml
from markupsafe import Markup

from config.model import StyleRule
from config.vocabulary import Text
from providers.edition_history import parse_as_of
from providers.errors import BadParameter
from server.web import faults, operations, pages, values, words
from server.web.pages import Alternate, Face, render
from server.web.sketch import Sketch, frame_of, mark_of, sketch

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'
ALTERNATES = (Alternate("application/json", "JSON", "/x?f=json"),)
AT_PLAN: dict[str, Any] = {"lang": "zh", "path": "/catalogue/plans/a", "alternates": ()}
VOID = {"meta", "link", "br", "hr", "img", "input", "rect", "circle", "path"}


@cache
def sample(template: Face) -> dict[str, Any]:
    """The address, the least document and a full one of tests/data/faces.yaml."""
    path = Path(__file__).parents[1] / "data" / "faces.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))["faces"][template.value]
    if template in (Face.ITEM, Face.ITEMS):
        found["beside"]["sketch"] = a_sketch()
    if "html" in found["full"]:
        found["full"]["html"] = Markup(found["full"]["html"])  # what the guide hands over
    return found


def a_sketch() -> Sketch:
    """A hatched square among others, of a style whose title is hostile."""
    rule = StyleRule(
        title=Text(zh=HOSTILE, en=HOSTILE), fill="#ffff99", outline="#a5211b", hatch=True
    )
    square = shapely.box(125, 43, 125.5, 43.25)
    frame = frame_of((125, 43, 125.5, 43.25), factor=2)
    assert frame is not None
    chosen, plain = mark_of(square, frame, rule), mark_of(square.centroid, frame, None)
    assert chosen is not None
    assert plain is not None
    return sketch(frame, HOSTILE, chosen=chosen, marks=(plain,), legend=(rule,), synthetic=True)


class Page(HTMLParser):
    """What a page holds, and whether its tags are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open
        self.text = " ".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def face(template: Face, *, full: bool = True, lang: str = "zh") -> Page:
    document = sample(template)["full" if full else "least"]
    path = sample(template)["path"]
    beside = sample(template).get("beside") if full else None
    return Page(
        render(template, document, lang=lang, path=path, alternates=ALTERNATES, beside=beside)
    )


def leaves(value: Any) -> Iterator[str]:
    """Every name and plain value of a document; of coordinates the summary, of a code its title."""
    if values.is_geometry(value):
        yield str(value["type"])
    elif isinstance(value, Mapping) and value.keys() == {"code", "title"}:
        yield str(value["title"])
    elif isinstance(value, Mapping) and value.keys() == {"zh", "en"}:
        yield str(value["zh"])
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from leaves(each)
    elif value is not None:
        yield values.text(value)


everything = pytest.mark.parametrize(
    ("template", "full", "lang"),
    [(each, full, lang) for each in Face for full in (False, True) for lang in words.LANGUAGES],
)


@everything
def test_every_face_is_free_of_script_inline_style_and_foreign_hosts(
    template: Face, full: bool, lang: str
) -> None:
    page = face(template, full=full, lang=lang)

    assert not page.all("script", "style", "iframe", "img", "object", "embed", "base", "use")
    here = sample(template)["path"].partition("?")[0]
    assert all(one["method"] == "get" and one["action"] == here for one in page.all("form"))
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
        painted = " ".join(attributes.get(name, "") for name in ("fill", "stroke"))
        assert "url(" not in painted.replace("url(#", "")  # a pattern of the page itself
        assert "src" not in attributes
    loaded = {each["href"] for each in page.all("link") if each["rel"] != "alternate"}
    assert loaded == {"data:,", f"/static/faces.css?v={pages.stylesheet()[1]}"}
    for link in page.all("a"):
        assert re.match(r"https?://|/(?!/)|#", link["href"]), link


@everything
def test_every_face_has_landmarks_ordered_headings_and_scoped_headers(
    template: Face, full: bool, lang: str
) -> None:
    page = face(template, full=full, lang=lang)

    assert page.all("html")[0]["lang"] == {"zh": "zh-CN", "en": "en"}[lang]
    assert [len(page.all(name)) for name in ("header", "main", "footer", "h1", "title")] == [1] * 5
    labels = [each["aria-label"] for each in page.all("nav")]
    assert len(labels) == len(set(labels)) >= 2
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(each.get("scope") in ("col", "row", "rowgroup") for each in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert words.say(lang, "advisory") in page.text
    assert words.say(lang, "system") in page.text


# Lists of resources are summaries, references in the API definition are followed.
summaries = (
    Face.COLLECTIONS,
    Face.PROCESSES,
    Face.PLANS,
    Face.CHECKS,
    Face.DOCS,
    Face.GUIDE,
)


@pytest.mark.parametrize("template", [each for each in Face if each not in summaries])
def test_a_face_shows_every_value_of_its_document(template: Face) -> None:
    page = face(template)
    shown = page.text + " ".join(
        value for _, attributes in page.tags for value in attributes.values()
    )
    said_as_word = {key.partition(".")[2] for key in words.WORDS} | {"Feature", "FeatureCollection"}

    hidden = {leaf for leaf in leaves(sample(template)["full"]) if leaf not in shown}

    assert hidden <= said_as_word


@pytest.mark.parametrize("template", [each for each in Face if each is not Face.GUIDE])
def test_a_face_shows_members_that_it_does_not_know(template: Face) -> None:
    document, path = sample(template)["full"], sample(template)["path"]

    html = render(template, {**document, "x": {"y": "未知"}}, lang="zh", path=path, alternates=())

    assert "未知" in Page(html).text


@pytest.mark.parametrize("template", list(Face))
def test_text_from_data_never_becomes_markup(template: Face) -> None:
    document, path = sample(template)["full"], sample(template)["path"]

    beside = sample(template).get("beside")

    html = render(
        template, document, lang="zh", path=path, alternates=(), user=HOSTILE, beside=beside
    )

    assert not [tag for tag in ("<script", "<img", "<b>") if tag in html]
    assert HOSTILE in Page(html).text


@pytest.mark.parametrize(
    "value",
    ["javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:x", "\tjavascript:x",
     " javascript:x", "data:text/html,x", "vbscript:x", "//evil.example/x", "/\\evil.example",
     "\\\\evil", "https:evil\n", "file:///etc", "mailto:a@b", "", None, 5],
)  # fmt: skip
def test_an_address_of_another_scheme_is_text(value: Any) -> None:
    assert values.safe_href(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "http://a.example/x?y=z:1#f",
        "https://中国.example/",
        "/x",
        "x/y",
        "?f=json",
        "#a:b",
        "./x",
        "/files/a:b",
    ],
)
def test_web_and_relative_addresses_are_links(value: str) -> None:
    assert values.safe_href(value) == value


def test_a_javascript_link_is_shown_as_text() -> None:
    page = face(Face.LANDING)

    assert "javascript:alert(1)" in page.text
    assert not [each for each in page.all("a") if "javascript" in each["href"].lower()]


def test_an_alternate_with_a_hostile_address_is_no_link() -> None:
    hostile = (Alternate("application/json", "JSON", "javascript:alert(1)"),)

    page = Page(render(Face.LANDING, {"links": []}, lang="zh", path="/", alternates=hostile))

    assert "javascript" not in " ".join(each["href"] for each in page.all("a", "link"))


def test_the_language_switch_keeps_the_other_parameters() -> None:
    path = "/collections/a/items?limit=5&BZ=a%26b&lang=zh"

    page = Page(render(Face.DOCUMENT, {}, lang="zh", path=path, alternates=()))

    assert "/collections/a/items?limit=5&BZ=a%26b&lang=en" in [
        each["href"] for each in page.all("a")
    ]


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "/\\evil.example", "/%5Cevil.example", "///evil.example"]
)
def test_no_request_path_turns_the_language_switch_to_another_host(path: str) -> None:
    assert re.match(r"/(?![/\\])", pages.with_language(path, lang="en"))


def test_paging_follows_the_links_of_the_document() -> None:
    for template in (Face.ITEMS, Face.PLANS, Face.DOCUMENTS):
        following = [each for each in face(template).all("a") if each.get("rel") == "next"]

        assert {each["href"] for each in following} == {
            "http://127.0.0.1:8080/x?limit=5&cursor=abc"
        }


def test_generated_data_carry_the_stamp_and_others_do_not() -> None:
    assert "模拟数据" in face(Face.COLLECTION).text
    assert "Synthetic data" in face(Face.ITEMS, lang="en").text
    assert "模拟数据" not in face(Face.COLLECTION, full=False).text


def test_a_collection_opens_in_the_map() -> None:
    for template in (Face.COLLECTION, Face.ITEMS, Face.TILESETS):
        assert "/app/map?l=land_use" in [each["href"] for each in face(template).all("a")]


def test_breadcrumbs_name_the_collection_as_its_link_does() -> None:
    items = sample(Face.ITEMS)

    crumbs = pages.breadcrumbs(items["full"], path=items["path"], lang="zh")

    assert [crumb.label for crumb in crumbs] == ["首页", "数据集", "地类图斑", "要素"]


def test_breadcrumbs_lead_from_the_register_to_the_plan() -> None:
    plan = {"title": "总体规划"}

    crumbs = pages.breadcrumbs(plan, path="/catalogue/plans/a%2Fb?lang=zh", lang="zh")

    assert crumbs == [
        ("首页", "/?lang=zh"),
        ("资源目录", None),
        ("规划名录", "/catalogue/plans?lang=zh"),
        ("总体规划", "/catalogue/plans/a%2Fb?lang=zh"),
    ]


def test_a_plan_whose_id_is_a_word_is_named_by_its_title() -> None:
    crumbs = pages.breadcrumbs({"title": "总体规划"}, path="/catalogue/plans/items", lang="zh")

    assert crumbs[-1].label == "总体规划"


@pytest.mark.parametrize("path", ["/catalogue/plans", "/files/1", "/problems/NotFound"])
def test_a_step_without_a_page_of_its_own_is_named_and_not_linked(path: str) -> None:
    page = Page(render(Face.DOCUMENT, {}, lang="zh", path=path, alternates=()))
    step = path.split("/")[1]

    assert words.say("zh", f"segment.{step}") in page.words
    assert f"/{step}" not in {each["href"] for each in page.all("a")}


def test_a_plan_in_its_own_chain_is_this_plan_and_the_other_a_link() -> None:
    page = face(Face.PLAN)

    assert "本规划" in page.words
    assert "/catalogue/plans/adjustment_2025" in {each["href"] for each in page.all("a")}


def test_a_plan_that_began_has_no_end_and_one_that_did_not_begin_has_no_data() -> None:
    in_force = Page(render(Face.PLAN, {"id": "a", "inForceFrom": "2021-01-01"}, **AT_PLAN))
    drafting = Page(render(Face.PLAN, {"id": "a", "inForceFrom": None}, **AT_PLAN))

    assert "至今" in in_force.words
    assert "至今" not in drafting.words


def test_persons_and_reasons_have_no_column_where_the_document_does_not_tell_them() -> None:
    event = {"number": 1, "after": {"code": "drafting", "title": "编制"}}

    page = Page(render(Face.PLAN, {"id": "a", "events": [event]}, **AT_PLAN))

    assert "过程记录" in page.words
    assert not {"经办人", "事由"} & set(page.words)
    assert {"经办人", "事由"} <= set(face(Face.PLAN).words)


def test_the_size_of_a_document_is_readable_and_its_title_keeps_every_byte() -> None:
    for template in (Face.PLAN, Face.DOCUMENTS):
        page = face(template)

        assert {"class": "number", "title": "12345678"} in page.all("span")
        assert "11.8 MiB" in page.words
        assert "Word 文档（DOCX）" in page.words


def test_a_problem_is_not_taken_for_the_title_of_its_collection() -> None:
    problem = {"code": "InvalidParameterValue", "title": "参数值无效"}

    crumbs = pages.breadcrumbs(problem, path="/collections/land_use/items?limit=x", lang="zh")

    assert [crumb.label for crumb in crumbs] == ["首页", "数据集", "land_use", "要素"]


def test_an_instant_is_shown_in_shanghai_and_kept_whole_in_the_markup() -> None:
    document = {"jobID": "1", "created": "2026-11-26T23:07:34.111314+00:00"}

    page = Page(render(Face.JOB, document, lang="zh", path="/jobs/1", alternates=()))

    assert "2026-11-27 07:07" in page.text
    assert page.all("time") == [{"datetime": document["created"]}]


@pytest.mark.parametrize("text", ["2026-11-26", "2026-11-26T07:07:00", "2026-13-40T99:00:00Z", "x"])
def test_what_is_no_instant_stays_as_it_is_written(text: str) -> None:
    assert values.kind(text) is values.Kind.TEXT


def test_an_area_is_rounded_and_its_title_keeps_every_digit() -> None:
    feature = {"type": "Feature", "id": "1", "geometry": None}
    numbers = {"om_area_m2": 14215.440407156706, "QMXS": 0.123456}
    document = {"features": [{**feature, "properties": numbers}]}

    page = Page(render(Face.ITEMS, document, lang="zh", path="/collections/a/items", alternates=()))

    assert {"class": "number", "title": "14215.440407156706"} in page.all("span")
    assert "14215.44" in page.words
    assert "0.123456" in page.words
    assert "椭球面积（平方米）" in page.text


def test_a_sliver_is_not_rounded_to_nothing() -> None:
    assert values.rounded_area(0.0001, "om_area_m2") is None
    assert values.rounded_area(1.0, "om_area_m2") is None


def test_a_collection_has_one_table_of_editions_with_the_shown_one_marked() -> None:
    page = face(Face.COLLECTION)

    assert [text for text in page.words if text in ("版次", "全部版次")] == ["版次"]
    assert page.words.count("本页所示") == 1


def test_an_input_that_is_given_once_says_nothing_about_it() -> None:
    inputs = {"a": {"maxOccurs": 1, "schema": {}}, "b": {"maxOccurs": "unbounded", "schema": {}}}

    html = render(Face.PROCESS, {"id": "x", "inputs": inputs}, lang="zh", path="/p", alternates=())

    assert Page(html).words.count("maxOccurs") == 1  # that of b
    assert "unbounded" in html


@pytest.mark.parametrize(("template", "shown"), [(Face.GUIDE, []), (Face.DOCS, ["/openapi"])])
def test_a_page_without_a_json_face_offers_none(template: Face, shown: list[str]) -> None:
    alternates = [each for each in face(template).all("link") if each["rel"] == "alternate"]

    assert [each["href"] for each in alternates] == shown


@pytest.mark.parametrize(
    ("code", "params", "said"),
    [
        (
            "InvalidParameterValue",
            {"name": "limit", "value": "x", "expected": "an integer from 1 to 100"},
            "参数 limit 的值“x”无效，要求：1 到 100 之间的整数。",
        ),
        (
            "InvalidParameterValue",
            {"name": "zz", "value": "1", "expected": "one of the parameters bbox, f"},
            "没有名为 zz 的参数，要求：下列参数之一：bbox, f。",
        ),
        (
            "InvalidParameterValue",
            {"name": "a", "value": "1", "expected": "something new"},
            "参数 a 的值“1”无效。",
        ),
        ("NotFound", {"what": "collection", "name": "x"}, "没有数据集“x”，或当前用户无权查看。"),
        (
            "NotFound",
            {"what": "tile in matrix 3 of G", "name": "9/9"},
            "没有瓦片矩阵集 G 第 3 级的瓦片“9/9”",
        ),
        ("NotFound", {"what": "plan", "name": "x"}, "没有规划“x”，或当前用户无权查看。"),
        ("NotFound", {"what": "document", "name": "x"}, "没有文档“x”，或当前用户无权查看。"),
        ("NoSuchJob", {"job": "7"}, "没有任务“7”。"),
    ],
)
def test_a_problem_is_told_in_chinese_with_the_english_below(
    code: str, params: dict[str, str], said: str
) -> None:
    document = {"code": code, "params": params, "detail": "in English"}

    page = Page(render(Face.PROBLEM, document, lang="zh", path="/x", alternates=()))
    english = Page(render(Face.PROBLEM, document, lang="en", path="/x", alternates=()))

    assert said in page.text
    assert page.text.index(said) < page.text.index("in English")
    assert said not in english.text


@pytest.mark.parametrize(
    "expected",
    [
        "a date or a date-time with its offset, as RFC 3339 has it",
        "the parameter left out",
        "the parameter left out: parcels shows a table that OneMap does not keep, and earlier"
        " states of it are not recorded",
        "a cursor from a next link",
        "a cursor from a next link of this collection; begin again without it",
        "a date value",
        "a 64-bit integer",
        "one of drafting, in_force",
        "an integer from 0 to 1000000",
        "process",
    ],
)
def test_what_a_parameter_should_be_is_said_in_chinese(expected: str) -> None:
    assert faults.reason_in_chinese(f"expected {expected}")


def test_the_moment_that_is_no_moment_is_explained_in_chinese() -> None:
    with pytest.raises(BadParameter) as refusal:
        parse_as_of("昨天")

    params = {"name": "asOf", "value": "昨天", "expected": refusal.value.expected}
    said = faults.in_chinese({"code": "InvalidParameterValue", "params": params})

    assert said is not None
    assert said.startswith("参数 asOf 的值“昨天”无效，要求：日期（指当日末），或带时区的时刻")


@pytest.mark.parametrize("params", [None, {}, "x", {"name": "a"}])
def test_a_problem_without_its_parameters_keeps_its_english(params: Any) -> None:
    assert faults.in_chinese({"code": "InvalidParameterValue", "params": params}) is None
    assert faults.reason_in_chinese("'a' is a required property") == "缺少必填项 a"
    assert faults.reason_in_chinese("no such sentence") is None


def test_every_word_of_the_templates_exists_and_every_word_is_used() -> None:
    folder = Path(pages.__file__).parent
    source = "".join(path.read_text("utf-8") for path in (folder / "templates").glob("*.html"))
    source += (folder / "pages.py").read_text("utf-8")
    said = set(re.findall(r"""(?:say|word)\((?:lang, |code, )?["']([\w.-]+)["']\)""", source))
    listed = {
        name
        for group in re.findall(r"for name in \(([^)]*)\)", source)
        for name in re.findall(r'"(\w+)"', group)
    }

    assert said <= words.WORDS.keys()
    assert {key for key in words.WORDS if "." not in key} <= said | listed


def test_every_word_is_said_in_both_languages() -> None:
    assert all(word.zh.strip() and word.en.strip() for word in words.WORDS.values())
    with pytest.raises(ValueError, match="expected one of zh, en"):
        words.say("fr", "home")


def test_the_style_sheet_loads_nothing_and_has_raw_colours_in_tokens_only() -> None:
    content, digest = pages.stylesheet()
    css = content.decode("utf-8")

    assert re.fullmatch("[0-9a-f]{16}", digest)
    assert not [word for word in ("url(", "@import", "!important") if word in css]
    coloured = [line for line in css.splitlines() if re.search(r"#[0-9a-f]{3}", line)]
    assert all(re.match(r"\s+--[\w-]+: #[0-9a-f]{6};$", line) for line in coloured)


def test_a_parameter_of_an_operation_replaces_the_one_of_its_path() -> None:
    shared, own = ({"in": "query", "name": "f", "description": text} for text in "ab")
    path = {"parameters": [shared], "get": {"parameters": [own]}}

    (group,) = operations.groups({"paths": {"/x": path}})

    assert [each["description"] for each in group.operations[0].parameters] == ["b"]


def test_a_reference_that_leads_round_in_a_circle_ends() -> None:
    document = {"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}}

    assert "$ref" in operations.resolve(document, document["a"])


def test_the_summary_of_a_geometry_counts_vertices_and_gives_its_extent() -> None:
    point = {"type": "Point", "coordinates": [124.0, 44.0, 5.0]}
    ring = {"type": "Polygon", "coordinates": [[[125.0, 43.0], [125.5, 43.0], [125.0, 43.0]]]}

    summary = values.geometry_summary({"type": "GeometryCollection", "geometries": [point, ring]})

    assert summary["vertices"] == 4
    assert summary["extent"] == [124.0, 43.0, 125.5, 44.0]

"""The chapters of a report that tell of the project, its data and all parcels together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from config.vocabulary import Fact, Outcome
from processes.workflows.check_reports.reading import (
    DOCUMENT_STATES,
    SYNTHETIC,
    WITHOUT,
    Check,
    Document,
    chinese,
    date_words,
    edition,
    fault_words,
    hectares,
    mu,
    near_only,
    outcome,
    parcel_name,
    percent,
    square_metres,
    value_text,
)
from processes.workflows.check_reports.tables import TableColumn
from processes.workflows.check_reports.typesetting import Paper

MOST_ROWS = 1_000  # parcels in one table
PAIRS = (TableColumn("", 26), TableColumn("", 52), TableColumn("", 26), TableColumn("", 52))
DATE_BASES: Mapping[str, str] = {
    "today": "核查当日",
    "acceptance": "受理日",
    "approval": "批准日",
    "permit": "发证日",
}


def write_project(paper: Paper, check: Check) -> None:
    """The project and what was declared of it."""
    document = check.document
    project, profile = document["project"], document["profile"]
    paper.chapter("项目概况")
    day_of = DATE_BASES.get(profile["date_basis"], profile["date_basis"])
    areas = [one["areas"] for one in document["parcels"]]
    facts = (
        ("项目名称", project["name"] or WITHOUT),
        ("项目代码", project["code"] or WITHOUT),
        ("审查事项", f"{profile['matter']}（{chinese(profile['title'])}）"),
        ("审查日", f"{date_words(document['check_date'])}（{day_of}）"),
        ("地块数", str(len(areas))),
        ("申报面积", _total(areas, "declared_m2")),
        ("平面面积", _total(areas, "planar_m2")),
        ("椭球面积", _total(areas, "ellipsoid_m2")),
        ("平面坐标系", document["planar_crs"]["name"]),
        ("数据时点", document["as_of"] or "最新"),
    )
    paper.table(
        "项目基本情况",
        PAIRS,
        ((*one, *other) for one, other in zip(facts[::2], facts[1::2], strict=True)),
        headings=False,
    )
    given = [
        *((key, value_text(value)) for key, value in project["attributes"].items()),
        *((key, "是" if value else "否") for key, value in project["flags"].items()),
        *((key, DOCUMENT_STATES[state]) for key, state in project["documents"].items()),
    ]
    if given:
        paper.table(
            "申报内容",
            (TableColumn("申报项", 78), TableColumn("内容", 78)),
            ((check.name(key), value) for key, value in given),
        )
    for note in document.get("notes", ()):
        paper.note(note, bold="读取说明：")


def write_sources(paper: Paper, check: Check) -> None:
    """Rules and data that were used."""
    layers = check.document["layers"]
    connected = [one for one in layers if one["connected"]]
    paper.chapter("审查规则和数据")
    paper.text(f"审查规则：{check.ruleset()}。")
    paper.text(
        f"本事项须读取{len(layers)}类数据，已接入{len(connected)}类，"
        f"未接入{len(layers) - len(connected)}类。"
    )
    paper.table(
        "已接入数据",
        (
            TableColumn("数据", 42),
            TableColumn("图层", 30),
            TableColumn("版次", 30),
            TableColumn("依据文号", 34),
            TableColumn("发布日期", 26, "center"),
            TableColumn("修订", 10, "center"),
        ),
        (
            (
                chinese(one["title"]) + (f"（{SYNTHETIC}）" if one["synthetic"] else ""),
                chinese(one["layer_title"] or one["layer"]),
                edition(one) or WITHOUT,
                (one["edition"] or {}).get("document") or WITHOUT,
                one["released"] or WITHOUT,
                WITHOUT if one["revision"] is None else str(one["revision"]),
            )
            for one in connected
        ),
    )
    missing = [one for one in layers if not one["connected"]]
    if missing:
        paper.table(
            "未接入数据",
            (
                TableColumn("数据", 80),
                TableColumn("性质", 20, "center"),
                TableColumn("原因", 56),
            ),
            (
                (
                    chinese(one["title"]),
                    "必审" if one["mandatory"] else "参考",
                    edition(one),
                )
                for one in missing
            ),
        )


def write_conclusion(paper: Paper, check: Check) -> None:
    """The suggestion for all parcels, rule by rule and parcel by parcel."""
    parcels = check.document["parcels"]
    paper.chapter("核查结果和建议")
    overalls = [Outcome(one["overall"]) for one in parcels]
    worst = max(overalls, key=lambda one: one.rank)
    tally = "，".join(
        f"{one.zh}{overalls.count(one)}个" for one in reversed(Outcome) if one in overalls
    )
    paper.text(f"总体建议：{worst.zh}。共{len(parcels)}个地块，其中{tally}。")
    paper.table(
        "审查事项汇总",
        (
            TableColumn("审查事项", 40),
            TableColumn("数据", 42),
            TableColumn("涉及\n地块", 14, "center"),
            TableColumn("数据\n缺失", 14, "center"),
            TableColumn("椭球面积\n（公顷）", 20, "right"),
            TableColumn("（亩）", 18, "right"),
            TableColumn("占比", 20, "right"),
            TableColumn("建议", 17, "center"),
        ),
        _rule_rows(check, parcels),
    )
    shown = parcels[:MOST_ROWS]
    paper.table(
        "地块汇总",
        (
            TableColumn("序号", 12, "center"),
            TableColumn("地块", 32),
            TableColumn("平面面积\n（平方米）", 24, "right"),
            TableColumn("椭球面积\n（公顷）", 20, "right"),
            TableColumn("（亩）", 18, "right"),
            TableColumn("建议", 16, "center"),
            TableColumn("未达到符合的必审事项", 50),
        ),
        (_parcel_row(one) for one in shown),
    )
    if len(parcels) > len(shown):
        paper.note(f"只列前{len(shown)}个地块，其余{len(parcels) - len(shown)}个见套合表（XLSX）。")


def _total(areas: Iterable[Mapping[str, float | None]], key: str) -> str:
    """A sum that says for how many parcels the area is not known."""
    values = [one[key] for one in areas]
    known = [value for value in values if value is not None]
    if not known:
        return WITHOUT
    total = sum(known)
    lacking = len(values) - len(known)
    tail = f"（另有{lacking}个地块无此数）" if lacking else ""
    return f"{square_metres(total)}平方米\n{hectares(total)}公顷，{mu(total)}亩{tail}"


def _rule_rows(check: Check, parcels: Sequence[Document]) -> Iterator[Sequence[str]]:
    """One row for each rule and binding; surfaces of all parcels are added unrounded."""
    whole = sum(one["areas"]["ellipsoid_m2"] for one in parcels if one["rules"])
    found: dict[tuple[str, str | None], list[tuple[Document, Document | None]]] = {}
    for parcel in parcels:
        for rule in parcel["rules"]:
            for concern in rule["concerns"] or (None,):
                key = rule["rule"], None if concern is None else concern["binding"]
                found.setdefault(key, []).append((rule, concern))
    for (_, binding), pairs in found.items():
        rules = [rule for rule, _ in pairs]
        facts = [rule["fact"] for rule in rules]
        worst = max((Outcome(rule["suggestion"]) for rule in rules), key=lambda one: one.rank)
        concerns = [concern for _, concern in pairs if concern is not None]
        read = binding is not None and check.layer(binding)["connected"]
        measured = read and not all(map(near_only, concerns))
        m2 = sum(one["ellipsoid_m2"] for one in concerns) if measured else None
        first = rules[0]
        yield (
            f"{first['rule']} {chinese(first['title'])}"
            + ("" if first["mandatory"] else "（参考）"),
            WITHOUT if binding is None else check.name(binding),
            str(facts.count(Fact.CONCERNED)),
            str(facts.count(Fact.DATA_MISSING)),
            hectares(m2),
            mu(m2),
            percent(m2 / whole if m2 is not None and whole else None),
            worst.zh,
        )


def _parcel_row(parcel: Document) -> Sequence[str]:
    areas = parcel["areas"]
    open_rules = [
        f"{rule['rule']} {outcome(rule['suggestion'])}"
        for rule in parcel["rules"]
        if rule["mandatory"] and rule["suggestion"] != Outcome.PASS
    ]
    faults = [fault_words(fault) for fault in parcel["faults"] if fault["severity"] == "error"]
    return (
        str(parcel["number"]),
        parcel_name(parcel),
        square_metres(areas["planar_m2"]),
        hectares(areas["ellipsoid_m2"]),
        mu(areas["ellipsoid_m2"]),
        outcome(parcel["overall"]),
        "；".join(open_rules + faults) or WITHOUT,
    )

"""What a report says of one parcel: areas, map, findings by subject, composition, corners."""

from collections.abc import Iterator, Mapping, Sequence

from config.vocabulary import Outcome
from processes.workflows.check_reports.findings_map import WIDTH_MM, findings_map, swatch
from processes.workflows.check_reports.plane_shapes import (
    BoundaryPoint,
    PlaneParcel,
    boundary_points,
    in_plane,
)
from processes.workflows.check_reports.reading import (
    WITHOUT,
    Check,
    Document,
    basis,
    chinese,
    edition,
    fault_words,
    fields_text,
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

MOST_FEATURES, MOST_POINTS = 40, 400  # rows of a table
SUBJECTS: Mapping[str, frozenset[str]] = {
    "三条控制线": frozenset({"three_lines"}),
    "规划分区与规划用途": frozenset({"zoning", "land_use"}),
    "详细规划指标": frozenset({"detailed_plan"}),
    "耕地与现状": frozenset({"occupation", "survey", "tenure"}),
}
OTHERS = "其他控制线和专项事项"
AREA = TableColumn("椭球面积\n（公顷）", 19, "right"), TableColumn("（亩）", 17, "right")
FINDINGS = (
    TableColumn("审查事项", 27),
    TableColumn("数据和版次", 44),
    TableColumn("事实", 16, "center"),
    *AREA,
    TableColumn("占比", 18, "right"),
    TableColumn("建议", 16, "center"),
)


def write_parcel(paper: Paper, check: Check, parcel: Document) -> None:
    """One parcel in full."""
    number, name = f"地块{parcel['number']}", parcel_name(parcel)
    paper.section(number if name == number else f"{number}　{name}")
    _write_areas(paper, parcel)
    if own := parcel.get("attributes"):
        told = "，".join(f"{check.name(key)}：{value_text(value)}" for key, value in own.items())
        paper.note(f"{told}。", bold="申报内容：")
    if "ruleset" in parcel:
        paper.note(f"{check.ruleset(parcel)}。", bold="本地块适用规则：")
    for fault in parcel["faults"]:
        paper.note(fault_words(fault), bold="地块问题：")
    if not parcel["rules"]:
        paper.text("本地块坐标有误，未作套合分析，须更正后重新核查。")
        return
    placed = in_plane(parcel, check.document["planar_crs"])
    corners = boundary_points(placed.outline) if placed is not None else ()
    if placed is not None:
        _write_map(paper, check, parcel, placed, corners)
    for subject, rules in _by_subject(parcel["rules"]):
        _write_rules(paper, check, subject, rules)
    _write_composition(paper, parcel)
    _write_features(paper, check, parcel)
    _write_corners(paper, check, corners)


def findings_rows(check: Check, rule: Document) -> Iterator[Sequence[str]]:
    """A row for each binding that the rule's fact is told of; without any, one row."""
    name = f"{rule['rule']} {chinese(rule['title'])}" + ("" if rule["mandatory"] else "（参考）")
    for concern in rule["concerns"] or (None,):
        data, figures = WITHOUT, (WITHOUT,) * 3
        if concern is not None:
            layer = check.layer(concern["binding"])
            near = concern["distance_m"]
            lines = (
                chinese(layer["title"]),
                edition(layer),
                near is not None and f"最近{near:.2f}米",
            )
            data = "\n".join(line for line in lines if line)
            if layer["connected"] and not near_only(concern):
                m2 = concern["ellipsoid_m2"]
                figures = (hectares(m2), mu(m2), percent(concern["share"]))
        yield name, data, rule["fact"], *figures, outcome(rule["suggestion"])


def _write_areas(paper: Paper, parcel: Document) -> None:
    region, areas = parcel["region"], parcel["areas"]
    where = f"位于{chinese(region['name'])}（{region['code']}）。" if region else ""
    tally = "，".join(
        f"{one.zh}{parcel['summary'][one]}项"
        for one in reversed(Outcome)
        if parcel["summary"].get(one)
    )
    paper.text(
        f"{where}建议：{outcome(parcel['overall'])}"
        + (f"（必审事项中{tally}）。" if tally else "。")
    )
    kinds = (("申报面积", "declared_m2"), ("平面面积", "planar_m2"), ("椭球面积", "ellipsoid_m2"))
    paper.table(
        "地块面积",
        (
            TableColumn("面积", 30),
            TableColumn("平方米", 30, "right"),
            TableColumn("公顷", 30, "right"),
            TableColumn("亩", 30, "right"),
        ),
        (
            (title, square_metres(areas[key]), hectares(areas[key]), mu(areas[key]))
            for title, key in kinds
        ),
    )


def _write_map(
    paper: Paper,
    check: Check,
    parcel: Document,
    placed: PlaneParcel,
    corners: Sequence[BoundaryPoint],
) -> None:
    drawn = findings_map(placed, corners)
    caption = f"{parcel_name(parcel)}核查结果图（1:{drawn.scale:.0f}）"
    seen = "、".join(f"{one.rule} {one.title}" for one in placed.found) or "无须关注的范围"
    paper.figure(drawn.png, WIDTH_MM, caption, f"{caption}。红线为地块界线；{seen}")
    plane = check.document["planar_crs"]["name"]
    left_out = f"另有{placed.left_out}项未在图上表示。" if placed.left_out else ""
    paper.note(f"红线为地块界线，J为界址点；平面坐标系：{plane}，上方为坐标北。{left_out}")
    paper.swatches(
        [
            (swatch(place), f"{one.rule} {one.title}：{one.outcome.zh}")
            for place, one in enumerate(placed.found)
        ]
    )


def _by_subject(rules: Sequence[Document]) -> Iterator[tuple[str, Sequence[Document]]]:
    subject_of = {family: subject for subject, all_of in SUBJECTS.items() for family in all_of}
    for subject in (*SUBJECTS, OTHERS):
        own = [one for one in rules if subject_of.get(one["family"], OTHERS) == subject]
        if own:
            yield subject, own


def _write_rules(paper: Paper, check: Check, subject: str, rules: Sequence[Document]) -> None:
    paper.subsection(subject)
    if all(one["fact"] == "不涉及" for one in rules):
        paper.text(f"不涉及：{'、'.join(chinese(one['title']) for one in rules)}。")
    paper.table(
        f"{subject}套合情况",
        FINDINGS,
        (row for rule in rules for row in findings_rows(check, rule)),
    )
    for rule in rules:
        paper.note("".join(_sentences(check, rule)), bold=f"{rule['rule']} ")


def _sentences(check: Check, rule: Document) -> Iterator[str]:
    yield f"{rule['text']}。"
    if unknown := "；".join(check.reasons(rule["reasons"])):
        yield f"未知：{unknown}。"
    if len(rule["pieces"]) > 1:
        yield "分块：" + "；".join(map(_piece, rule["pieces"])) + "。"
    noise = sum(one["noise_m2"] for one in rule["concerns"])
    if noise > 0:
        yield f"边界误差{square_metres(noise)}平方米（平面），未计入。"
    for one in rule["concerns"]:
        if one["net_m2"] is not None:
            yield f"扣除田坎后净面积{hectares(one['net_m2'])}公顷。"
        if one["declared_m2"] is not None and one["ellipsoid_m2"] > 0:
            yield f"按申报面积计{hectares(one['declared_m2'])}公顷（{check.name(one['binding'])}）。"
    if needs := "、".join(chinese(one["title"]) for one in rule["needs"]):
        yield f"需补充：{needs}。"
    if cites := basis(rule):
        yield f"依据：{cites}。"
    if limits := "；".join(map(chinese, rule["limits"])):
        yield f"适用限制：{limits}。"


def _piece(piece: Document) -> str:
    where = piece["feature"] or "无图斑处"
    return f"{where} {hectares(piece['ellipsoid_m2'])}公顷 {outcome(piece['outcome'])}"


def _write_composition(paper: Paper, parcel: Document) -> None:
    composition = parcel["composition"]
    for when, key in (("现状", "present"), ("规划", "planned")):
        if not composition[key]:
            continue
        paper.table(
            f"地类构成（{when}）",
            (
                TableColumn("代码", 16, "center"),
                TableColumn("名称", 40),
                *AREA,
                TableColumn("净面积\n（公顷）", 19, "right"),
                TableColumn("占比", 17, "right"),
                TableColumn("按申报面积\n（公顷）", 22, "right"),
            ),
            (
                (
                    one["code"] or WITHOUT,
                    one["name"] or WITHOUT,
                    hectares(one["ellipsoid_m2"]),
                    mu(one["ellipsoid_m2"]),
                    hectares(one["net_m2"]),
                    percent(one["share"]),
                    hectares(one["declared_m2"]),
                )
                for one in composition[key]
            ),
        )
        if closed := composition["closed_on"][key]:
            paper.note(
                f"按申报面积{hectares(parcel['areas']['declared_m2'])}公顷平差，"
                f"尾差{closed['remainder_ha']:.4f}公顷归入面积最大的地类{closed['class'] or WITHOUT}。"
            )


def _write_features(paper: Paper, check: Check, parcel: Document) -> None:
    rows = [
        (
            rule["rule"],
            f"{check.name(concern['binding'])}\n{feature['id']}",
            "\n".join(part for part in (feature["plan"], feature["document"]) if part) or WITHOUT,
            fields_text(feature["fields"], "\n") or WITHOUT,
            square_metres(feature["ellipsoid_m2"]),
        )
        for rule in parcel["rules"]
        for concern in rule["concerns"]
        for feature in concern["features"]
    ]
    if not rows:
        return
    paper.table(
        "涉及图斑",
        (
            TableColumn("规则", 13, "center"),
            TableColumn("数据和图斑标识", 46),
            TableColumn("规划和依据文号", 44),
            TableColumn("属性", 32),
            TableColumn("椭球面积\n（平方米）", 21, "right"),
        ),
        rows[:MOST_FEATURES],
    )
    if len(rows) > MOST_FEATURES:
        paper.note(f"共{len(rows)}条，其余{len(rows) - MOST_FEATURES}条见套合表（XLSX）。")


def _write_corners(paper: Paper, check: Check, corners: Sequence[BoundaryPoint]) -> None:
    if not corners:
        return
    paper.table(
        f"界址点成果（{check.plane}）",
        (
            TableColumn("点号", 20, "center"),
            TableColumn("圈号", 16, "center"),
            TableColumn("X（北，米）", 40, "right"),
            TableColumn("Y（东，米）", 40, "right"),
            TableColumn("至下一点边长（米）", 40, "right"),
        ),
        (
            (
                one.name,
                str(one.ring),
                f"{one.north_m:.3f}",
                f"{one.east_m:.3f}",
                f"{one.side_m:.2f}",
            )
            for one in corners[:MOST_POINTS]
        ),
    )
    if len(corners) > MOST_POINTS:
        paper.note(f"共{len(corners)}个界址点，其余见套合表（XLSX）。")

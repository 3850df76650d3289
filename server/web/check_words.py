"""Words of the pages about compliance checks, opinions and their verification."""

from collections.abc import Mapping
from typing import Final

from config.vocabulary import Outcome
from server.web.terms import Word

ENGLISH: Final = {
    Outcome.PASS: "conforms",
    Outcome.INFO: "note",
    Outcome.VERIFY: "to be verified",
    Outcome.COND: "to be justified",
    Outcome.FAIL: "does not conform",
}
CHECK_WORDS: Final[Mapping[str, Word]] = {
    "segment.checks": Word("合规性审查记录", "Compliance checks"),
    "segment.opinions": Word("审查意见", "Opinions"),
    "segment.verify": Word("复核", "Verification"),
    **{f"outcome.{one}": Word(one.zh, ENGLISH[one]) for one in Outcome},
    "severity.error": Word("错误", "error"),
    "severity.warning": Word("提醒", "warning"),
    "check": Word("审查", "Check"),
    "check_date": Word("审查日期", "Check date"),
    "check_hash": Word("复核码", "Verification code"),
    "check_kept": Word("保存时间", "Kept since"),
    "check_overall": Word("总体建议", "Overall suggestion"),
    "check_matter": Word("审查事项", "Matter"),
    "check_rules": Word("规则集", "Rule set"),
    "check_rule": Word("审查项", "Rule"),
    "check_fact": Word("事实", "Fact"),
    "check_finding": Word("说明", "Finding"),
    "check_suggestion": Word("建议", "Suggestion"),
    "check_obligation": Word("类别", "Kind"),
    "check_mandatory": Word("必查", "mandatory"),
    "check_advisory": Word("提示性", "advisory"),
    "check_project": Word("项目", "Project"),
    "check_parcel": Word("地块", "Parcel"),
    "check_parcels": Word("地块数", "Parcels"),
    "check_some_parcels": Word(
        "本页只显示前 %s 个地块，全部见报告。",
        "This page shows the first %s parcels; the report has all.",
    ),
    "check_large": Word(
        "内容较多，本页只显示概要；全部内容见报告或 JSON。",
        "There is too much for a page: this is the summary. The report and the JSON have all of it.",
    ),
    "check_faults": Word("图形问题", "Faults of the parcel"),
    "check_fault": Word("问题", "Fault"),
    "check_severity": Word("程度", "Severity"),
    "check_ellipsoid": Word("椭球面积", "Ellipsoidal area"),
    "check_planar": Word("平面面积", "Planar area"),
    "check_declared": Word("申报面积", "Declared area"),
    "check_layers": Word("数据依据", "Data"),
    "check_layer": Word("图层", "Layer"),
    "check_not_connected": Word("未接入", "not connected"),
    "check_manual": Word("人工事项", "To be judged by people"),
    "check_more": Word("详细内容", "More"),
    "check_plane": Word("平面坐标系", "Plane"),
    "no_checks": Word(
        "没有审查记录。登录后做的合规性审查列在这里。",
        "There are no checks. Those made after signing in are listed here.",
    ),
    "opinion_text": Word("意见", "Opinion"),
    "opinion_conclusion": Word("结论", "Conclusion"),
    "opinion_by": Word("签署人", "Signed by"),
    "opinion_at": Word("签署时间", "Signed at"),
    "opinion_organisation": Word("单位", "Organisation"),
    "opinion_dated": Word("发文日期", "Dated"),
    "opinion_proof": Word("签署依据", "Proof"),
    "opinion_supersedes": Word("替代的意见", "Supersedes"),
    "opinion_standing": Word("最近的意见", "no later opinion"),
    "opinion_superseded": Word("已有后来的意见", "a later opinion follows"),
    "opinion_all": Word("全部地块", "all parcels"),
    "no_opinions": Word("尚无审查意见。", "No opinion has been signed."),
    "verified_kind.removed": Word("已由管理员移除的记录", "A record that was removed"),
    "verified_kind.compliance_check": Word(
        "本系统保存有这一审查结果。", "This system keeps this check."
    ),
    "verified_kind.compliance_opinion": Word(
        "本系统保存有这一审查意见。", "This system keeps this opinion."
    ),
}

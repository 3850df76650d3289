"""What drafted compliance rules would change, as a process."""

from collections.abc import Mapping
from typing import Any

from config.vocabulary import Text
from processes.context import Context
from processes.ogc.compliance_result import BOTH, OUTCOME, STRING
from processes.ogc.feature_schemas import nullable
from processes.spec import Input, Output, ProcessSpec
from processes.workflows.rules_comparison import MOST_CHECKS, MOST_PARCELS, compare_rules

COUNT = {"type": "integer", "minimum": 0}
MOVE = {
    "type": "object",
    "properties": {
        "rule": STRING,
        "before": nullable(OUTCOME),
        "after": nullable(OUTCOME),
        "text_before": nullable(STRING),
        "text_after": nullable(STRING),
    },
    "required": ["rule", "before", "after"],
}
COMPARISON = {
    "type": "object",
    "properties": {
        "advisory": BOTH,
        "draft": {"type": "object", "description": "the rule set as it would be"},
        "checks": COUNT,
        "parcels": COUNT,
        "left_out": {**COUNT, "description": "checks that would have been too many parcels"},
        "changed": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "check": STRING,
                    "parcel": {"type": "integer"},
                    "name": nullable(STRING),
                    "before": OUTCOME,
                    "after": OUTCOME,
                    "rules": {"type": "array", "items": MOVE},
                },
                "required": ["check", "parcel", "before", "after", "rules"],
            },
        },
        "summary": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "rule": STRING,
                    "before": nullable(OUTCOME),
                    "after": nullable(OUTCOME),
                    "parcels": COUNT,
                },
                "required": ["rule", "before", "after", "parcels"],
            },
        },
    },
    "required": ["advisory", "draft", "checks", "parcels", "changed", "summary"],
}


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Past parcels by the rules in force and by the draft."""
    return {"comparison": compare_rules(context, inputs)}


COMPLIANCE_COMPARE = ProcessSpec(
    id="compliance_compare",
    version="1.0.0",
    title=Text(zh="规则变更比对", en="Comparison of compliance rules"),
    description=Text(
        zh="用现行规则和拟启用的规则分别重审已留存的地块，列出建议会改变的地块和规则；"
        "两次所用数据相同，只有规则不同",
        en="Judges the parcels of kept checks by the rules in force and by a draft, and lists the"
        " parcels and rules whose suggestion would change; both read the same data, only the rules"
        " differ",
    ),
    keywords=("合规性审查", "规则", "rules"),
    inputs={
        "draft": Input(
            title=Text(zh="拟启用的规则", en="Draft"),
            description=Text(
                zh="目录条目，kind 为 ruleset 或 ruleset_override",
                en="A catalogue entry of kind ruleset or ruleset_override",
            ),
            schema={"type": "object"},
        ),
        "checks": Input(
            title=Text(zh="已留存的审查", en="Kept checks"),
            description=Text(
                zh=f"按复核码指明，或取本人的（可限定起始日期和事项）；至多 {MOST_CHECKS} 份、"
                f"{MOST_PARCELS} 个地块，从最近的开始",
                en=f"Named by their hashes, or the caller's own (since a day, of a matter); at most"
                f" {MOST_CHECKS} checks and {MOST_PARCELS} parcels, the newest first",
            ),
            schema={
                "type": "object",
                "properties": {
                    "hashes": {
                        "type": "array",
                        "items": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                        "minItems": 1,
                        "maxItems": MOST_CHECKS,
                    },
                    "since": {"type": "string", "format": "date"},
                    "profile": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"},
                },
                "additionalProperties": False,
            },
            required=False,
        ),
    },
    outputs={
        "comparison": Output(
            title=Text(zh="比对结果", en="Comparison"),
            description=Text(
                zh="会改变的地块、逐规则的前后建议和汇总",
                en="The parcels that change, suggestions before and after by rule, and a summary",
            ),
            schema=COMPARISON,
        )
    },
    example={
        "inputs": {
            "draft": {
                "kind": "ruleset_override",
                "id": "example_city",
                "ruleset": "national_default",
                "version": "2026.1.0",
                "valid_from": "2026-06-01",
                "source": "示例〔2026〕1号",
                "title": {"zh": "示例市补充规定", "en": "Supplement of an example city"},
                "parameters": [
                    {
                        "id": "eps_m2",
                        "value": 0.5,
                        "unit": "m2",
                        "title": "边界误差面积",
                        "src": "U",
                    }
                ],
            },
            "checks": {"since": "2026-01-01"},
        }
    },
    run=run,
    ruled=True,
)

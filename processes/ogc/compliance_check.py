"""The compliance check as a process: what it takes, what it answers."""

from collections.abc import Iterable, Mapping
from typing import Any

from config.vocabulary import Text
from processes.context import Context
from processes.ogc.compliance_result import RESULT
from processes.ogc.feature_schemas import TEXT, features_schema
from processes.spec import BodyError, Input, Output, ProcessSpec
from processes.workflows.check_request import DEFAULT_PROFILE, DEFAULT_RULESET
from processes.workflows.compliance_check import check_parcels
from processes.workflows.parcel_intake import form_faults
from processes.workflows.parcel_sources import MAX_PARCELS
from processes.workflows.surveyed_input import MAX_TEXT

ID = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"}
DAY = {"type": "string", "format": "date"}
PASTED = {
    "type": "object",
    "description": "pasted coordinates, or a coordinate text (界址点 TXT)",
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
    },
    "required": ["text"],
    "additionalProperties": False,
}
PROJECT = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 500},
        "code": {"type": "string", "maxLength": 100},
        "dates": {
            "type": "object",
            "description": "days from which the profile takes the check date",
            "properties": {"acceptance": DAY, "approval": DAY, "permit": DAY},
            "additionalProperties": False,
        },
        "attributes": {
            "type": "object",
            "description": "attributes of the rule set, by their ids; a parcel's own go before them",
            "additionalProperties": {
                "anyOf": [
                    {"type": "string", "maxLength": 500},
                    {"type": "number"},
                    {"type": "boolean"},
                ]
            },
            "maxProperties": 100,
        },
        "flags": {
            "type": "object",
            "description": "what the applicant declares, by the rule set's ids",
            "additionalProperties": {"type": "boolean"},
            "maxProperties": 100,
        },
        "documents": {
            "type": "object",
            "description": "documents that are attached; that one is verified says only who may sign",
            "additionalProperties": {"type": "string", "enum": ["attached", "verified"]},
            "maxProperties": 100,
        },
    },
    "additionalProperties": False,
}
SQUARE = [
    [125.345, 43.8855],
    [125.35, 43.8855],
    [125.35, 43.8885],
    [125.345, 43.8885],
    [125.345, 43.8855],
]


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Parcels against the rules of a matter."""
    return {"result": check_parcels(context, inputs)}


def check(inputs: Mapping[str, Any]) -> Iterable[BodyError]:
    """What is wrong with the parcels as they were sent."""
    return form_faults(inputs)


COMPLIANCE_CHECK = ProcessSpec(
    id="compliance_check",
    version="1.0.0",
    title=Text(zh="合规性审查", en="Compliance check"),
    description=Text(
        zh="地块按审查事项逐条规则套合：每条规则给出事实（涉及、不涉及、数据缺失）、椭球面积、平面面积"
        "和占比，所依据的图层、版次、规划和文号，以及建议；一个地块或整批地块均可。"
        "系统辅助分析，不作为审批依据；结论须由具名人员签署审查意见。",
        en="Parcels against the rules of a matter: for each rule the fact (concerned, not concerned,"
        " data missing), ellipsoidal and planar areas and shares, the layer, edition, plan and"
        " document that it rests on, and a suggestion; for one parcel or a whole batch."
        " Computer-aided analysis, no basis for approval; a conclusion is an opinion that a named"
        " person signs.",
    ),
    keywords=("合规性审查", "套合", "三条控制线", "compliance"),
    inputs={
        "parcels": Input(
            title=Text(zh="地块", en="Parcels"),
            description=Text(
                zh=f"GeoJSON 或 JSON-FG 面（几何、要素或要素集，至多 {MAX_PARCELS} 个）；"
                '已上传的文件（{"href": "/files/…"}：界址点 TXT、DXF、SHP 压缩包、GeoPackage、'
                'XLSX、CSV、KML 等）；图层的要素（{"collection": …}）；或粘贴的坐标（{"text": …}）',
                en=f"GeoJSON or JSON-FG polygons (geometry, feature or collection, at most"
                f' {MAX_PARCELS}); a file that was uploaded ({{"href": "/files/…"}}: coordinate text,'
                " DXF, zipped Shapefile, GeoPackage, XLSX, CSV, KML and others); the features of a"
                ' layer ({"collection": …}); or pasted coordinates ({"text": …})',
            ),
            schema={
                "oneOf": [*features_schema(("Polygon", "MultiPolygon"))["oneOf"], dict(PASTED)]
            },
            validated={"type": "object"},  # `check` finds the same faults, with better places
            referable=True,
            surveyed=True,
        ),
        "crs": Input(
            title=Text(zh="坐标参考系", en="Coordinate reference system"),
            description=Text(
                zh="地块坐标的参考系；GeoJSON 默认 CRS84（经度、纬度），文件未注明投影带时必填",
                en="The reference system of the coordinates: CRS84 (longitude, latitude) by default"
                " for GeoJSON; required where a file does not state its zone",
            ),
            schema={"type": "string", "maxLength": 200, "example": "EPSG:4530"},
            required=False,
        ),
        "unit": Input(
            title=Text(zh="行政区", en="Unit"),
            description=Text(
                zh="地块应在其内的行政区代码；不在其内的地块逐一说明",
                en="Code of the region in which the parcels should lie; those that do not are told",
            ),
            schema={"type": "string", "pattern": "^[1-9][0-9]{5}([0-9]{3}){0,2}$"},
            required=False,
        ),
        "profile": Input(
            title=Text(zh="审查事项", en="Matter"),
            description=Text(
                zh="规则集中审查事项的代号", en="A matter (profile) of the rule set, by its id"
            ),
            schema={**ID, "default": DEFAULT_PROFILE},
            required=False,
        ),
        "ruleset": Input(
            title=Text(zh="规则集", en="Rule set"),
            description=Text(
                zh="规则集的代号；取审查日有效的版本及当地的补充规定",
                en="The id of a rule set; its version in force on the check date is taken, with"
                " what was laid over it for the region",
            ),
            schema={**ID, "default": DEFAULT_RULESET},
            required=False,
        ),
        "check_date": Input(
            title=Text(zh="审查日期", en="Check date"),
            description=Text(
                zh="取该日有效的规则、版次和依据；默认为事项规定的日期（project.dates），否则今天（北京时间）",
                en="Rules, editions and legal basis in force on this day; by default the day that"
                " the matter names (project.dates), else today (China)",
            ),
            schema=DAY,
            required=False,
        ),
        "as_of": Input(
            title=Text(zh="数据时刻", en="As of"),
            description=Text(
                zh="按此刻之前入库的数据重做审查（日期或带时差的时刻）",
                en="Repeats a check with what was recorded until then (a date, or a date-time with"
                " its offset)",
            ),
            schema=dict(TEXT),
            required=False,
        ),
        "draft": Input(
            title=Text(zh="试用规则", en="Draft rules"),
            description=Text(
                zh="启用前试用的规则集或地方补充规定（目录条目 kind: ruleset 或 ruleset_override）；"
                "结果不留存",
                en="A rule set or local override to be tried before it is in force (a catalogue entry"
                " of kind ruleset or ruleset_override); the result is not kept",
            ),
            schema={"type": "object"},
            required=False,
        ),
        "project": Input(
            title=Text(zh="项目", en="Project"),
            description=Text(
                zh="项目名称、代码、属性、申报的情形和附件",
                en="Name, code, attributes, declared circumstances and documents of the project",
            ),
            schema=PROJECT,
            required=False,
        ),
    },
    outputs={
        "result": Output(
            title=Text(zh="审查结果", en="Result"),
            description=Text(
                zh="逐地块、逐规则的事实、面积、依据和建议，复核码（hash），数据来源",
                en="Facts, areas, basis and suggestions by parcel and rule, the hash by which it is"
                " verified, and what was read",
            ),
            schema=RESULT,
        )
    },
    example={
        "inputs": {
            "parcels": {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
                "properties": {"name": "示例地块", "declared_area_m2": 134000},
            },
            "profile": "planning_conditions",
            "project": {"name": "示例项目", "attributes": {"planned_class": "0701"}},
        }
    },
    run=run,
    check=check,
    ruled=True,
    kept="result",
)

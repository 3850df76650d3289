"""A surveyor's file looked at as a process: parcels, faults by their place, zones that fit."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from config.vocabulary import Text
from processes.context import Context
from processes.ogc.feature_schemas import TEXT, UPLOADED, nullable
from processes.spec import BodyError, Input, InvalidBody, Output, ProcessSpec
from processes.workflows.boundary_point_file import boundary_text
from processes.workflows.survey_report import report, unit_of
from processes.workflows.surveyed_input import MAX_TEXT, PASTED, opened_text, opened_upload
from providers.files import SourceFile


def check(inputs: Mapping[str, Any]) -> Iterable[BodyError]:
    """A file or a text, one of them."""
    if ("file" in inputs) == (PASTED in inputs):
        yield BodyError("/file", "expected a file or a text, one of them")


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Open it, look at every parcel, tell."""
    with context.reading() as connection:
        unit = None
        if "unit" in inputs:
            unit = unit_of(connection, inputs["unit"], context.today)
            if unit is None:
                message = "expected a region of the register that has an area"
                raise InvalidBody([BodyError("/inputs/unit", message)])
        crs = inputs.get("file", {}).get("crs") or inputs.get("crs")
        with _opened(connection, context, inputs) as (source, name):
            found = report(connection, source, name, crs, unit, context.today)
            known = None if found["crs"] is None else crs or source.crs
            return {"report": found, "boundary_points": boundary_text(source, known)}


@contextmanager
def _opened(
    connection: Connection[TupleRow], context: Context, inputs: Mapping[str, Any]
) -> Iterator[tuple[SourceFile, str]]:
    if PASTED in inputs:
        with opened_text(inputs[PASTED], f"/inputs/{PASTED}") as source:
            yield source, PASTED
    else:
        with opened_upload(connection, context, inputs["file"], "/inputs/file") as opened:
            yield opened


def _list(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(item)}


STRING: Mapping[str, Any] = {"type": "string"}
COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 0}
PLACED: Mapping[str, Any] = {
    "fault": STRING,
    "severity": {"type": "string", "enum": ["error", "warning"]},
    "parcel": nullable({"type": "integer", "description": "its place in the file, from 1"}),
    "number": nullable(STRING),
    "ring": nullable({"type": "integer"}),
    "point": nullable(STRING),
    "line": nullable({"type": "integer"}),
    "message": {
        "type": "object",
        "properties": {"zh": STRING, "en": STRING},
        "required": ["zh", "en"],
    },
    "params": {"type": "object"},
}
ZONE: Mapping[str, Any] = {
    "crs": STRING,
    "name": STRING,
    "zone": nullable({"type": "integer", "description": "number in front of the eastings"}),
    "meridian_deg": nullable({"type": "integer"}),
    "bbox": _list({"type": "number"}),
    "outline": nullable({"type": "object", "description": "of the parcels, simplified, GeoJSON"}),
    "region": nullable({"type": "object"}),
    "swapped": {"type": "boolean", "description": "only once x and y are exchanged"},
}
REPORT: Mapping[str, Any] = {
    "name": {"type": "string", "description": "of the file, as its sender calls it"},
    "format": STRING,
    "layer": STRING,
    "crs": nullable({"type": "string", "description": "null: not stated, or contradicted"}),
    "refusal": nullable({"type": "string", "description": "why the stated crs cannot be right"}),
    "zones": _list({"type": "object", "properties": dict(ZONE), "required": [*ZONE]}),
    "local_frame": {"type": "boolean", "description": "no zone fits: likely a local frame"},
    "parcels": COUNT,
    "readable": COUNT,
    "findings": _list({"type": "object", "properties": dict(PLACED), "required": [*PLACED]}),
    "findings_left_out": COUNT,
    "notes": _list(STRING),
}
EXAMPLE = """[属性描述]
坐标系=2000国家大地坐标系
几度分带=3
带号=42
精度=0.001
[地块坐标]
5,0.3907,1,示例地块,面,,工业用地,1001,@
J1,1,4851838.496,42443667.350
J2,1,4851850.100,42443730.200
J3,1,4851790.000,42443741.000
J4,1,4851778.300,42443678.100
J1,1,4851838.496,42443667.350
"""

SURVEY_PARCELS = ProcessSpec(
    id="survey_parcels",
    version="1.1.0",
    title=Text(zh="界址点文件检查", en="Check of a surveyor's file"),
    description=Text(
        zh="读取界址点 TXT、DXF、KML、坐标表或粘贴的坐标，逐地块说明问题（自相交、未闭合、带号不符、"
        "坐标轴颠倒、面积不符等）；未注明投影带时给出可能的带及其所在位置",
        en="Reads a coordinate text, a DXF drawing, KML, a table of points or pasted coordinates and"
        " tells every fault of every parcel; where no zone is stated, the zones that fit and where"
        " the parcels would lie in each",
    ),
    keywords=("界址点", "DXF", "survey"),
    inputs={
        "file": Input(
            title=Text(zh="文件", en="File"),
            description=Text(zh="上传的文件（POST /files）", en="An uploaded file (POST /files)"),
            schema=UPLOADED,
            required=False,
        ),
        "text": Input(
            title=Text(zh="坐标文本", en="Text"),
            description=Text(
                zh="界址点文本或粘贴的坐标，代替文件",
                en="A coordinate text or pasted coordinates, instead of a file",
            ),
            schema={"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
            required=False,
        ),
        "crs": Input(
            title=Text(zh="坐标参考系", en="Reference system"),
            description=Text(
                zh="文件未注明投影带时使用", en="Where the file or text does not state its zone"
            ),
            schema={**TEXT, "example": "EPSG:4551"},
            required=False,
        ),
        "unit": Input(
            title=Text(zh="行政区", en="Unit"),
            description=Text(
                zh="地块应在其内的行政区代码", en="Code of the region in which the parcels must lie"
            ),
            schema={"type": "string", "pattern": "^[1-9][0-9]{5}([0-9]{3}){0,2}$"},
            required=False,
        ),
    },
    outputs={
        "report": Output(
            title=Text(zh="检查结果", en="Report"),
            description=Text(
                zh="逐地块的问题与可能的投影带", en="Faults by parcel; zones that fit"
            ),
            schema={"type": "object", "properties": dict(REPORT), "required": [*REPORT]},
        ),
        "boundary_points": Output(
            title=Text(zh="界址点坐标文本", en="Coordinate text"),
            description=Text(
                zh="可读地块的界址点坐标 TXT（GB18030 编码）；经纬度换算到 3 度带",
                en="The readable parcels as the coordinate text of land approvals (GB18030);"
                " degrees are brought to a 3-degree zone",
            ),
            schema={"type": "string"},
            media_type="text/plain; charset=gb18030",
        ),
    },
    example={"inputs": {"text": EXAMPLE}},
    run=run,
    check=check,
)

"""The functions that filters may call besides those of the standard, as data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, collate, func, literal
from sqlalchemy.dialects.postgresql import INTEGER, NUMERIC, TEXT

from config.vocabulary import Text
from providers.cql2.terms import Kind

type Element = ColumnElement[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of a function."""

    title: Text
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function: what it takes and gives, and the SQL of a call."""

    title: Text
    arguments: tuple[Argument, ...]
    returns: Kind
    build: Callable[..., Element]


VALUE = Argument(title=Text(zh="文本", en="Text"), kind=Kind.TEXT)
AMOUNT = Argument(title=Text(zh="数", en="Number"), kind=Kind.NUMBER)
DAY = Argument(title=Text(zh="日期", en="Date"), kind=Kind.DATE)
PLACE = Argument(title=Text(zh="几何", en="Geometry"), kind=Kind.GEOMETRY)
BEGINNING = Argument(title=Text(zh="开头", en="How it begins"), kind=Kind.TEXT)
ENDING = Argument(title=Text(zh="结尾", en="How it ends"), kind=Kind.TEXT)


def _part(name: str) -> Callable[[Element], Element]:
    return lambda day: cast(func.date_part(literal(name, TEXT), day), INTEGER)


def _ends(text: Element, ending: Element) -> Element:
    return collate(func.right(text, func.char_length(ending), type_=TEXT), "C") == ending


def _begins(text: Element, beginning: Element) -> Element:
    return collate(func.left(text, func.char_length(beginning), type_=TEXT), "C") == beginning


FUNCTIONS: dict[str, Function] = {
    "lower": Function(
        title=Text(zh="小写", en="Text in lower case"),
        arguments=(VALUE,),
        returns=Kind.TEXT,
        build=lambda text: func.onemap.casei(text, type_=TEXT),
    ),
    "length": Function(
        title=Text(zh="字符数", en="Number of characters"),
        arguments=(VALUE,),
        returns=Kind.NUMBER,
        build=lambda text: func.char_length(text, type_=Integer),
    ),
    "starts_with": Function(
        title=Text(zh="以之开头", en="Whether a text begins with another"),
        arguments=(VALUE, BEGINNING),
        returns=Kind.BOOLEAN,
        build=_begins,
    ),
    "ends_with": Function(
        title=Text(zh="以之结尾", en="Whether a text ends with another"),
        arguments=(VALUE, ENDING),
        returns=Kind.BOOLEAN,
        build=_ends,
    ),
    "abs": Function(
        title=Text(zh="绝对值", en="Number without its sign"),
        arguments=(AMOUNT,),
        returns=Kind.NUMBER,
        build=lambda number: func.abs(cast(number, NUMERIC)),
    ),
    "round": Function(
        title=Text(zh="四舍五入", en="Nearest whole number"),
        arguments=(AMOUNT,),
        returns=Kind.NUMBER,
        build=lambda number: func.round(cast(number, NUMERIC)),
    ),
    "floor": Function(
        title=Text(zh="向下取整", en="Greatest whole number not above"),
        arguments=(AMOUNT,),
        returns=Kind.NUMBER,
        build=lambda number: func.floor(cast(number, NUMERIC)),
    ),
    "ceiling": Function(
        title=Text(zh="向上取整", en="Least whole number not below"),
        arguments=(AMOUNT,),
        returns=Kind.NUMBER,
        build=lambda number: func.ceil(cast(number, NUMERIC)),
    ),
    "year": Function(
        title=Text(zh="年", en="Year of a date"),
        arguments=(DAY,),
        returns=Kind.NUMBER,
        build=_part("year"),
    ),
    "month": Function(
        title=Text(zh="月", en="Month of a date, 1 to 12"),
        arguments=(DAY,),
        returns=Kind.NUMBER,
        build=_part("month"),
    ),
    "day": Function(
        title=Text(zh="日", en="Day of the month of a date"),
        arguments=(DAY,),
        returns=Kind.NUMBER,
        build=_part("day"),
    ),
    "point_on_surface": Function(
        title=Text(zh="面内点", en="A point of the geometry"),
        arguments=(PLACE,),
        returns=Kind.GEOMETRY,
        build=func.ST_PointOnSurface,
    ),
}
NAMES = {Kind.DATE: "datetime", Kind.INSTANT: "datetime", Kind.TEXT: "string"}  # in /functions


def functions_document(lang: str, base: str) -> dict[str, Any]:
    """What GET /functions answers (OGC API - Features, Part 3); *base* is the server's address."""
    return {
        "functions": [
            {
                "name": name,
                "description": function.title.in_language(lang),
                "arguments": [
                    {"title": a.title.in_language(lang), "type": [_type(a.kind)]}
                    for a in function.arguments
                ],
                "returns": [_type(function.returns)],
            }
            for name, function in FUNCTIONS.items()
        ],
        "links": [{"rel": "self", "type": "application/json", "href": f"{base}/functions"}],
    }


def _type(kind: Kind) -> str:
    return NAMES.get(kind, str(kind))

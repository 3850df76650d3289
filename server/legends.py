"""Legends: what the symbols of a style mean, as data and as one picture; pure."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from config.model import Layer, Style
from server.sprites import HATCH_PX, hatch_colour
from server.web.sketch import rule_of

ROW_PX, SIGN, GAP, TEXT_PX = 24, (32, 20), 8, 14  # of the picture
HEADING_PX: Final = 16
FONTS: Final = "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Noto Sans SC, sans-serif"
INK: Final = "#1b2430"


def legend(style: Style, lang: str) -> list[dict[str, Any]]:
    """One entry per rule, as a legend draws it."""
    return [
        {
            "title": rule.title.in_language(lang),
            "codes": list(rule.codes),
            "fill": rule.fill,
            "opacity": rule.opacity,
            "outline": rule.outline,
            "width": rule.width,
            "dash": list(rule.dash),
            "hatch": rule.hatch,
        }
        for rule in style.rules
    ]


def style_legend(style: Style, layers: Sequence[Layer], lang: str) -> dict[str, Any]:
    """A style with its entries, and with every class of the layers' code lists that each draws."""
    classes = classes_of(style, layers, lang)
    entries = [
        {
            **entry,
            "match": rule.match,
            "hatchColour": hatch_colour(rule) if rule.hatch else None,
            "classes": [{"code": c, "title": t} for c, t in classes[number].items()],
        }
        for number, (rule, entry) in enumerate(zip(style.rules, legend(style, lang), strict=True))
    ]
    return {
        "id": style.id,
        "title": style.title.in_language(lang),
        "version": style.version,
        "source": style.source.in_language(lang),
        "geometry": style.geometry,
        "field": style.field,
        "entries": entries,
    }


def classes_of(style: Style, layers: Sequence[Layer], lang: str) -> list[dict[str, str]]:
    """By rule, the codes that it draws with their titles, in the order of the code lists."""
    found: list[dict[str, str]] = [{} for _ in style.rules]
    numbers = {id(rule): number for number, rule in enumerate(style.rules)}
    for layer in layers:
        field = layer.field(style.field) if style.field else None
        for code, title in (field.code_list.codes if field and field.code_list else {}).items():
            rule = rule_of(style, code)
            if rule is not None:
                found[numbers[id(rule)]].setdefault(code, title.in_language(lang))
    return found


def picture(title: str, styles: Sequence[Mapping[str, Any]]) -> str:
    """The legend as SVG: a sign and its title in each row; no script, nothing from elsewhere."""
    rows: list[tuple[tuple[Mapping[str, Any], str] | None, str]] = []
    if len(styles) != 1:
        rows.append((None, title))
    for style in styles:
        rows.append((None, style["title"]))
        rows += [((entry, style["geometry"]), entry["title"]) for entry in style["entries"]]
    wide = max(_width(text) for _, text in rows) + SIGN[0] + 3 * GAP
    high = len(rows) * ROW_PX + 2 * GAP
    tones = sorted({e["hatchColour"] for s in styles for e in s["entries"] if e["hatch"]})
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}"'
            f' height="{high}" role="img" font-family="{FONTS}" fill="{INK}">',
            f"<title>{escape(title)}</title>",
            *(_pattern(tone) for tone in tones),
            f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
            *(_row(number, sign, text) for number, (sign, text) in enumerate(rows)),
            "</svg>",
        ]
    )


def _row(number: int, sign: tuple[Mapping[str, Any], str] | None, text: str) -> str:
    top = GAP + number * ROW_PX
    base = top + ROW_PX / 2 + TEXT_PX / 3
    if sign is None:
        return f'<text x="{GAP}" y="{base:g}" font-size="{HEADING_PX}">{escape(text)}</text>'
    signs = "".join(_sign(*sign, top + (ROW_PX - SIGN[1]) // 2))
    x = SIGN[0] + 2 * GAP
    return f'{signs}<text x="{x}" y="{base:g}" font-size="{TEXT_PX}">{escape(text)}</text>'


def _sign(entry: Mapping[str, Any], form: str, top: int) -> Iterator[str]:
    fill, outline = entry["fill"] or "none", entry["outline"] or entry["fill"]
    lengths = " ".join(f"{length * entry['width']:g}" for length in entry["dash"])
    dash = f' stroke-dasharray="{lengths}"' if lengths else ""
    stroke = f'stroke="{outline}" stroke-width="{entry["width"]:g}"{dash}'
    if form == "point":
        x, y = GAP + SIGN[0] / 2, top + SIGN[1] / 2
        yield f'<circle cx="{x:g}" cy="{y:g}" r="6" fill="{fill}" {stroke}/>'
    elif form == "line":
        yield f'<path d="M{GAP} {top + SIGN[1] / 2:g}h{SIGN[0]}" {stroke}/>'
    else:
        box = f'<rect x="{GAP}" y="{top}" width="{SIGN[0]}" height="{SIGN[1]}"'
        yield f'{box} fill="{fill}" fill-opacity="{entry["opacity"]:g}" {stroke}/>'
        if entry["hatch"]:
            yield f'{box} fill="url(#h{entry["hatchColour"][1:]})"/>'


def _pattern(tone: str) -> str:
    side = HATCH_PX
    return (
        f'<defs><pattern id="h{tone[1:]}" width="{side}" height="{side}"'
        f' patternUnits="userSpaceOnUse"><path d="M-1 1L1 -1M0 {side}L{side} 0'
        f'M{side - 1} {side + 1}L{side + 1} {side - 1}" stroke="{tone}"/></pattern></defs>'
    )


def _width(text: str) -> int:
    """About how wide the text is drawn: ideographs are square, other signs half as wide."""
    return sum(HEADING_PX if ord(sign) > 0x2E7F else HEADING_PX // 2 for sign in text)

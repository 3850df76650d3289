"""Parcels as lists of points: tables (CSV, XLSX) with a row per point, and pasted coordinates."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from config.vocabulary import Text
from processes.algorithms.boundary_point_text import (
    MAX_PARCEL_POINTS,
    MAX_PARCELS,
    MAX_POINTS,
    NARROW,
    NUMBER,
)
from processes.algorithms.survey_parcels import (
    Fault,
    Finding,
    SurveyParcel,
    SurveyRing,
    finding,
)
from processes.algorithms.survey_rings import Closing
from processes.algorithms.survey_sentences import too_many_points
from providers.file_boundary_points import text_encoding, text_lines
from providers.file_survey import Survey, surveyed
from providers.source_file import FileRefused, OpenedPath, SourceFile
from providers.survey_frames import Stated

DRIVER, PASTED = "PointTable", "PointList"
POINT = frozenset({"点号", "界址点号", "界址点", "点名", "point"})
NORTH = frozenset(
    {"x", "x坐标", "x(m)", "x坐标(m)", "纵坐标", "北坐标", "纬度", "north", "northing"}
)
EAST = frozenset({"y", "y坐标", "y(m)", "y坐标(m)", "横坐标", "东坐标", "经度", "east", "easting"})
PARCEL = frozenset({"地块", "地块号", "地块编号", "地块名称", "宗地", "宗地号", "parcel"})
RING = frozenset({"圈号", "环号", "ring"})
SEPARATOR = re.compile(r"[,;\t ，；、]+")
SEEN_LINES = 20
LISTED = Closing(implied=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which column says what of a point."""

    north: str
    east: str
    point: str
    parcel: str | None
    ring: str | None

    @property
    def named(self) -> frozenset[str | None]:
        """The columns that have a role."""
        return frozenset((self.north, self.east, self.point, self.parcel, self.ring))


@dataclass(slots=True)
class _Gathered:
    """Points by parcel and ring, in the order in which they come."""

    parcels: dict[str, dict[int, tuple[list[str], list[tuple[float, float]], int]]] = field(
        default_factory=dict
    )
    wrong: list[tuple[str, int, str]] = field(default_factory=list)
    said: dict[str, dict[str, str]] = field(default_factory=dict)  # of each parcel, by column
    points: int = 0

    def add(self, parcel: str, ring: str, name: str, north: str, east: str, line: int) -> None:
        rings = self.parcels.setdefault(parcel, {})
        ring, north, east = (
            one.strip() if one.isascii() else one.translate(NARROW).strip()
            for one in (ring or "1", north, east)
        )
        if not (ring.isascii() and ring.isdigit() and len(ring) < 9) or not (
            NUMBER.fullmatch(north) and NUMBER.fullmatch(east)
        ):
            self.wrong.append((parcel, line, f"{north!r}, {east!r} of ring {ring!r}"))
            return
        names, values, _ = rings.setdefault(int(ring), ([], [], line))
        names.append(name)
        values.append((float(east), float(north)))
        self.points += 1
        if self.points > MAX_POINTS or len(self.parcels) > MAX_PARCELS:
            raise FileRefused(f"it has more than {MAX_POINTS:,} points or {MAX_PARCELS:,} parcels.")

    def describe(self, parcel: str, columns: Mapping[str, Sequence[str]], row: int) -> None:
        """Keep what a row says of its parcel, unless an earlier one has said it."""
        said = self.said.setdefault(parcel, {})
        for name, values in columns.items():
            if values[row]:
                said.setdefault(name, values[row])

    def columns(self) -> dict[str, pa.Array]:
        """What is said of the parcels beside their points."""
        names = dict.fromkeys(name for said in self.said.values() for name in said)
        return {
            name: pa.array([self.said.get(one, {}).get(name) for one in self.parcels], pa.string())
            for name in names
        }

    def surveys(self) -> tuple[list[SurveyParcel], tuple[Finding, ...]]:
        parcels = []
        found = []
        place_of = {name: place for place, name in enumerate(self.parcels)}
        for place, (name, rings) in enumerate(self.parcels.items()):
            size = sum(len(values) for _, values, _ in rings.values())
            one = SurveyParcel(
                rings=tuple(
                    SurveyRing(
                        number=number, names=tuple(names), points=np.array(values), line=line
                    )
                    for number, (names, values, line) in rings.items()
                    if size <= MAX_PARCEL_POINTS
                ),
                number=name,
            )
            parcels.append(one)
            if size > MAX_PARCEL_POINTS:
                said = too_many_points(size, MAX_PARCEL_POINTS)
                found.append(finding(Fault.TOO_MANY_POINTS, said, parcel=place, of=one))
        for name, line, what in self.wrong[:MAX_PARCELS]:
            place = place_of[name]
            said = Text(
                zh=f"有一点的坐标不是数字：{what}",
                en=f"has a point that is no pair of numbers: {what}",
            )
            found.append(
                finding(Fault.UNREADABLE_LINE, said, parcel=place, of=parcels[place], line=line)
            )
        return parcels, tuple(found)


def roles_of(columns: Iterable[str]) -> Roles | None:
    """Which columns hold points; None where it is no table of points."""
    plain = {_plain(one): one for one in columns}

    def named(among: frozenset[str]) -> str | None:
        return next((own for name, own in plain.items() if name in among), None)

    north, east, point = named(NORTH), named(EAST), named(POINT)
    if north is None or east is None or point is None:
        return None
    return Roles(north=north, east=east, point=point, parcel=named(PARCEL), ring=named(RING))


def is_point_header(line: str) -> bool:
    """Whether a text's first line names the columns of points."""
    return roles_of(re.split(r"[,;\t]", line)) is not None


def is_point_list(lines: Sequence[str]) -> bool:
    """Whether a text is pasted coordinates: name, X, Y or X, Y in every line."""
    rows = [fields for line in lines[:SEEN_LINES] if (fields := _fields(line))]
    return len(rows) >= 3 and all(_numbers(row) is not None for row in rows)


def pointed(asked: OpenedPath, table: SourceFile) -> SourceFile:
    """The parcels of a table with a row per point; any other table as it is."""
    roles = roles_of(table.columns) if table.geometry is None else None
    if roles is None:
        return table
    gathered = _Gathered()
    line = 1
    for batch in table.batches():
        texts = {name: _texts(values) for name, values in batch.columns.items()}
        others = {name: values for name, values in texts.items() if name not in roles.named}
        for row in range(batch.count):
            line += 1
            north, east = texts[roles.north][row], texts[roles.east][row]
            if not north and not east:
                continue
            parcel = "" if roles.parcel is None else texts[roles.parcel][row]
            gathered.describe(parcel, others, row)
            gathered.add(
                parcel,
                "" if roles.ring is None else texts[roles.ring][row],
                texts[roles.point][row],
                north,
                east,
                line,
            )
    return _survey(asked, gathered, DRIVER, table.encoding, table.notes)


def opened(asked: OpenedPath) -> SourceFile:
    """Pasted coordinates; an empty line begins another parcel."""
    encoding, notes = text_encoding(asked)
    gathered, number = _Gathered(), 1
    for line, text in enumerate(text_lines(asked.path, encoding), 1):
        fields = _fields(text)
        if not fields:
            number += str(number) in gathered.parcels
            continue
        name, ring, north, east = _numbers(fields) or ("", "", " ".join(fields)[:60], "")
        gathered.add(str(number), ring, name, north, east, line)
    return _survey(asked, gathered, PASTED, encoding.upper(), notes)


def _survey(
    asked: OpenedPath,
    gathered: _Gathered,
    driver: str,
    encoding: str | None,
    notes: tuple[str, ...],
) -> SourceFile:
    parcels, findings = gathered.surveys()
    survey = Survey(
        driver=driver,
        parcels=parcels,
        closing=LISTED,
        stated=Stated(),
        findings=findings,
        encoding=encoding,
        notes=notes,
        more=gathered.columns(),
    )
    return surveyed(asked, survey)


def _fields(line: str) -> list[str]:
    text = line.strip().lstrip("\ufeff")
    return [
        one for one in SEPARATOR.split(text if text.isascii() else text.translate(NARROW)) if one
    ]


def _numbers(fields: Sequence[str]) -> tuple[str, str, str, str] | None:
    """Name, ring, X and Y of a pasted line: X Y, or name X Y, or name ring X Y."""
    if not 2 <= len(fields) <= 4 or not all(NUMBER.fullmatch(one) for one in fields[-2:]):
        return None
    name = fields[0] if len(fields) > 2 else ""
    return name, fields[1] if len(fields) == 4 else "", fields[-2], fields[-1]


def _texts(values: pa.Array) -> list[str]:
    return [_text(one) for one in values.to_pylist()]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)


def _plain(name: str) -> str:
    """A column's name without what spellings differ in."""
    text = name.strip().lower().translate(NARROW)
    return re.sub(r"\s+", "", text).replace("（", "(").replace("）", ")").replace("米", "m")


def lines_of(head: bytes) -> Iterator[str]:
    """The whole lines at the beginning of a text, in either encoding."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    for encoding in ("utf-8", "gb18030"):
        try:
            whole = text[: text.rfind(b"\n") + 1] or text
            yield from whole.decode(encoding).splitlines()
        except UnicodeDecodeError:
            continue
        return

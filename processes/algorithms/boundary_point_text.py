"""The coordinate text of parcels that land approvals are filed with (界址点坐标 TXT)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from config.vocabulary import Text
from processes.algorithms.survey_parcels import (
    Fault,
    Finding,
    SurveyParcel,
    SurveyRing,
    finding,
)
from processes.algorithms.survey_sentences import too_many_points

ATTRIBUTES, COORDINATES = "[属性描述]", "[地块坐标]"
LOOSE = Text(zh="在首个地块之前", en="stands before any parcel")
WIDE = Text(
    zh="含全角字符，已按半角读取", en="is written with full-width characters; read as digits"
)
MARK = "@"
BLOCK_FIELDS = 7  # a block line has at least so many; some programs leave its @ out
MAX_PARCEL_POINTS, MAX_POINTS, MAX_PARCELS = 200_000, 2_000_000, 100_000
MAX_FINDINGS = 10_000
NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{0,12})?", re.ASCII)
WHOLE_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
NARROW = str.maketrans("０１２３４５６７８９．－＋，＝＠［］ｊＪ　", "0123456789.-+,=@[]jJ ")


class NoCoordinates(ValueError):
    """A text without the part that holds the parcels, or with more than is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryPoints:
    """A coordinate text: what it says of itself, its parcels, and what could not be read of it.

    Points are x east, y north, although the text writes X, the northing, first.
    """

    header: Mapping[str, str]
    parcels: tuple[SurveyParcel, ...]
    findings: tuple[Finding, ...] = ()
    left_out: int = 0  # findings beyond the most that are kept


@dataclass(slots=True, kw_only=True)
class _Ring:
    number: int
    line: int
    names: list[str] = field(default_factory=list)
    values: list[tuple[float, float]] = field(default_factory=list)

    @property
    def closed(self) -> bool:
        return len(self.values) > 3 and self.values[0] == self.values[-1]


@dataclass(slots=True, kw_only=True)
class _Block:
    parcel: SurveyParcel
    rings: list[_Ring] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)  # of its rings
    points: int = 0
    wide: bool = False


@dataclass(slots=True)
class _Reader:
    header: dict[str, str] = field(default_factory=dict)
    parcels: list[SurveyParcel] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left_out: int = 0
    section: str = ""
    block: _Block | None = None
    kept: int = 0

    def line(self, number: int, given: str) -> None:
        text = given.strip()
        if not text:
            return
        plain = text if text.isascii() else text.translate(NARROW).strip()
        if plain.startswith("[") and plain.endswith("]"):
            self.section = plain
        elif self.section == COORDINATES:
            self._coordinates(number, plain, wide=plain != text)
        elif self.section == ATTRIBUTES:
            name, _, value = plain.partition("=")
            self.header[name.strip()] = value.strip()

    def _coordinates(self, number: int, text: str, *, wide: bool) -> None:
        fields = [one.strip() for one in text.split(",")]
        if len(fields) >= BLOCK_FIELDS or fields[-1] == MARK:
            self.end()
            if len(self.parcels) >= MAX_PARCELS:
                raise NoCoordinates(f"it has more than {MAX_PARCELS:,} parcels")
            self.block = _Block(parcel=_described(fields, number), wide=wide)
            return
        if self.block is None:
            self.note(finding(Fault.LOOSE_LINE, LOOSE, line=number))
            return
        self.block.wide |= wide
        while len(fields) > 4 and not fields[-1]:
            fields.pop()
        ring, x, y = fields[1:4] if len(fields) == 4 else ("", "", "")
        if not (WHOLE_NUMBER.fullmatch(ring) and NUMBER.fullmatch(x) and NUMBER.fullmatch(y)):
            said = Text(
                zh=f"应为“点号,圈号,X（北）,Y（东）”，实为“{text[:60]}”",
                en=f"expected name, ring, X (north), Y (east); it is {text[:60]!r}",
            )
            self._blame(Fault.UNREADABLE_LINE, said, line=number)
            return
        self._point(number, fields[0], int(ring), (float(y), float(x)))

    def _point(self, line: int, name: str, ring: int, value: tuple[float, float]) -> None:
        assert self.block is not None
        block = self.block
        block.points += 1
        if block.points > MAX_PARCEL_POINTS:
            block.rings.clear()  # it is not read, and must not take the memory
            return
        self.kept += 1
        if self.kept > MAX_POINTS:
            raise NoCoordinates(f"it has more than {MAX_POINTS:,} points")
        last = block.rings[-1] if block.rings else None
        if last is None or last.number != ring or last.closed:
            if ring in block.numbers:
                said = Text(
                    zh=f"圈号{ring}用于多个圈",
                    en=f"the ring number {ring} stands for more than one ring",
                )
                self._blame(Fault.REPEATED_RING_NUMBER, said, line=line, ring=ring)
            block.numbers.add(ring)
            last = _Ring(number=ring, line=line)
            block.rings.append(last)
        last.names.append(name)
        last.values.append(value)

    def end(self) -> None:
        """The parcel before this line is complete."""
        if self.block is None:
            return
        block, said = self.block, self.block.parcel.declared_points
        if block.points > MAX_PARCEL_POINTS:
            much = too_many_points(block.points, MAX_PARCEL_POINTS)
            self._blame(Fault.TOO_MANY_POINTS, much, points=block.points)
        elif said is not None and said not in (block.points, _open_points(block)):
            much = Text(
                zh=f"注明{said}个界址点，实有{block.points}个",
                en=f"says it has {said} points, and has {block.points}",
            )
            self._blame(Fault.WRONG_COUNT, much, declared=said, points=block.points)
        if block.wide:
            self._blame(Fault.FULL_WIDTH, WIDE)
        self.parcels.append(_with_rings(block))
        self.block = None

    def _blame(
        self,
        fault: Fault,
        message: Text,
        *,
        line: int | None = None,
        ring: int | None = None,
        **params: Any,
    ) -> None:
        of = None if self.block is None else self.block.parcel
        self.note(
            finding(fault, message, parcel=len(self.parcels), of=of, line=line, ring=ring, **params)
        )

    def note(self, one: Finding) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(one)
        else:
            self.left_out += 1


def read_boundary_points(lines: Iterable[str]) -> BoundaryPoints:
    """The parcels of a coordinate text.

    Parameters
    ----------
    lines : iterable of str
        The decoded text, line by line. Coordinates: X (north) before Y (east),
        metres of a Gauss-Kruger zone with or without the zone number in front.

    Returns
    -------
    BoundaryPoints
        Points as (east, north) in the text's numbers, no zone number added or
        taken away. What cannot be read is a finding of its parcel with the
        number of its line; the other parcels are read.

    Raises
    ------
    NoCoordinates
        If there is no part [地块坐标], or there are more parcels or points than
        are read.

    Examples
    --------
    >>> text = '''[地块坐标]
    ... 4,0.01,1,甲,面,,工业用地,1001,@
    ... J1,1,100,0
    ... J2,1,110,0
    ... J3,1,100,10
    ... J1,1,100,0'''
    >>> found = read_boundary_points(text.splitlines())
    >>> found.parcels[0].name, found.parcels[0].rings[0].points.tolist()
    ('甲', [[0.0, 100.0], [0.0, 110.0], [10.0, 100.0], [0.0, 100.0]])
    """
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        reader.line(number, line)
    reader.end()
    if reader.section != COORDINATES and not reader.parcels:
        raise NoCoordinates(f"it has no part {COORDINATES}")
    return BoundaryPoints(
        header=reader.header,
        parcels=tuple(reader.parcels),
        findings=tuple(reader.findings),
        left_out=reader.left_out,
    )


def _described(fields: Sequence[str], line: int) -> SurveyParcel:
    """What a block line says; some leave fields at its end out."""
    said = list(fields)
    if said[-1] == MARK:
        said.pop()
    said += [""] * (8 - len(said))
    points, area, number, name, shape, sheet, use, class_code = said[:8]
    return SurveyParcel(
        rings=(),
        number=number,
        name=name,
        shape=shape or "面",
        sheet=sheet,
        use=use,
        class_code=class_code,
        declared_ha=float(area) if NUMBER.fullmatch(area) else None,
        area_text=area,
        declared_points=int(points) if WHOLE_NUMBER.fullmatch(points) else None,
        line=line,
    )


def _with_rings(block: _Block) -> SurveyParcel:
    rings = tuple(
        SurveyRing(
            number=one.number,
            names=tuple(one.names),
            points=np.array(one.values, dtype=np.float64).reshape(-1, 2),
            line=one.line,
        )
        for one in block.rings
    )
    return replace(block.parcel, rings=rings)


def _open_points(block: _Block) -> int:
    """The points without those that close a ring: some programs count so."""
    return block.points - sum(one.closed for one in block.rings)

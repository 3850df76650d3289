"""KML: the polygons of a document as parcels, longitude and latitude in degrees of WGS 84."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

import numpy as np
import pyarrow as pa
import pyproj

from config.vocabulary import Text
from processes.algorithms.boundary_point_text import MAX_PARCEL_POINTS, MAX_PARCELS, MAX_POINTS
from processes.algorithms.survey_parcels import Fault, Finding, SurveyParcel, SurveyRing, finding
from processes.algorithms.survey_rings import Closing
from processes.algorithms.survey_sentences import of_ring, too_many_points
from providers.file_survey import Survey, surveyed
from providers.source_file import FileRefused, OpenedPath, SourceFile
from providers.survey_frames import Stated

DRIVER = "KML"
NO_LIST = Text(zh="不是经纬度列表", en="is no list of longitudes and latitudes")
MAX_BYTES = 64 * 1024 * 1024
BLOCK = 16 * 1024  # characters: what a block ends is taken from the front of its parent, one by one
MAX_DEPTH = 64
MAX_COLUMNS, MAX_TEXT = 100, 1_000
OPENING = re.compile(rb"<(\w+:)?kml[\s>]")
DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]{1,40})[\"']")
NUMBER = re.compile(r"[+-]?\d{1,4}(\.\d{0,20})?([eE][+-]?\d{1,2})?", re.ASCII)
OTHER_SHAPES = ("Point", "LineString", "LinearRing", "Track", "Model")


@dataclass(slots=True)
class _Gathered:
    """The polygons so far, with what is said of each."""

    parcels: list[SurveyParcel] = field(default_factory=list)
    said: list[dict[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    points: int = 0
    others: int = 0  # placemarks without an area
    parted: int = 0  # placemarks of several polygons


def is_kml(head: bytes) -> bool:
    """Whether a file begins like KML."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head[: len(head) & ~1].decode("utf-16", "ignore").encode()
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"<") and OPENING.search(head[:4_096]) is not None


def opened(asked: OpenedPath) -> SourceFile:
    """Every polygon of the document as a parcel, named by its placemark."""
    if asked.layer not in (None, asked.title):
        raise FileRefused(f"{asked.name} is one layer of parcels; it has no layer {asked.layer!r}.")
    found = _Gathered()
    try:
        for placemark in _placemarks(asked):
            _take(found, placemark)
    except ParseError as error:
        raise FileRefused(f"{asked.name} is no well-formed KML: {error}.") from None
    names = list(dict.fromkeys(key for one in found.said for key in one))[:MAX_COLUMNS]
    columns = {
        name: pa.array([one.get(name) for one in found.said], pa.string())
        for name in ("name", *(one for one in names if one != "name"))
    }
    survey = Survey(
        driver=DRIVER,
        parcels=found.parcels,
        closing=Closing(),
        stated=Stated(),
        crs=pyproj.CRS.from_user_input("OGC:CRS84"),
        findings=tuple(found.findings),
        columns=columns,
        notes=tuple(_notes(found)),
    )
    return surveyed(asked, survey)


def _placemarks(asked: OpenedPath) -> Iterator[Element]:
    """Placemark by placemark, so that only one is held."""
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    held: list[Element] = []
    for block in _blocks(asked):
        parser.feed(block)
        for event, element in _events(parser):
            if event == "start":
                held.append(element)
                if len(held) > MAX_DEPTH:
                    raise FileRefused(f"{asked.name} is nested deeper than {MAX_DEPTH}.")
                continue
            held.pop()
            if _tag(element) == "Placemark":
                yield element
            if not any(_tag(one) == "Placemark" for one in held):
                element.clear()
                if held:
                    held[-1].remove(element)
    parser.close()


def _events(parser: "XMLPullParser[Element]") -> Iterator[tuple[str, Element]]:
    for kind, *rest in parser.read_events():
        if rest and isinstance(rest[0], Element):
            yield str(kind), rest[0]


def _blocks(asked: OpenedPath) -> Iterator[str]:
    """The text; a document type is refused, for it may name entities that grow or read files."""
    path, name = asked.path, asked.name
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FileRefused(f"{name} has {size:,} bytes; at most {MAX_BYTES:,} are read.")
    encoding = _encoding(path, name)
    before = ""
    try:
        with path.open(encoding=encoding, newline=None) as file:
            while block := file.read(BLOCK):
                if "<!DOCTYPE" in before[-10:] + block or "<!ENTITY" in before[-10:] + block:
                    raise FileRefused(f"{name} has a document type; refused.")
                yield block if before else block.lstrip("\ufeff")
                before = block
    except UnicodeDecodeError:
        raise FileRefused(f"{name} is not in {encoding}, as it says.") from None


def _encoding(path: Path, name: str) -> str:
    with path.open("rb") as file:
        head = file.read(256)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    said = DECLARED.search(head)
    declared = "utf-8" if said is None else said[1].decode().lower()
    if declared.replace("_", "-") in ("utf-8", "utf8", "us-ascii", "ascii"):
        return "utf-8"
    if declared in ("gbk", "gb2312", "gb18030"):
        return "gb18030"
    raise FileRefused(f"{name} says that it is in {declared!r}; save it as UTF-8.")


def _take(found: _Gathered, placemark: Element) -> None:
    polygons = [one for one in placemark.iter() if _tag(one) == "Polygon"]
    if not polygons:
        found.others += any(_tag(one) in OTHER_SHAPES for one in placemark.iter())
        return
    said = _said(placemark)
    found.parted += len(polygons) > 1
    for polygon in polygons:
        if len(found.parcels) >= MAX_PARCELS:
            raise FileRefused(f"it has more than {MAX_PARCELS:,} parcels.")
        place, rings, wrong = len(found.parcels), list[SurveyRing](), list[tuple[Fault, Text]]()
        for number, text in enumerate(_ring_texts(polygon), 1):
            points = _points(text)
            if points is None:
                wrong.append((Fault.UNREADABLE_GEOMETRY, of_ring(number, NO_LIST)))
                continue
            found.points += len(points)
            if found.points > MAX_POINTS:
                raise FileRefused(f"it has more than {MAX_POINTS:,} points.")
            names = tuple(map(str, range(1, len(points) + 1)))
            rings.append(SurveyRing(number=number, names=names, points=points))
        if (size := sum(len(ring.points) for ring in rings)) > MAX_PARCEL_POINTS:
            wrong.append((Fault.TOO_MANY_POINTS, too_many_points(size, MAX_PARCEL_POINTS)))
            rings = []
        parcel = SurveyParcel(rings=tuple(rings), name=said.get("name", ""))
        found.findings += (finding(f, message, parcel=place, of=parcel) for f, message in wrong)
        found.parcels.append(parcel)
        found.said.append(said)


def _said(placemark: Element) -> dict[str, str]:
    """The name of a placemark and the first of its data, whether they follow a schema or not."""
    own = {_tag(one): _text(one) for one in placemark}
    said = {"name": own.get("name", "")}
    for one in placemark.iter():
        kind, key = _tag(one), one.get("name")
        if kind == "SimpleData" and key:
            said[key] = _text(one)
        elif kind == "Data" and key:
            said[key] = next((_text(value) for value in one if _tag(value) == "value"), "")
    filled = ((key[:MAX_TEXT], value) for key, value in said.items() if value)
    return dict(islice(filled, MAX_COLUMNS))


def _ring_texts(polygon: Element) -> Iterator[str]:
    """The coordinates of the outer ring, then of the inner ones."""
    for kind in ("outerBoundaryIs", "innerBoundaryIs"):
        for boundary in polygon:
            if _tag(boundary) == kind:
                for one in boundary.iter():
                    if _tag(one) == "coordinates":
                        yield one.text or ""


def _points(text: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]] | None:
    """Longitude and latitude of each tuple; heights are left out."""
    parts = [" ".join(part.split()) for part in text.split(",")]  # blanks beside commas are none
    rows = [row.split(",") for row in ",".join(parts).split()]
    if not all(2 <= len(row) <= 3 and all(map(NUMBER.fullmatch, row[:2])) for row in rows):
        return None
    return np.array([(float(row[0]), float(row[1])) for row in rows]).reshape(-1, 2)


def _notes(found: _Gathered) -> Iterator[str]:
    if found.others:
        yield f"{found.others:,} placemarks without an area were not read"
    if found.parted:
        yield f"{found.parted:,} placemarks have several polygons; each is a parcel of its own"


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Element) -> str:
    return " ".join((element.text or "").split())[:MAX_TEXT]

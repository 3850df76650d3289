"""DXF drawings: the closed lines of one layer as parcels, the texts inside them as their names."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely
from ezdxf import recover
from ezdxf.document import Drawing
from ezdxf.filemanagement import readfile
from ezdxf.lldxf.const import DXFError

from config.vocabulary import Text
from processes.algorithms.survey_parcels import Fault, Finding, SurveyParcel, SurveyRing, finding
from processes.algorithms.survey_rings import Closing
from providers.file_dxf_lines import CLOSED_M, DrawnLine, by_layer, is_ring
from providers.file_dxf_nesting import Shapes, held
from providers.file_dxf_shapes import ARC_TOLERANCE_M, Label, drawn
from providers.file_survey import Survey, surveyed
from providers.source_file import FileLayer, FileRefused, OpenedPath, SourceFile
from providers.survey_frames import Stated

DRIVER = "DXF"
MAX_BYTES = 128 * 1024 * 1024  # ezdxf holds a drawing in memory, some ten times that
CLOSING = Closing(tolerance_m=CLOSED_M)
NESTED = Text(
    zh="位于另一地块之内，且有自己的名称",
    en="lies inside of another parcel, and has a name of its own",
)
METRES = (0, 6)  # $INSUNITS: none, metres
MAX_NAME = 200


def layers_of(path: Path, name: str) -> list[FileLayer]:
    """The layers of a drawing that have closed lines, with their number."""
    with _drawing(path, name) as drawing:
        lines = drawn(drawing).lines
    counted = {layer: sum(map(is_ring, _meant(own))) for layer, own in by_layer(lines).items()}
    return [
        FileLayer(name=layer, geometry="Polygon", features=count)
        for layer, count in sorted(counted.items())
        if count
    ]


def opened(asked: OpenedPath) -> SourceFile:
    """One layer of a drawing: the only one with closed lines, or the one that is asked for."""
    name = asked.name
    with _drawing(asked.path, name) as drawing:
        found = drawn(drawing)
        unit = int(drawing.header.get("$INSUNITS", 0))
    rings = [line for line in found.lines if is_ring(line)]
    hatched = all(line.hatched for line in rings)
    counted = Counter(line.layer for line in rings if line.hatched == hatched)
    layer = _chosen(name, asked.layer, counted, Counter(line.layer for line in found.lines))
    lines = _meant([line for line in found.lines if line.layer == layer])
    parcels, labels, findings = _parcels(lines, found.labels, layer)
    notes = list(found.notes)
    others = [f"{one} ({count})" for one, count in sorted(counted.items()) if one != layer]
    if others:
        notes.append(f"other layers with closed lines: {', '.join(others[:20])}")
    if any(line.curved for line in lines):
        notes.append(f"arcs were replaced by chords that stray by at most {ARC_TOLERANCE_M} m")
    if unit not in METRES:
        notes.append(f"its unit ($INSUNITS) is {unit}; the numbers are read as metres")
    names = [one.name or None for one in parcels]
    survey = Survey(
        driver=DRIVER,
        parcels=parcels,
        closing=CLOSING,
        stated=Stated(),
        findings=findings,
        columns={
            "name": pa.array(names, pa.string()),
            "layer": pa.array([layer] * len(parcels), pa.string()),
            "labels": pa.array(labels, pa.string()),
        },
        layer=layer,
        notes=tuple(notes),
    )
    return surveyed(asked, survey)


@contextmanager
def _drawing(path: Path, name: str) -> Iterator[Drawing]:
    """The drawing, repaired where ezdxf can; refused where it cannot."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FileRefused(f"{name} has {size:,} bytes; drawings of {MAX_BYTES:,} bytes are read.")
    try:
        try:
            found = readfile(path)
        except (DXFError, UnicodeDecodeError):
            found, _ = recover.readfile(path)
        yield found
    except FileRefused:
        raise
    except (DXFError, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        said = " ".join(str(error).split()).replace(str(path), name)[:200].rstrip(".")
        raise FileRefused(f"{name} cannot be read as a drawing: {said}.") from None


def _meant(own: list[DrawnLine]) -> list[DrawnLine]:
    """The lines of a layer that are its parcels; the edges of hatches only where there are no others."""
    hatched = not any(is_ring(line) and not line.hatched for line in own)
    if hatched and not any(line.hatched for line in own):
        return own
    return [line for line in own if line.hatched == hatched]


def _chosen(name: str, wanted: str | None, closed: Counter[str], every: Counter[str]) -> str:
    if wanted is not None:
        if wanted in every:
            return wanted
        there = ", ".join(sorted(closed)[:50]) or "none"
        raise FileRefused(
            f"{name} has no lines on a layer {wanted!r}; closed ones are on: {there}."
        )
    if len(closed) == 1:
        return next(iter(closed))
    if not closed and len(every) == 1:
        return next(iter(every))
    if not closed:
        raise FileRefused(f"{name} has no closed lines that could be parcels.")
    listed = ", ".join(f"{one} ({count})" for one, count in closed.most_common(50))
    raise FileRefused(
        f"{name} has closed lines on {len(closed)} layers: {listed}. Name the one to read (--layer)."
    )


def _parcels(
    lines: list[DrawnLine], labels: list[Label], layer: str
) -> tuple[list[SurveyParcel], list[str | None], tuple[Finding, ...]]:
    """Lines as parcels; a line inside another one without a text of its own is a hole in it."""
    shapes = np.array([_area(line) for line in lines], dtype=object)
    texts = _texts_inside(shapes, labels, layer)
    nesting = held(shapes, shapes, "covers")
    # At an even depth a line is an island in a hole: land again.
    outer = np.where(nesting.depth % 2 == 1, nesting.smallest, -1).tolist()
    holes: dict[int, list[int]] = {}
    for i, around in enumerate(outer):
        if around >= 0 and not texts[i]:
            holes.setdefault(around, []).append(i)
    inner = {i for held in holes.values() for i in held}
    parcels, said, found = list[SurveyParcel](), list[str | None](), list[Finding]()
    for i, line in enumerate(lines):
        if i in inner:
            continue
        rings = [line, *(lines[k] for k in holes.get(i, []))]
        one = SurveyParcel(
            rings=tuple(_ring(number, ring) for number, ring in enumerate(rings, 1)),
            name=texts[i][0][:MAX_NAME] if texts[i] else "",
        )
        place = len(parcels)
        if outer[i] >= 0:
            found.append(finding(Fault.NESTED_PARCEL, NESTED, parcel=place, of=one))
        parcels.append(one)
        said.append(" | ".join(texts[i])[: 5 * MAX_NAME] or None)
    return parcels, said, tuple(found)


def _ring(number: int, line: DrawnLine) -> SurveyRing:
    points = line.points
    if line.closed and len(points) and (points[0] != points[-1]).any():
        points = np.concatenate([points, points[:1]])
    names = tuple(str(place) for place in range(1, len(points) + 1))
    return SurveyRing(number=number, names=names, points=points)


def _area(line: DrawnLine) -> shapely.Geometry | None:
    return shapely.Polygon(line.points) if is_ring(line) else None


def _texts_inside(shapes: Shapes, labels: list[Label], layer: str) -> list[list[str]]:
    """The texts inside each area and in no smaller one, those of its own layer first."""
    found: list[list[tuple[bool, float, str]]] = [[] for _ in shapes]
    places = np.array([shapely.Point(*one.place) for one in labels], dtype=object)
    around = held(places, shapes, "contains").smallest
    inside = np.flatnonzero(around >= 0)
    away = shapely.distance(places[inside], shapely.centroid(shapes[around[inside]]))
    for label, shape, distance in zip(
        inside.tolist(), around[inside].tolist(), away.tolist(), strict=True
    ):
        one = labels[label]
        found[shape].append((one.layer != layer, distance, one.text))
    return [[text for _, _, text in sorted(said)] for said in found]

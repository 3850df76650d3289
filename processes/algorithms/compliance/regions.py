"""The land that features share with subjects: what is surely theirs, and what may be."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from config.predicates import Selection
from processes.algorithms.compliance.evidence import Absent, Geometries, LayerEvidence
from processes.algorithms.compliance.inquiry import Inquiry
from processes.algorithms.compliance.measuring import (
    Measured,
    Positions,
    dissolved,
    measured,
    polygonal,
    polygons_of,
    ranges,
    united,
)
from processes.algorithms.compliance.selecting import Selecting
from processes.algorithms.compliance.subjects import Subjects
from processes.algorithms.compliance.three_valued import TRUE, UNKNOWN

type Source = tuple[Selection, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """What single hits of a layer share with subjects, sorted by subject, then by feature."""

    subject: Positions
    hit: Positions
    geometry: Geometries

    def only(self, kept: NDArray[np.bool_]) -> "Cut":
        """Some of them."""
        return Cut(subject=self.subject[kept], hit=self.hit[kept], geometry=self.geometry[kept])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """The union of the features that a source surely takes, and with those that it may take."""

    sure: Geometries
    possible: Geometries  # the same array where nothing is in doubt
    open: bool  # a binding is absent: everything is possible


class Regions:
    """The cuts and regions of some subjects; each is made once."""

    def __init__(self, inquiry: Inquiry, selecting: Selecting, subjects: Subjects) -> None:
        self.inquiry = inquiry
        self.selecting = selecting
        self.subjects = subjects
        self._cuts: dict[str, Cut] = {}
        self._individual: dict[str, Measured] = {}
        self._gaps: dict[str, Cut] = {}
        self._regions: dict[Source, Region] = {}
        self._doubts: dict[Source, dict[int, set[str]]] = {}

    def cut(self, binding: str, layer: LayerEvidence) -> Cut:
        """What the hits of a layer share with the subjects."""
        name = self.inquiry.read(binding)
        if name not in self._cuts:
            self._cuts[name] = self._made_cut(layer)
        return self._cuts[name]

    def individual(self, binding: str, layer: LayerEvidence) -> Measured:
        """The areas of the cuts, each by itself."""
        name = self.inquiry.read(binding)
        if name not in self._individual:
            cut = self.cut(binding, layer)
            self._individual[name] = measured(cut.geometry, self.inquiry.yardstick)
        return self._individual[name]

    def gaps(self, binding: str, layer: LayerEvidence) -> Cut:
        """Of which part of the subjects the layer says nothing, noise left out; *hit*: the parcel."""
        name = self.inquiry.read(binding)
        if name not in self._gaps:
            parcels = np.array(sorted(layer.gaps), dtype=np.intp)
            shapes = np.empty(len(parcels), dtype=object)
            shapes[:] = [layer.gaps[int(parcel)].geometry for parcel in parcels]
            gaps = self._within(parcels, parcels, shapes)
            areas = measured(gaps.geometry, self.inquiry.yardstick)
            counted = areas.ellipsoid_m2 > 0
            self._gaps[name] = Cut(
                subject=gaps.subject[counted],
                hit=gaps.hit[counted],
                geometry=areas.geometry[counted],
            )
        return self._gaps[name]

    def uncovered(self, binding: str, layer: LayerEvidence) -> NDArray[np.bool_]:
        """Which subjects have a gap."""
        found = np.zeros(len(self.subjects), dtype=np.bool_)
        found[self.gaps(binding, layer).subject] = True
        return found

    def region(self, source: Source) -> Region:
        """The union of what *source* takes of the subjects."""
        if source not in self._regions:
            self._regions[source] = self._united(source)
        return self._regions[source]

    def taken(self, selection: Selection, layer: LayerEvidence, truth: int = TRUE) -> Cut:
        """The cuts of the features that *selection* takes with that certainty."""
        cut = self.cut(selection.binding, layer)
        return cut.only(self.selecting.truth(layer, selection)[cut.hit] == truth)

    def doubts(self, source: Source) -> dict[int, set[str]]:
        """Why the region of some subjects is not known, absent bindings apart."""
        if source not in self._doubts:
            self._doubts[source] = self._doubted(source)
        return self._doubts[source]

    def _doubted(self, source: Source) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for selection, layer in self._connected(source):
            cut = self.taken(selection, layer, UNKNOWN)
            for subject, hit in zip(cut.subject, cut.hit, strict=True):
                reasons = self.selecting.reasons(layer, selection, hit)
                found.setdefault(int(subject), set()).update(reasons)
            if not selection.optional:
                for gapped, reason in self.gap_reasons(selection.binding, layer):
                    found.setdefault(gapped, set()).add(reason)
        return found

    def gap_reasons(self, binding: str, layer: LayerEvidence) -> Iterable[tuple[int, str]]:
        """The subjects with a gap, and which gap it is."""
        gaps = self.gaps(binding, layer)
        for subject, parcel in zip(gaps.subject, gaps.hit, strict=True):
            yield int(subject), self.inquiry.because(binding, layer.gaps[int(parcel)].reason)

    def absences(self, source: Source) -> frozenset[str]:
        """The bindings of a source without data that are not optional, as reasons."""
        found = set()
        for selection in source:
            layer = self.inquiry.layer(selection.binding)
            if isinstance(layer, Absent) and not selection.optional:
                found.add(self.inquiry.because(selection.binding, layer.reason))
        return frozenset(found)

    def _connected(self, source: Source) -> Iterable[tuple[Selection, LayerEvidence]]:
        for selection in source:
            layer = self.inquiry.layer(selection.binding)
            if isinstance(layer, LayerEvidence):
                yield selection, layer

    def _united(self, source: Source) -> Region:
        sure: list[Cut] = []
        perhaps: list[Cut] = []
        for selection, layer in self._connected(source):
            sure.append(self.taken(selection, layer))
            perhaps.append(self.taken(selection, layer, UNKNOWN))
            if not selection.optional:
                perhaps.append(self.gaps(selection.binding, layer))
        certain = self._dissolved(sure)
        possible = certain
        if any(len(cut.subject) for cut in perhaps):
            possible = united(certain, self._dissolved(perhaps))
        return Region(sure=certain, possible=possible, open=bool(self.absences(source)))

    def _dissolved(self, cuts: list[Cut]) -> Geometries:
        count = len(self.subjects)
        if not cuts:
            return dissolved(count, np.zeros(0, np.intp), np.zeros(0, object))
        owner = np.concatenate([cut.subject for cut in cuts])
        return dissolved(count, owner, np.concatenate([cut.geometry for cut in cuts]))

    def _made_cut(self, layer: LayerEvidence) -> Cut:
        polygonal = shapely.get_dimensions(layer.overlaps) == 2
        polygonal &= ~shapely.is_empty(layer.overlaps)
        hits = np.flatnonzero(polygonal)
        return self._within(layer.parcel[hits], hits, layer.overlaps[hits])

    def _within(self, parcel: Positions, hit: Positions, shapes: Geometries) -> Cut:
        """*shapes* of parcels (sorted by parcel) as far as they lie in the subjects."""
        subjects = self.subjects
        if subjects.whole:
            return Cut(subject=parcel, hit=hit, geometry=polygonal(shapes))
        start, end = ranges(parcel, subjects.parcel)
        sizes = end - start
        owner = np.repeat(np.arange(len(subjects), dtype=np.intp), sizes)
        entry = np.repeat(start - np.cumsum(sizes) + sizes, sizes) + np.arange(len(owner))
        pieces = shapely.intersection(shapes[entry], subjects.geometry[owner])
        parts, position = polygons_of(pieces)
        kept = np.unique(position[shapely.area(parts) > 0])
        return Cut(subject=owner[kept], hit=hit[entry[kept]], geometry=polygonal(pieces[kept]))

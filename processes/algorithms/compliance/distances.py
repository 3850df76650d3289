"""How far subjects are from features, as intervals: what is not told may hide nearer ones."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

import numpy as np
import shapely

from processes.algorithms.compliance.evidence import Absent, Gap, Geometries, LayerEvidence
from processes.algorithms.compliance.inquiry import Inquiry
from processes.algorithms.compliance.measuring import Interval, Positions, ranges
from processes.algorithms.compliance.regions import Regions, Source
from processes.algorithms.compliance.selecting import Selecting
from processes.algorithms.compliance.subjects import Subjects
from processes.algorithms.compliance.three_valued import FALSE, TRUE, UNKNOWN, Reals


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Apart:
    """How far hits are from subjects; of what is beyond an edition, a hit is the parcel."""

    subject: Positions
    hit: Positions
    distance_m: Reals


class Distances:
    """The distances of some subjects; each is taken once."""

    def __init__(
        self, inquiry: Inquiry, selecting: Selecting, subjects: Subjects, regions: Regions
    ) -> None:
        self.inquiry = inquiry
        self.selecting = selecting
        self.subjects = subjects
        self.regions = regions
        self._intervals: dict[tuple[Source, float], Interval] = {}
        self._doubts: dict[tuple[Source, float], dict[int, set[str]]] = {}
        self._drawn_in: dict[float, Geometries] = {}
        self._near: dict[str, Geometries] = {}
        self._beyond: dict[tuple[str, float], Apart] = {}

    def interval(self, source: Source, inset_m: float) -> Interval:
        """Least distance in the plane from the subject, drawn in by *inset_m*; inf: none read."""
        key = (source, inset_m)
        if key not in self._intervals:
            self._intervals[key] = self._nearest(source, inset_m)
        return self._intervals[key]

    def doubts(self, source: Source, inset_m: float) -> Mapping[int, Set[str]]:
        """Why the distance of some subjects is not known, absent bindings apart."""
        key = (source, inset_m)
        if key not in self._doubts:
            self._doubts[key] = self._doubted(source, inset_m)
        return self._doubts[key]

    def apart(self, binding: str, layer: LayerEvidence, inset_m: float) -> Apart:
        """How far each near feature of a layer is from the subjects of its parcel."""
        if layer.near is None:
            raise ValueError(f"binding {binding} was read without what lies near the parcels")
        name = self.inquiry.read(binding)
        if name not in self._near:
            self._near[name] = self.inquiry.yardstick.plane(layer.near)
        return self._between(layer.parcel, self._near[name], inset_m)

    def beyond(self, binding: str, layer: LayerEvidence, inset_m: float) -> Apart:
        """How far it is to where the layer says nothing: a feature may lie right there."""
        key = (self.inquiry.read(binding), inset_m)
        if key not in self._beyond:
            parcels = np.array(sorted(layer.beyond), dtype=np.intp)
            shapes = np.empty(len(parcels), dtype=object)
            shapes[:] = [layer.beyond[int(parcel)].geometry for parcel in parcels]
            found = self._between(parcels, self.inquiry.yardstick.plane(shapes), inset_m)
            self._beyond[key] = Apart(
                subject=found.subject, hit=parcels[found.hit], distance_m=found.distance_m
            )
        return self._beyond[key]

    def _between(self, parcel: Positions, shapes: Geometries, inset_m: float) -> Apart:
        """From the subjects to *shapes* of their parcels, which are sorted by parcel."""
        start, end = ranges(parcel, self.subjects.parcel)
        subject = np.repeat(np.arange(len(self.subjects), dtype=np.intp), end - start)
        hit = np.repeat(start - np.cumsum(end - start) + (end - start), end - start)
        hit = hit + np.arange(len(hit))
        distance = shapely.distance(self._inner(inset_m)[subject], shapes[hit])
        known = ~np.isnan(distance)
        return Apart(subject=subject[known], hit=hit[known], distance_m=distance[known])

    def _nearest(self, source: Source, inset_m: float) -> Interval:
        count = len(self.subjects)
        low, high = np.full(count, np.inf), np.full(count, np.inf)
        for selection in source:
            layer = self.inquiry.layer(selection.binding)
            if isinstance(layer, Absent):
                if not selection.optional:
                    low[:] = 0.0
                continue
            apart = self.apart(selection.binding, layer, inset_m)
            truth = self.selecting.truth(layer, selection)[apart.hit]
            for end, kept in ((high, truth == TRUE), (low, truth != FALSE)):
                np.minimum.at(end, apart.subject[kept], apart.distance_m[kept])
            if not selection.optional:
                low[self.regions.uncovered(selection.binding, layer)] = 0.0
                unseen = self.beyond(selection.binding, layer, inset_m)
                np.minimum.at(low, unseen.subject, unseen.distance_m)
        return Interval(low=low, high=high)

    def _doubted(self, source: Source, inset_m: float) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        sure_m = self.interval(source, inset_m).high
        for selection in source:
            layer = self.inquiry.layer(selection.binding)
            if isinstance(layer, Absent):
                continue
            apart = self.apart(selection.binding, layer, inset_m)
            unknown = self.selecting.truth(layer, selection)[apart.hit] == UNKNOWN
            nearer = unknown & (apart.distance_m < sure_m[apart.subject])
            for subject, hit in zip(apart.subject[nearer], apart.hit[nearer], strict=True):
                reasons = self.selecting.reasons(layer, selection, hit)
                found.setdefault(int(subject), set()).update(reasons)
            if not selection.optional:
                for subject, reason in self.regions.gap_reasons(selection.binding, layer):
                    found.setdefault(subject, set()).add(reason)
                unseen = self.beyond(selection.binding, layer, inset_m)
                for subject, gap in _nearer(unseen, layer.beyond, sure_m):
                    reason = self.inquiry.because(selection.binding, gap.reason)
                    found.setdefault(subject, set()).add(reason)
        return found

    def _inner(self, inset_m: float) -> Geometries:
        """The subjects in the plane, drawn in; a part too narrow for it stays as it is."""
        if inset_m not in self._drawn_in:
            plane = self.inquiry.yardstick.plane(self.subjects.geometry)
            if inset_m > 0:
                parts, owner = shapely.get_parts(plane, return_index=True)
                inner = shapely.buffer(parts, -inset_m, join_style="mitre")
                inner = np.where(shapely.is_empty(inner), parts, inner)
                owners, place = np.unique(owner, return_inverse=True)
                plane = plane.copy()
                plane[owners] = shapely.geometrycollections(inner, indices=place)
            self._drawn_in[inset_m] = plane
        return self._drawn_in[inset_m]


def _nearer(unseen: Apart, gaps: Mapping[int, Gap], sure_m: Reals) -> Iterator[tuple[int, Gap]]:
    """The subjects from which what is beyond is nearer than any sure feature."""
    nearer = unseen.distance_m < sure_m[unseen.subject]
    for subject, parcel in zip(unseen.subject[nearer], unseen.hit[nearer], strict=True):
        yield int(subject), gaps[int(parcel)]

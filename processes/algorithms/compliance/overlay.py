"""Measures of subjects against features, each as an interval of what is sure and what may be."""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace

import numpy as np
import shapely

from config.predicates import AreaKind, Measure, Selection, Value
from processes.algorithms.compliance.distances import Distances
from processes.algorithms.compliance.evidence import Absent, Geometries, LayerEvidence
from processes.algorithms.compliance.inquiry import Inquiry
from processes.algorithms.compliance.measuring import (
    Interval,
    Measured,
    Whole,
    dissolved,
    left_over,
    measured,
    measured_within,
    nothing,
    polygons_of,
    united,
)
from processes.algorithms.compliance.net_areas import TURNS, Shares, joined, strayed, untold
from processes.algorithms.compliance.regions import Cut, Regions, Source
from processes.algorithms.compliance.selecting import Selecting
from processes.algorithms.compliance.subjects import Subjects
from processes.algorithms.compliance.three_valued import UNKNOWN, Reals
from processes.algorithms.compliance.turns import in_turn
from processes.algorithms.compliance.values import number_of
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2

RIDGES = "KCXS"  # 扣除地类系数, 0..1 of a feature's area


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counted:
    """What each feature shares with subjects, noise of the dissolved region left out."""

    cut: Cut
    geometry: Geometries
    ellipsoid_m2: Reals
    planar_m2: Reals


class Overlay:
    """The measures of some subjects; each is taken once."""

    def __init__(self, inquiry: Inquiry, selecting: Selecting, subjects: Subjects) -> None:
        self.inquiry = inquiry
        self.selecting = selecting
        self.subjects = subjects
        self.regions = Regions(inquiry, selecting, subjects)
        self.distances = Distances(inquiry, selecting, subjects, self.regions)
        self._inside: dict[Source, tuple[Measured, Measured]] = {}
        self._outside: dict[Source, tuple[Measured, Measured]] = {}
        self._certain_net: dict[Source, tuple[Reals, Shares]] = {}
        self._strayed: dict[Source, tuple[Reals, Reals]] = {}

    def interval(self, measure: Measure) -> Interval:
        """The measure that a predicate compares."""
        source = measure.source
        match measure.kind:
            case "overlap_m2":
                return self.overlap(source, measure.area)
            case "outside_m2":
                return self.outside(source, measure.area)
            case "share":
                area = self.overlap(source, AreaKind.ELLIPSOID)
                whole = np.where(self.subjects.ellipsoid_m2 > 0, self.subjects.ellipsoid_m2, 1)
                return Interval(
                    low=np.minimum(1, area.low / whole),
                    high=np.minimum(1, area.high / whole),
                    land=area.land,
                )
            case "distance_m":
                inset = 0.0 if measure.inset_m is None else self.inquiry.number(measure.inset_m)
                return self.distances.interval(source, inset)

    def overlap(self, source: Source, area: AreaKind) -> Interval:
        """The subject's land under the features, noise parts left out."""
        sure, possible = self.inside(source)
        whole = self.subjects.ellipsoid_m2
        low, high = sure.ellipsoid_m2, possible.ellipsoid_m2
        if area is AreaKind.PLANAR:
            whole, low, high = self.subjects.planar_m2, sure.planar_m2, possible.planar_m2
        elif area is AreaKind.NET:
            net, (loss, gain) = self.net(source), self._astray(source)
            low = np.maximum(net - loss, 0)
            high = net + gain + (high - sure.ellipsoid_m2)
        if self.regions.region(source).open:
            high = np.maximum(whole, high)
        return Interval(low=np.minimum(low, high), high=np.maximum(low, high), land=sure)

    def outside(self, source: Source, area: AreaKind = AreaKind.ELLIPSOID) -> Interval:
        """The subject's land under none of the features, noise parts left out."""
        certain, possible = self._outer(source)
        planar = area is AreaKind.PLANAR
        low = certain.planar_m2 if planar else certain.ellipsoid_m2
        high = possible.planar_m2 if planar else possible.ellipsoid_m2
        if self.regions.region(source).open:
            low = np.zeros_like(low)
        return Interval(low=np.minimum(low, high), high=np.maximum(low, high), land=certain)

    def inside(self, source: Source) -> tuple[Measured, Measured]:
        """The certain and the possible region, measured."""
        if source not in self._inside:
            region = self.regions.region(source)
            sure = self._measured(region.sure)
            doubtful = region.possible is not region.sure
            possible = self._measured(region.possible) if doubtful else sure
            self._inside[source] = (sure, possible)
        return self._inside[source]

    def why(self, measure: Measure) -> Callable[[int], Iterable[str]]:
        """Why a measure is not known of a subject."""
        absences = self.regions.absences(measure.source)
        distant = measure.kind == "distance_m"
        inset = 0.0 if measure.inset_m is None else self.inquiry.number(measure.inset_m)

        doubts: Mapping[int, Set[str]] | None = None

        def why(subject: int) -> Iterable[str]:
            nonlocal doubts
            if doubts is None:
                source = measure.source
                doubts = (
                    self.distances.doubts(source, inset) if distant else self.regions.doubts(source)
                )
            return absences | doubts[subject] if subject in doubts else absences

        return why

    def net(self, source: Source) -> Reals:
        """Certain ellipsoidal area, the field ridges (KCXS) of each feature left out.

        Land under several features has the ridges of the first, as in pieces.
        """
        return self._netted(source)[0]

    def _netted(self, source: Source) -> tuple[Reals, Shares]:
        """The certain net area, and what it is the sum of."""
        if source not in self._certain_net:
            self._certain_net[source] = self._summed(source)
        return self._certain_net[source]

    def _summed(self, source: Source) -> tuple[Reals, Shares]:
        net = np.zeros(len(self.subjects))
        taken = nothing(len(self.subjects))
        shares: list[Shares] = []
        for turn, selection in enumerate(source):
            layer = self.inquiry.layer(selection.binding)
            if isinstance(layer, LayerEvidence):
                cut = self.regions.taken(selection, layer)
                union = self.regions.region((selection,)).sure
                own = replace(cut, geometry=in_turn(cut, taken, union))
                shares.append(self._shares(selection, layer, own, turn))
                weights = self._counted(source, own).ellipsoid_m2 * shares[-1].kept
                net += np.bincount(cut.subject, weights=weights, minlength=len(net))
                taken = united(taken, union)
        return net, joined(shares)

    def _astray(self, source: Source) -> tuple[Reals, Reals]:
        """What the certain net area loses and gains at most by what is not known."""
        if source not in self._strayed:
            sure = self._netted(source)[1]
            self._strayed[source] = strayed(sure, self._perhaps(source), len(self.subjects))
        return self._strayed[source]

    def _perhaps(self, source: Source) -> Shares:
        """What features share of which it is not known whether they are chosen, or are there."""
        shares: list[Shares] = []
        for turn, selection in enumerate(source):
            layer = self.inquiry.layer(selection.binding)
            if isinstance(layer, LayerEvidence):
                cut = self.regions.taken(selection, layer, UNKNOWN)
                shares.append(self._shares(selection, layer, cut, turn))
            if not selection.optional:
                shares.append(untold(self._unsaid(selection.binding, layer), turn))
        return joined(shares)

    def _unsaid(self, binding: str, layer: LayerEvidence | Absent) -> Cut:
        """The gaps of a layer; the subjects themselves where it is absent."""
        if isinstance(layer, LayerEvidence):
            return self.regions.gaps(binding, layer)
        everyone = np.arange(len(self.subjects), dtype=np.intp)
        return Cut(subject=everyone, hit=self.subjects.parcel, geometry=self.subjects.geometry)

    def _shares(self, selection: Selection, layer: LayerEvidence, cut: Cut, turn: int) -> Shares:
        return Shares(
            subject=cut.subject,
            geometry=cut.geometry,
            kept=self._kept_fraction(selection.binding, layer)[cut.hit],
            turn=turn * TURNS + cut.hit,
        )

    def counted(self, source: Source, selection: Selection, layer: LayerEvidence) -> Counted:
        """What single features of *selection*, one of *source*, share with the subjects."""
        return self._counted(source, self.regions.taken(selection, layer))

    def _counted(self, source: Source, cut: Cut) -> Counted:
        land = self.inside(source)[0]
        found = Counted(
            cut=cut,
            geometry=land.geometry[cut.subject],
            ellipsoid_m2=land.ellipsoid_m2[cut.subject],
            planar_m2=land.planar_m2[cut.subject],
        )
        alone = np.bincount(cut.subject, minlength=len(self.subjects))[cut.subject] == 1
        shared = np.flatnonzero(~alone | (len(source) > 1))  # the others are the whole region
        parts, owner = polygons_of(cut.geometry[shared])
        kept = np.ones(len(parts), dtype=np.bool_)
        subject = cut.subject[shared[owner]]
        noisy = np.flatnonzero(land.noisy[subject])
        kept[noisy] = shapely.intersects(
            shapely.point_on_surface(parts[noisy]), land.geometry[subject[noisy]]
        )
        parts, owner, count = parts[kept], owner[kept], len(shared)
        planar = shapely.area(self.inquiry.yardstick.plane(parts))
        found.geometry[shared] = dissolved(count, owner, parts)
        found.ellipsoid_m2[shared] = np.bincount(owner, ellipsoid_area_m2(parts), count)
        found.planar_m2[shared] = np.bincount(owner, planar, count)
        return found

    def _outer(self, source: Source) -> tuple[Measured, Measured]:
        if source not in self._outside:
            region = self.regions.region(source)
            certain = self._left(region.possible)
            doubtful = region.possible is not region.sure
            self._outside[source] = (certain, self._left(region.sure) if doubtful else certain)
        return self._outside[source]

    def _measured(self, regions: Geometries) -> Measured:
        whole = Whole(geometry=self.subjects.geometry, areas=self.subjects.areas)
        return measured_within(regions, whole, self.inquiry.yardstick)

    def _left(self, taken: Geometries) -> Measured:
        return measured(left_over(self.subjects.geometry, taken), self.inquiry.yardstick)

    def _kept_fraction(self, binding: str, layer: LayerEvidence) -> Reals:
        """Per hit, the part of its feature that is no ridge; what is no fraction deducts nothing."""
        name = self.inquiry.read(binding)
        kept = [1.0 - _fraction(v) for v in self.selecting.field(layer, name, RIDGES)]
        return np.array(kept, dtype=np.float64)[layer.feature]


def _fraction(value: Value | None) -> float:
    number = number_of(value)
    return float(number) if number is not None and 0 <= number <= 1 else 0.0

"""What the entries of a rule's `concerns` surely are to each parcel, and whether they concern it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from config.predicates import AreaKind
from config.ruleset import Concern
from processes.algorithms.compliance.evidence import Absent, LayerEvidence
from processes.algorithms.compliance.findings import Concerned, FeaturePart
from processes.algorithms.compliance.measuring import NOTHING, ranges
from processes.algorithms.compliance.overlay import Counted, Overlay
from processes.algorithms.compliance.three_valued import (
    FALSE,
    TRUE,
    UNKNOWN,
    Reals,
    Truth,
)


class Concerns:
    """The concerns of the parcels; the same concern of several rules is told once."""

    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay
        self._told: dict[Concern, list[Concerned | None]] = {}
        self._fields: dict[tuple[str, int], Mapping[str, Any]] = {}

    def truth(self, concern: Concern) -> Truth:
        """Whether it concerns each parcel: overlaps beyond noise, or lies nearer than asked."""
        source = (concern.selection,)
        if concern.within_m is None:
            area = self.overlay.overlap(source, AreaKind.ELLIPSOID)
            return _between(area.low > 0, area.high > 0)
        within = self.overlay.inquiry.number(concern.within_m)
        distance = self.overlay.distances.interval(source, self._inset(concern))
        if within == 0:
            return _between(distance.high <= 0, distance.low <= 0)
        return _between(distance.high < within, distance.low < within)

    def told(self, concern: Concern) -> list[Concerned | None]:
        """Areas, distances and features for each parcel; None: an optional binding that is absent."""
        if concern not in self._told:
            self._told[concern] = self._tell(concern)
        return self._told[concern]

    def _inset(self, concern: Concern) -> float:
        number = self.overlay.inquiry.number
        return 0.0 if concern.inset_m is None else number(concern.inset_m)

    def _tell(self, concern: Concern) -> list[Concerned | None]:
        selection, count = concern.selection, len(self.overlay.subjects)
        layer = self.overlay.inquiry.layer(selection.binding)
        near = concern.within_m is not None
        net = concern.area is AreaKind.NET
        nothing = Concerned(
            binding=selection.binding,
            ellipsoid_m2=0.0,
            planar_m2=0.0,
            noise_m2=0.0,
            share=0.0,
            net_m2=0.0 if net else None,
            distance_m=float("inf") if near else None,
            geometry=NOTHING,
        )
        if isinstance(layer, Absent):
            return [None if selection.optional else nothing] * count
        source = (selection,)
        land = self.overlay.inside(source)[0]
        net_m2 = self.overlay.net(source) if net else None
        distance = (
            self.overlay.distances.interval(source, self._inset(concern)).high if near else None
        )
        features = self._features(concern, layer)
        share = _shares(land.ellipsoid_m2, self.overlay.subjects.ellipsoid_m2)
        ellipsoid, planar = land.ellipsoid_m2.tolist(), land.planar_m2.tolist()
        noise = land.noise_m2.tolist()
        told: list[Concerned | None] = [nothing] * count
        seen = (land.whole_m2 > 0) | (land.noise_m2 > 0)
        if distance is not None:
            seen |= distance < np.inf
        for parcel in np.flatnonzero(seen).tolist():
            told[parcel] = Concerned(
                binding=selection.binding,
                ellipsoid_m2=ellipsoid[parcel],
                planar_m2=planar[parcel],
                noise_m2=noise[parcel],
                share=share[parcel],
                net_m2=None if net_m2 is None else float(net_m2[parcel]),
                distance_m=None if distance is None else float(distance[parcel]),
                features=tuple(features.get(parcel, ())),
                geometry=land.geometry[parcel],
            )
        return told

    def _features(self, concern: Concern, layer: LayerEvidence) -> dict[int, list[FeaturePart]]:
        """The features of each parcel, largest first; then those that are only near, nearest first."""
        source = (concern.selection,)
        counted = self.overlay.counted(source, concern.selection, layer)
        found = self._sharing(concern.selection.binding, layer, counted)
        if concern.within_m is None or layer.near is None:
            return found
        within = self.overlay.inquiry.number(concern.within_m)
        apart = self.overlay.distances.apart(concern.selection.binding, layer, self._inset(concern))
        sure = self.overlay.selecting.truth(layer, concern.selection)[apart.hit] == TRUE
        close = apart.distance_m <= 0 if within == 0 else apart.distance_m < within
        sharing = np.isin(apart.hit, counted.cut.hit[counted.ellipsoid_m2 > 0])
        kept = np.flatnonzero(sure & close & ~sharing)
        kept = kept[np.lexsort((apart.distance_m[kept], apart.subject[kept]))]
        for position in kept:
            hit = apart.hit[position]
            part = self._part(concern.selection.binding, layer, hit, 0.0, 0.0, layer.near[hit])
            found.setdefault(int(apart.subject[position]), []).append(part)
        return found

    def _sharing(
        self, binding: str, layer: LayerEvidence, counted: Counted
    ) -> dict[int, list[FeaturePart]]:
        kept = np.flatnonzero(counted.ellipsoid_m2 > 0)
        parcels = counted.cut.subject
        kept = kept[np.lexsort((kept, -counted.ellipsoid_m2[kept], parcels[kept]))]
        hits = counted.cut.hit
        parts = [
            self._part(
                binding,
                layer,
                hits[position],
                counted.ellipsoid_m2[position],
                counted.planar_m2[position],
                counted.geometry[position],
            )
            for position in kept
        ]
        owners = np.unique(parcels[kept])
        return {
            int(owner): parts[start:end]
            for owner, start, end in zip(owners, *ranges(parcels[kept], owners), strict=True)
        }

    def _part(
        self,
        binding: str,
        layer: LayerEvidence,
        hit: int,
        ellipsoid_m2: float,
        planar_m2: float,
        geometry: Any,
    ) -> FeaturePart:
        feature = int(layer.feature[hit])
        key = (self.overlay.inquiry.read(binding), feature)
        if key not in self._fields:
            self._fields[key] = {code: values[feature] for code, values in layer.fields.items()}
        return FeaturePart(
            id=layer.ids[feature],
            plan=layer.plans[feature],
            document=layer.documents[feature],
            fields=self._fields[key],
            ellipsoid_m2=float(ellipsoid_m2),
            planar_m2=float(planar_m2),
            geometry=geometry,
        )


def _between(sure: Any, possible: Any) -> Truth:
    found: Truth = np.where(sure, TRUE, np.where(possible, UNKNOWN, FALSE)).astype(np.int8)
    return found


def _shares(part_m2: Reals, whole_m2: Reals) -> list[float]:
    shares = np.divide(part_m2, whole_m2, out=np.zeros_like(part_m2), where=whole_m2 > 0)
    told: list[float] = np.minimum(1.0, shares).tolist()
    return told

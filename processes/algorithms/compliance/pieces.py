"""Pieces of parcels: each feature of the split takes what earlier ones left; then gaps, then the rest.

Layers take in the order of the split, features in the order of their layer.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np

from config.predicates import Selection
from processes.algorithms.compliance.evidence import Absent, Geometries, LayerEvidence
from processes.algorithms.compliance.measuring import (
    Positions,
    counted,
    dissolved,
    left_over,
    measured,
    nothing,
    remainder,
    united,
)
from processes.algorithms.compliance.overlay import Overlay
from processes.algorithms.compliance.small_parts import TOO_SMALL, rescued
from processes.algorithms.compliance.subjects import NO_FEATURE, Subjects
from processes.algorithms.compliance.three_valued import FALSE, UNKNOWN
from processes.algorithms.compliance.turns import in_turn


@dataclass(slots=True)
class Heap:
    """Pieces as they are cut off; noise and order come last."""

    parcel: list[Positions] = field(default_factory=list)
    geometry: list[Geometries] = field(default_factory=list)
    binding: list[str | None] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    gap: list[str | None] = field(default_factory=list)

    def add(
        self,
        parcel: Positions,
        geometry: Geometries,
        binding: str | None,
        feature: list[int],
        gap: list[str | None],
    ) -> None:
        """Some pieces of one layer, or of none."""
        self.parcel.append(parcel)
        self.geometry.append(geometry)
        self.binding += [binding] * len(parcel)
        self.feature += feature
        self.gap += gap


def split(parcels: Overlay, by: tuple[Selection, ...], codes: frozenset[str]) -> Subjects:
    """The pieces of the parcels.

    Parameters
    ----------
    parcels : Overlay
        The parcels and what meets them; EPSG:4490.
    by : tuple of Selection
        The layers in their order. One that is absent and not optional makes all that is left a
        piece of which nothing is known; so does the part that its edition does not cover.
    codes : frozenset of str
        The fields of features by which pieces are told apart.

    Returns
    -------
    Subjects
        Sorted by parcel. Noise is left out; touching pieces of a layer that are alike in the
        fields *codes* are asked for it together. Land that is left out so, and is beyond noise
        where it lies together, is a piece of which nothing is known.
    """
    heap = Heap()
    whole = parcels.subjects.geometry
    everyone = np.arange(len(whole), dtype=np.intp)
    taken = nothing(len(whole))
    for selection in by:
        layer = parcels.inquiry.layer(selection.binding)
        if isinstance(layer, Absent):
            if not selection.optional:
                why = parcels.inquiry.because(selection.binding, layer.reason)
                _add_rest(heap, everyone, remainder(whole, taken), why)
                return _gathered(heap, parcels, codes)
            continue
        taken = _add_features(heap, parcels, selection, layer, taken)
        if not selection.optional and layer.gaps:
            gaps = parcels.regions.gaps(selection.binding, layer)
            reasons = [layer.gaps[int(parcel)].reason for parcel in gaps.hit]
            heap.add(
                gaps.subject,
                remainder(gaps.geometry, taken[gaps.subject]),
                None,
                [NO_FEATURE] * len(reasons),
                [parcels.inquiry.because(selection.binding, reason) for reason in reasons],
            )
            covered = nothing(len(whole))
            covered[gaps.subject] = gaps.geometry
            taken = united(taken, covered)
    _add_rest(heap, everyone, left_over(whole, taken), None)
    return _gathered(heap, parcels, codes)


def _add_features(
    heap: Heap, parcels: Overlay, selection: Selection, layer: LayerEvidence, taken: Geometries
) -> Geometries:
    """Cut off what the features take; what is taken then."""
    cut = parcels.regions.cut(selection.binding, layer)
    truth = parcels.selecting.truth(layer, selection)[cut.hit]
    cut, truth = cut.only(truth != FALSE), truth[truth != FALSE]
    unknown = [
        parcels.selecting.reasons(layer, selection, hit)[0] if value == UNKNOWN else None
        for hit, value in zip(cut.hit, truth, strict=True)
    ]
    union = (
        dissolved(len(taken), cut.subject, cut.geometry)
        if any(unknown)
        else parcels.regions.region((selection,)).sure
    )
    features = layer.feature[cut.hit].tolist()
    heap.add(
        cut.subject,
        in_turn(cut, taken, union),
        selection.binding,
        [NO_FEATURE if why else feature for feature, why in zip(features, unknown, strict=True)],
        unknown,
    )
    return united(taken, union)


def _add_rest(heap: Heap, parcel: Positions, rest: Geometries, why: str | None) -> None:
    heap.add(parcel, rest, None, [NO_FEATURE] * len(parcel), [why] * len(parcel))


def _gathered(heap: Heap, parcels: Overlay, codes: frozenset[str]) -> Subjects:
    yardstick = parcels.inquiry.yardstick
    parcel, geometry = np.concatenate(heap.parcel), np.concatenate(heap.geometry)
    areas = measured(geometry, yardstick)
    if areas.noisy.any():
        found = rescued(parcel, geometry, _alike(heap, parcels, codes), areas, yardstick)
        count = len(found.parcel)
        heap.add(found.parcel, found.unknown, None, [NO_FEATURE] * count, [TOO_SMALL] * count)
        parcel = np.concatenate([parcel, found.parcel])
        areas = measured(np.concatenate([found.geometry, found.unknown]), yardstick)
    order = np.argsort(parcel, kind="stable")
    order = order[areas.ellipsoid_m2[order] > 0]
    return Subjects(
        parcel=parcel[order],
        geometry=areas.geometry[order],
        areas=counted(areas, order),
        binding=tuple(heap.binding[position] for position in order),
        feature=np.array(heap.feature, dtype=np.intp)[order],
        gap=tuple(heap.gap[position] for position in order),
        whole=False,
    )


def _alike(heap: Heap, parcels: Overlay, codes: frozenset[str]) -> list[Hashable]:
    """For each piece its layer, the values by which it is judged, and why nothing is known of it."""
    inquiry, values = parcels.inquiry, dict[str, list[tuple[Hashable, ...]]]()
    for binding in {name for name in heap.binding if name is not None}:
        layer = inquiry.layer(binding)
        if isinstance(layer, LayerEvidence):
            name = inquiry.read(binding)
            columns = [parcels.selecting.field(layer, name, code) for code in sorted(codes)]
            rows = range(len(layer.ids))
            values[binding] = [tuple(column[row] for column in columns) for row in rows]
    return [
        (
            binding,
            None if binding is None or feature == NO_FEATURE else values[binding][feature],
            gap,
        )
        for binding, feature, gap in zip(heap.binding, heap.feature, heap.gap, strict=True)
    ]

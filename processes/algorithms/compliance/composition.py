"""Land-use composition (地类构成) of parcels, closed on their declared areas."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from processes.algorithms.compliance.evidence import Geometries, LayerEvidence
from processes.algorithms.compliance.values import number_of

HECTARE_STEP = Decimal("0.0001")
HECTARE_M2 = Decimal(10_000)

type Areas = Callable[[Geometries], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassArea:
    """The area of one class within a parcel."""

    code: str | None  # None: no feature, or a feature without a code
    ellipsoid_m2: float
    net_m2: float | None  # without field ridges (田坎); None: the layer has no KCXS
    share: float  # of all classes together, 0..1
    declared_ha: Decimal | None  # closed on the declared area, four decimals; None: none declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """The classes of one parcel, largest first, and where the rounding remainder went."""

    classes: tuple[ClassArea, ...]
    closed_on: str | None = None  # the class that took the remainder
    remainder_ha: Decimal | None = None  # None: none declared


def compositions(
    evidence: LayerEvidence,
    code: str,
    parcels: Geometries,
    declared_m2: Sequence[float | None],
    areas: Areas,
    *,
    noise_m2: float,
    ridge: str | None = None,
) -> list[Composition]:
    """What classes a layer says each parcel consists of.

    Parameters
    ----------
    evidence : LayerEvidence
        The layer's features over the parcels, EPSG:4490.
    code : str
        The field with the class.
    parcels : array of Polygon or MultiPolygon, shape (n,)
        EPSG:4490.
    declared_m2 : sequence of float or None, length n
        Declared areas; None: none.
    areas : callable
        Ellipsoidal areas of an array of polygons, m².
    noise_m2 : float
        An uncovered rest of at most so much is boundary noise and is left out.
    ridge : str, optional
        The field with the ridge coefficient (KCXS, 0..1; empty: 0).

    Returns
    -------
    list of Composition, length n
        Land under several features counts for the first, in the order of the layer's keys.

    Notes
    -----
    Declared areas are spread by share, in hectares with four decimals; what rounding leaves over
    goes to the largest class (a tie to the smallest code) and is told.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> whole = np.array([shapely.box(0, 0, 2, 1)])
    >>> west = LayerEvidence(
    ...     ids=("1",), fields={"DLBM": ("0101",)}, plans=(None,), documents=(None,),
    ...     parcel=np.array([0]), feature=np.array([0]), overlaps=np.array([shapely.box(0, 0, 1, 1)]))
    >>> [found] = compositions(west, "DLBM", whole, [60_000.0], shapely.area, noise_m2=0)
    >>> [(c.code, c.share, str(c.declared_ha)) for c in found.classes]
    [('0101', 0.5, '3.0000'), (None, 0.5, '3.0000')]
    """
    whole = areas(parcels)
    shapes = _apart(evidence, areas, whole)
    hit_m2 = areas(shapes)
    codes = [evidence.fields[code][f] for f in evidence.feature.tolist()]
    kept = np.ones(len(hit_m2))
    if ridge is not None:
        of = [_coefficient(evidence.fields[ridge][f]) for f in evidence.feature.tolist()]
        kept = 1.0 - np.array(of, dtype=np.float64)
    found: list[dict[str | None, list[float]]] = [{} for _ in parcels]
    for position, name, m2, net in zip(
        evidence.parcel.tolist(), codes, hit_m2.tolist(), (hit_m2 * kept).tolist(), strict=True
    ):
        if m2 > 0:
            sums = found[position].setdefault(None if name is None else str(name), [0.0, 0.0])
            sums[0] += m2
            sums[1] += net
    return [
        _closed(_with_rest(classes, m2, noise_m2), declared, ridge is not None)
        for classes, m2, declared in zip(found, whole.tolist(), declared_m2, strict=True)
    ]


def _coefficient(value: Any) -> float:
    """A part of one; what is none deducts nothing."""
    number = number_of(value)
    return float(number) if number is not None and 0 <= number <= 1 else 0.0


def _apart(evidence: LayerEvidence, areas: Areas, whole: NDArray[np.float64]) -> Geometries:
    """The overlaps; where a parcel's exceed it, each is cut by those before it."""
    shapes = evidence.overlaps
    total = np.bincount(evidence.parcel, weights=areas(shapes), minlength=len(whole))
    doubled = np.flatnonzero(total > whole * (1 + 1e-6) + 1e-3)
    if len(doubled) == 0:
        return shapes
    shapes = shapes.copy()
    for position in doubled.tolist():
        hits = np.flatnonzero(evidence.parcel == position)
        taken = shapely.MultiPolygon()
        for hit in hits.tolist():
            own = shapes[hit]
            shapes[hit] = shapely.difference(own, taken)
            taken = shapely.union(taken, own)
    return shapes


def _with_rest(
    classes: Mapping[str | None, Sequence[float]], whole_m2: float, noise_m2: float
) -> dict[str | None, tuple[float, float]]:
    sums = {code: (m2, net) for code, (m2, net) in classes.items()}
    rest = whole_m2 - sum(m2 for m2, _ in sums.values())
    if rest > noise_m2:
        before = sums.get(None, (0.0, 0.0))
        sums[None] = before[0] + rest, before[1] + rest
    return sums


def _closed(
    sums: Mapping[str | None, tuple[float, float]], declared_m2: float | None, netted: bool
) -> Composition:
    ordered = sorted(sums.items(), key=lambda item: (-item[1][0], item[0] is None, item[0] or ""))
    total = sum(m2 for _, (m2, _) in ordered)
    shares = [m2 / total for _, (m2, _) in ordered]
    spread: list[Decimal | None] = [None] * len(ordered)
    remainder = None
    if declared_m2 is not None and ordered:
        declared = _rounded(Decimal(str(declared_m2)) / HECTARE_M2)
        parts = [_rounded(declared * Decimal(share)) for share in shares]
        remainder = declared - sum(parts, Decimal(0))
        parts[0] += remainder
        spread = list(parts)
    classes = tuple(
        ClassArea(
            code=code, ellipsoid_m2=m2, net_m2=net if netted else None, share=share, declared_ha=ha
        )
        for (code, (m2, net)), share, ha in zip(ordered, shares, spread, strict=True)
    )
    closed_on = classes[0].code if remainder else None
    return Composition(classes=classes, closed_on=closed_on, remainder_ha=remainder)


def _rounded(hectares: Decimal) -> Decimal:
    return hectares.quantize(HECTARE_STEP, ROUND_HALF_EVEN)

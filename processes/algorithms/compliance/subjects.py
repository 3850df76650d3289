"""What is judged: parcels, or the pieces of parcels."""

from dataclasses import dataclass

import numpy as np

from processes.algorithms.compliance.evidence import Geometries
from processes.algorithms.compliance.measuring import Measured, Positions, Yardstick, measured
from processes.algorithms.compliance.three_valued import Reals

NO_FEATURE = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subjects:
    """Parcels or pieces, sorted by parcel; a piece knows the feature that it lies in."""

    parcel: Positions
    geometry: Geometries  # EPSG:4490
    areas: Measured  # of the geometry; a parcel's own noise included in its area below
    binding: tuple[str | None, ...]  # whose feature a piece lies in, by the name of the rule
    feature: Positions  # NO_FEATURE: in none
    gap: tuple[str | None, ...]  # why nothing is known of the piece

    whole: bool  # the parcels themselves; the three above say nothing then

    def __len__(self) -> int:
        return len(self.parcel)

    @property
    def ellipsoid_m2(self) -> Reals:
        """The area that counts whole, whatever its width."""
        return self.areas.whole_m2

    @property
    def planar_m2(self) -> Reals:
        """The same in the plane."""
        return self.areas.planar_m2 + self.areas.noise_m2


def parcels_as_subjects(parcels: Geometries, yardstick: Yardstick) -> Subjects:
    """The parcels themselves."""
    count = len(parcels)
    return Subjects(
        parcel=np.arange(count, dtype=np.intp),
        geometry=parcels,
        areas=measured(parcels, yardstick),
        binding=(None,) * count,
        feature=np.full(count, NO_FEATURE, dtype=np.intp),
        gap=(None,) * count,
        whole=True,
    )

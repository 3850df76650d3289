"""Boundary noise (边界误差): parts of an overlay too small or too narrow to be counted."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseRule:
    """When a connected part is boundary noise (边界误差); parameters come from data."""

    eps_m2: float
    min_width_m: float
    combine: Literal["or", "and"]

    def is_noise(
        self, area_m2: NDArray[np.float64], perimeter_m: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Of parts with these planar areas and perimeters, which are noise.

        The mean width of a part is 2A/P.
        """
        small = area_m2 <= self.eps_m2
        width_m = 2 * area_m2 / np.where(perimeter_m > 0, perimeter_m, np.inf)
        narrow = width_m < self.min_width_m
        return small & narrow if self.combine == "and" else small | narrow

"""How large a parcel may be, and how many features of one layer it may meet: data, with its source."""

import json
from dataclasses import dataclass
from functools import cache

from config.settings import PACKAGE_ROOT

BOUNDS = PACKAGE_ROOT / "standards" / "parameters" / "parcel-bounds.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelBounds:
    """The bounds of one parcel."""

    max_span_deg: float
    max_features: int


@cache
def parcel_bounds() -> ParcelBounds:
    """The bounds, with their source in the file."""
    data = json.loads(BOUNDS.read_text("utf-8"))
    return ParcelBounds(max_span_deg=data["max_span_deg"], max_features=data["max_features"])

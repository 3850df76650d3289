"""How a layer's tiles are drawn, where its entry says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TileOptions:
    """Whether generalised geometry is kept for the small scales, and what tiles carry beside."""

    overview: bool = True
    overview_hours: int | None = None  # an external table's is taken anew when older; None: never
    attributes: Mapping[str, int] = field(default_factory=dict)  # field code -> from which zoom on

"""The one generator of synthetic data: a city of parcels, for demo, tests and benchmarks."""

from processes.algorithms.synthetic_city.city import SyntheticCity, generate
from processes.algorithms.synthetic_city.coverage import dissolve
from processes.algorithms.synthetic_city.plans import Limits, Line

__all__ = ["Limits", "Line", "SyntheticCity", "dissolve", "generate"]

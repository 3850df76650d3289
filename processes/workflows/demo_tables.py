"""The invented city with names and numbers: what every table of the demo is written from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from shapely import MultiPolygon

from config.model import Catalogue
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.synthetic_city import SyntheticCity
from processes.workflows.feature_table import FeatureTable

type Column = Sequence[Any]
type Ints = NDArray[np.int64]
type Geometries = NDArray[np.object_]

REMARK = "模拟数据"
RIDGE_SHARE = 0.03  # 田坎系数 of gently sloping fields; flat ones have none


@dataclass(frozen=True, slots=True, kw_only=True)
class County:
    """A real county: its code of six digits, its name and its polygon in degrees (EPSG:4490)."""

    code: str
    name: str
    polygon: MultiPolygon


def padded(code: str) -> str:
    """A division code as the planning database writes it: right-padded with 0 to 12 digits."""
    return code.ljust(12, "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """The invented city with what its tables are written from; `names` maps lists to code names."""

    made: SyntheticCity
    codes: NDArray[np.str_]  # of the counties
    county_names: NDArray[np.str_]
    names: Mapping[str, Mapping[str, str]]
    area_m2: NDArray[np.float64]
    sloping: NDArray[np.bool_]

    @classmethod
    def of(cls, made: SyntheticCity, counties: Sequence[County], catalogue: Catalogue) -> Self:
        """The city between these counties, with the names of the catalogue's code lists."""
        return cls(
            made=made,
            codes=np.array([county.code for county in counties]),
            county_names=np.array([county.name for county in counties]),
            names={
                name: {code: text.zh for code, text in listed.codes.items()}
                for name, listed in catalogue.code_lists.items()
            },
            area_m2=written_m2(made.parcels),
            sloping=made.district % 7 == 0,
        )

    def head(self, division: Ints, layer: str, element: str) -> dict[str, Column]:
        """The fields that every layer starts with."""
        count = len(division)
        return {
            "BSM": self.identifiers(division, layer),
            "YSDM": [element] * count,
            "XZQDM": [padded(code) for code in self.codes[division].tolist()],
            "XZQMC": self.county_names[division].tolist(),
        }

    def identifiers(self, division: Ints, layer: str) -> list[str]:
        """18 digits: county, layer, sequence within the county."""
        numbers = sequence(division).tolist()
        codes = self.codes[division].tolist()
        return [f"{code}{layer}{number:08d}" for code, number in zip(codes, numbers, strict=True)]

    def named(self, code_list: str, codes: Sequence[str]) -> list[str]:
        """The Chinese name of each code."""
        names = self.names[code_list]
        return [names[code] for code in codes]

    def land_use(self, uses: NDArray[np.str_]) -> FeatureTable:
        """现状用地用海 of one survey year."""
        head, codes = self.head(self.made.division, "0110", "2090010100"), uses.tolist()
        columns = {
            **head,
            "YDYHFLDM": codes,
            "YDYHFLMC": self.named("YDYH", codes),
            "CZCSXM": [code or None for code in self.made.settlement.tolist()],
            "TBMJ": self.area_m2.tolist(),
            "TBDLMJ": self.net_m2(uses),
            "BZ": [REMARK] * len(codes),
        }
        return FeatureTable(values=columns, geometry=self.made.parcels)

    def next_year(self) -> FeatureTable:
        """现状用地用海 one survey year later: the same parcels, a few with a new class."""
        return self.land_use(self.made.next_use)

    def net_m2(self, uses: NDArray[np.str_]) -> list[float | None]:
        """Area of cultivated land net of ridges; missing for other classes."""
        net = np.round(self.area_m2 * np.where(self.sloping, 1 - RIDGE_SHARE, 1.0), 2)
        farmed = np.char.startswith(uses, "01").tolist()
        return [
            value if is_farmed else None
            for value, is_farmed in zip(net.tolist(), farmed, strict=True)
        ]

    def village(self, index: Ints) -> tuple[list[str], list[str]]:
        """Code (12 digits) and name of the invented village around each parcel."""
        towns, villages = np.divmod(self.made.district[index], 1000)
        codes = self.codes[self.made.division[index]].tolist()
        numbers = list(zip(codes, (towns % 100).tolist(), villages.tolist(), strict=True))
        return (
            [f"{code}{900 + town}{village:03d}" for code, town, village in numbers],
            [f"模拟{town + 1}乡模拟村{village:03d}" for _, town, village in numbers],
        )


def written_m2(geometry: Geometries) -> NDArray[np.float64]:
    """Ellipsoidal areas with the standard's two digits; no polygon is written as without area."""
    return np.maximum(np.round(ellipsoid_area_m2(geometry), 2), 0.01)


def sequence(group: Ints) -> Ints:
    """1, 2, 3 … within each group, in the order given."""
    order = np.argsort(group, kind="stable")
    start = np.flatnonzero(np.diff(group[order], prepend=-1))
    number = np.empty(len(group), dtype=np.int64)
    length = np.diff(np.append(start, len(group)))
    number[order] = np.arange(len(group)) - np.repeat(start, length) + 1
    return number

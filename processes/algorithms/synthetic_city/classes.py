"""Land-use classes of lots: what stands where in a believable northern Chinese city.

Codes are those of the 用地用海分类 (2023) padded to six digits. The shares are ours, set so that
the whole looks like the land-use table of a city on the Songliao plain; they measure nothing.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from processes.algorithms.synthetic_city.convex import Flags, Floats, Ints
from processes.algorithms.synthetic_city.layout import Form, Zone
from processes.algorithms.synthetic_city.pieces import Kind

type Codes = NDArray[np.str_]


class Use(StrEnum):
    """The land-use classes that the generator gives (用地用海分类代码)."""

    PADDY = "010100"  # 水田
    IRRIGATED = "010200"  # 水浇地
    DRY = "010300"  # 旱地
    ORCHARD = "020100"  # 果园
    FOREST = "030100"  # 乔木林地
    SHRUB = "030300"  # 灌木林地
    OTHER_WOOD = "030400"  # 其他林地
    GRASS = "040300"  # 其他草地
    FLOODPLAIN = "050600"  # 内陆滩涂
    VILLAGE_ROAD = "060101"  # 村道用地
    FIELD_TRACK = "060102"  # 田间道
    GREENHOUSE = "060201"  # 种植设施建设用地
    LIVESTOCK = "060202"  # 畜禽养殖设施建设用地
    HOUSING_LOW = "070101"  # 一类城镇住宅用地
    HOUSING = "070102"  # 二类城镇住宅用地
    COMMUNITY = "070200"  # 城镇社区服务设施用地
    HOMESTEAD = "070301"  # 一类农村宅基地
    RURAL_COMMUNITY = "070400"  # 农村社区服务设施用地
    GOVERNMENT = "080100"  # 机关团体用地
    RESEARCH = "080200"  # 科研用地
    CULTURE = "080302"  # 文化活动用地
    UNIVERSITY = "080401"  # 高等教育用地
    SCHOOL = "080403"  # 中小学用地
    KINDERGARTEN = "080404"  # 幼儿园用地
    SPORTS = "080501"  # 体育场馆用地
    HOSPITAL = "080601"  # 医院用地
    WELFARE = "080701"  # 老年人社会福利用地
    RETAIL = "090101"  # 零售商业用地
    MARKET = "090102"  # 批发市场用地
    OFFICE = "090200"  # 商务金融用地
    INDUSTRY_LIGHT = "100101"  # 一类工业用地
    INDUSTRY = "100102"  # 二类工业用地
    LOGISTICS = "110101"  # 一类物流仓储用地
    RAILWAY = "120100"  # 铁路用地
    HIGHWAY = "120200"  # 公路用地
    STREET = "120700"  # 城镇村道路用地
    STATION = "120802"  # 公共交通场站用地
    PARKING = "120803"  # 社会停车场用地
    WATER_SUPPLY = "130100"  # 供水用地
    POWER = "130300"  # 供电用地
    HEATING = "130500"  # 供热用地
    FIRE = "131000"  # 消防用地
    PARK = "140100"  # 公园绿地
    BUFFER = "140200"  # 防护绿地
    SQUARE = "140300"  # 广场用地
    CEMETERY = "150600"  # 殡葬用地
    RESERVED = "160000"  # 留白用地
    RIVER = "170100"  # 河流水面
    RESERVOIR = "170300"  # 水库水面
    POND = "170400"  # 坑塘水面
    VACANT = "230100"  # 空闲地


CULTIVATED = (Use.PADDY, Use.IRRIGATED, Use.DRY)
SHARES: dict[str, dict[Use, float]] = {
    "core": {
        Use.RETAIL: 22, Use.OFFICE: 18, Use.HOUSING: 30, Use.GOVERNMENT: 7, Use.CULTURE: 5,
        Use.HOSPITAL: 4, Use.SCHOOL: 5, Use.PARK: 5, Use.SQUARE: 2, Use.PARKING: 2,
    },
    "inner": {
        Use.HOUSING: 60, Use.RETAIL: 8, Use.OFFICE: 3, Use.SCHOOL: 6, Use.HOSPITAL: 2,
        Use.UNIVERSITY: 5, Use.GOVERNMENT: 3, Use.SPORTS: 1, Use.PARK: 9, Use.INDUSTRY_LIGHT: 2,
        Use.HEATING: 1,
    },
    "outer": {
        Use.HOUSING: 50, Use.HOUSING_LOW: 5, Use.RETAIL: 5, Use.MARKET: 2, Use.SCHOOL: 5,
        Use.UNIVERSITY: 7, Use.RESEARCH: 3, Use.PARK: 9, Use.BUFFER: 3, Use.INDUSTRY_LIGHT: 4,
        Use.RESERVED: 3, Use.VACANT: 2, Use.WATER_SUPPLY: 1, Use.DRY: 3,
    },
    "works": {
        Use.INDUSTRY: 52, Use.INDUSTRY_LIGHT: 14, Use.LOGISTICS: 13, Use.HOUSING: 6,
        Use.RETAIL: 2, Use.BUFFER: 6, Use.POWER: 2, Use.RESERVED: 3, Use.VACANT: 2,
    },
    "service": {
        Use.COMMUNITY: 18, Use.RETAIL: 24, Use.KINDERGARTEN: 16, Use.PARK: 16, Use.PARKING: 8,
        Use.STATION: 5, Use.WELFARE: 4, Use.FIRE: 2, Use.POWER: 3, Use.HEATING: 4,
    },
    "town": {
        Use.HOUSING: 46, Use.HOMESTEAD: 12, Use.RETAIL: 11, Use.SCHOOL: 6, Use.GOVERNMENT: 5,
        Use.HOSPITAL: 3, Use.INDUSTRY: 7, Use.PARK: 5, Use.LOGISTICS: 2, Use.POWER: 1,
    },
    "village": {
        Use.HOMESTEAD: 76, Use.RURAL_COMMUNITY: 5, Use.DRY: 7, Use.LIVESTOCK: 4, Use.OTHER_WOOD: 4,
        Use.POND: 2, Use.INDUSTRY_LIGHT: 2,
    },
    "field": {
        Use.DRY: 88, Use.OTHER_WOOD: 3, Use.GRASS: 2, Use.LIVESTOCK: 1.2, Use.POND: 1.5,
        Use.ORCHARD: 1.5, Use.GREENHOUSE: 1, Use.CEMETERY: 0.2,
    },
    "near field": {
        Use.DRY: 60, Use.IRRIGATED: 22, Use.GREENHOUSE: 6, Use.ORCHARD: 5, Use.OTHER_WOOD: 3,
        Use.POND: 2, Use.LIVESTOCK: 1,
    },
    "wet field": {Use.PADDY: 84, Use.POND: 4, Use.FLOODPLAIN: 5, Use.OTHER_WOOD: 4, Use.GRASS: 3},
    "wood": {Use.FOREST: 83, Use.SHRUB: 6, Use.OTHER_WOOD: 4, Use.GRASS: 4, Use.DRY: 3},
    "waterside": {Use.PARK: 78, Use.SQUARE: 6, Use.HOUSING: 10, Use.CULTURE: 6},
    "new works": {
        Use.INDUSTRY: 30, Use.HOUSING: 30, Use.LOGISTICS: 12, Use.RETAIL: 8, Use.SCHOOL: 5,
        Use.PARK: 8, Use.STREET: 5, Use.POWER: 2,
    },
}  # fmt: skip
ROAD_USE = {
    Kind.ARTERIAL: Use.STREET,
    Kind.STREET: Use.STREET,
    Kind.LANE: Use.STREET,
    Kind.COUNTRY_ROAD: Use.VILLAGE_ROAD,
    Kind.TRACK: Use.FIELD_TRACK,
}
FORM_USE = {
    Form.HIGHWAY: Use.HIGHWAY,
    Form.RAILWAY: Use.RAILWAY,
    Form.RIVER: Use.RIVER,
    Form.LAKE: Use.RESERVOIR,
}


def draw(situation: str, luck: Floats) -> Codes:
    """Classes by the shares of a *situation*; *luck* in 0..1 chooses."""
    shares = SHARES[situation]
    bounds = np.cumsum(list(shares.values()))
    codes: Codes = np.array([use.value for use in shares])
    chosen = np.searchsorted(bounds / bounds[-1], luck, side="right")
    drawn: Codes = codes[np.minimum(chosen, len(codes) - 1)]
    return drawn


def lot_uses(
    *,
    kind: Ints,
    zone: Ints,
    form: Ints,
    block: Ints,
    remote: Floats,
    wet: Flags,
    high: Floats,
    rng: np.random.Generator,
) -> Codes:
    """The class of each parcel.

    Parameters
    ----------
    kind, zone, form, block : ndarray of int, shape (n,)
        Kind of piece, zone of its district, large form over it (-1: none), block (-1: a road).
    remote : ndarray, shape (n,)
        Distance from the centre, 1 at the edge of the city.
    wet : ndarray of bool, shape (n,)
        Beside a river or lake.
    high : ndarray, shape (n,)
        Height over the tree line, in units of the hills (about -2..2).
    """
    own = rng.uniform(size=len(kind))
    shared = rng.uniform(size=int(block.max(initial=-1)) + 2)[block]
    alike = rng.uniform(size=len(kind)) < 0.82  # lots of a block mostly serve one purpose
    service = rng.uniform(size=len(kind)) < 0.12
    luck = np.where(alike, shared, own)
    urban = kind == Kind.URBAN
    farmed, wooded = kind == Kind.FIELD, kind == Kind.WOOD
    woods = (wooded & (high > -0.12)) | (farmed & (high > 0.06))
    situations: list[tuple[str, Flags, Floats]] = [
        ("field", farmed | wooded, own),
        ("near field", farmed & ((remote < 1.7) | (zone == Zone.FRINGE)), own),
        ("wet field", farmed & wet, luck),
        ("wood", woods, own),
        ("village", kind == Kind.VILLAGE, own),
        ("town", kind == Kind.TOWN, luck),
        ("outer", urban, luck),
        ("inner", urban & (remote < 0.62), luck),
        ("core", urban & (remote < 0.2), luck),
        ("service", urban & service, own),
        ("waterside", urban & wet, luck),
        ("works", kind == Kind.INDUSTRY, luck),
    ]
    uses = np.full(len(kind), Use.DRY.value)
    for situation, where, chance in situations:
        uses[where] = draw(situation, chance[where])
    for road, use in ROAD_USE.items():
        uses[kind == road] = use.value
    outside = (kind == Kind.ARTERIAL) & (zone >= Zone.RURAL)
    uses[outside] = Use.HIGHWAY.value
    for large, use in FORM_USE.items():
        uses[form == large] = use.value
    uses[(form == Form.HIGHWAY) & (remote < 1.0)] = Use.STREET.value
    return uses


def is_cultivated(uses: Codes) -> Flags:
    """Whether each class is cultivated land (耕地)."""
    cultivated: Flags = np.isin(uses, [use.value for use in CULTIVATED])
    return cultivated

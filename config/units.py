"""The closed list of units that fields and results may carry."""

from enum import StrEnum

from config.vocabulary import Text


class Unit(StrEnum):
    """A unit of measure; values convert only within one quantity."""

    SQUARE_METRE = "m2"
    HECTARE = "ha"
    SQUARE_KILOMETRE = "km2"
    MU = "mu"
    METRE = "m"
    KILOMETRE = "km"
    DEGREE = "degree"
    RATIO = "ratio"
    PERCENT = "percent"
    PERSON = "person"
    HOUSEHOLD = "household"
    YEAR = "year"

    @property
    def label(self) -> Text:
        return TITLES[self]

    @property
    def ucum(self) -> str:
        """The unit in the Unified Code for Units of Measure, case sensitive."""
        return UCUM[self]


# Exact factors to the first unit of each quantity; 1 亩 = 10000/15 m² (GB 3100-93, customary).
FACTORS: dict[Unit, tuple[str, float]] = {
    Unit.SQUARE_METRE: ("area", 1.0),
    Unit.HECTARE: ("area", 1e4),
    Unit.SQUARE_KILOMETRE: ("area", 1e6),
    Unit.MU: ("area", 1e4 / 15),
    Unit.METRE: ("length", 1.0),
    Unit.KILOMETRE: ("length", 1e3),
    Unit.DEGREE: ("angle", 1.0),
    Unit.RATIO: ("share", 1.0),
    Unit.PERCENT: ("share", 0.01),
    Unit.PERSON: ("people", 1.0),
    Unit.HOUSEHOLD: ("households", 1.0),
    Unit.YEAR: ("time", 1.0),
}
TITLES: dict[Unit, Text] = {
    Unit.SQUARE_METRE: Text(zh="平方米", en="m²"),
    Unit.HECTARE: Text(zh="公顷", en="ha"),
    Unit.SQUARE_KILOMETRE: Text(zh="平方千米", en="km²"),
    Unit.MU: Text(zh="亩", en="mu"),
    Unit.METRE: Text(zh="米", en="m"),
    Unit.KILOMETRE: Text(zh="千米", en="km"),
    Unit.DEGREE: Text(zh="度", en="°"),
    Unit.RATIO: Text(zh="比值", en="ratio"),
    Unit.PERCENT: Text(zh="%", en="%"),
    Unit.PERSON: Text(zh="人", en="people"),
    Unit.HOUSEHOLD: Text(zh="户", en="households"),
    Unit.YEAR: Text(zh="年", en="years"),
}

UCUM: dict[Unit, str] = {
    Unit.SQUARE_METRE: "m2",
    Unit.HECTARE: "har",
    Unit.SQUARE_KILOMETRE: "km2",
    Unit.MU: "10000.m2/15",
    Unit.METRE: "m",
    Unit.KILOMETRE: "km",
    Unit.DEGREE: "deg",
    Unit.RATIO: "1",
    Unit.PERCENT: "%",
    Unit.PERSON: "{person}",
    Unit.HOUSEHOLD: "{household}",
    Unit.YEAR: "a",
}


def convert(value: float, source: Unit, target: Unit) -> float:
    """*value* in *target*; ValueError where the quantities differ."""
    (quantity, factor), (wanted, divisor) = FACTORS[source], FACTORS[target]
    if quantity != wanted:
        raise ValueError(f"{source} is {quantity}, {target} is {wanted}")
    return value * factor / divisor

"""Which rules hold on a day at a place: a version of a rule set, and what localities lay over it.

From its first day on a version takes the place of all lower ones of its id, also when it ends
earlier than they. Overrides are chosen item by item: a longer region code beats a shorter, then the
later first day; two that are left for one item are a tie, and nothing is guessed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from config.ruleset import Legal, Override, Parameter, Profile, Rule, Ruleset
from config.ruleset_digest import laid_digest

type Item = tuple[str, str]  # what is set: parameter, rule or profile, and its id
type Rank = tuple[int, date]  # how near the region is, and since when


class NoRuleset(Exception):
    """No version of the rule set is valid on the day."""


class TiedOverrides(Exception):
    """Two overrides set one item with equal right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What one override sets of one item; a text switches the rule off and says why."""

    override: Override
    rank: Rank
    value: Parameter | Rule | Profile | str


def in_force(
    rulesets: Iterable[Ruleset],
    overrides: Iterable[Override],
    ruleset_id: str,
    check_date: date,
    region: str | None,
) -> Ruleset:
    """The rules of *ruleset_id* on *check_date* in *region*, with what localities lay over them.

    Raises
    ------
    NoRuleset
        Where no version is valid on that day.
    TiedOverrides
        Where two overrides set the same with equal right.
    """
    valid = newest([r for r in rulesets if r.id == ruleset_id], check_date)
    if not valid:
        raise NoRuleset(f"no version of rule set {ruleset_id!r} is valid on {check_date}")
    laid = newest([o for o in overrides if o.ruleset == ruleset_id], check_date)
    said = [replace(o, rules=tuple(r for r in o.rules if _valid(r, check_date))) for o in laid]
    ranked = [(rank, o) for o in said if (rank := _rank(o, region)) is not None]
    return _on_day(lay(valid[0], ranked), check_date)


def newest[T: (Ruleset, Override)](versions: Iterable[T], day: date) -> list[T]:
    """Of each id the highest version that has begun by *day*, where it has not ended."""
    begun: dict[str, T] = {}
    for one in sorted(versions, key=lambda v: version_order(v.version)):
        if one.valid_from <= day:
            begun[one.id] = one
    return [one for one in begun.values() if one.valid_to is None or day <= one.valid_to]


def version_order(version: str) -> tuple[int, ...]:
    """1.10.0 comes after 1.9.0."""
    return tuple(map(int, version.split(".")))


def reach(region: str) -> str:
    """The digits that all codes within *region* begin with: 220000 is 22, 220102001000 220102001."""
    while len(region) > 6 and region.endswith("000"):
        region = region[:-3]
    while 2 < len(region) <= 6 and region.endswith("00"):
        region = region[:-2]
    return region


def settings_of(override: Override) -> Iterator[tuple[Item, Parameter | Rule | Profile | str]]:
    """Each item that *override* sets; pairs of compatible classes are added, so none excludes one."""
    for parameter in override.parameters:
        yield ("parameter", parameter.id), parameter
    for rule in override.rules:
        yield ("rule", rule.id), rule
    for rule_id, reason in override.switch_off.items():
        yield ("rule", rule_id), reason
    for profile in override.profiles:
        yield ("profile", profile.id), profile


def lay(ruleset: Ruleset, ranked: Sequence[tuple[Rank, Override]]) -> Ruleset:
    """*ruleset* with overrides over it; TiedOverrides where two have equal right."""
    won: dict[Item, Setting] = {}
    tied: dict[Item, Override] = {}
    for rank, override in sorted(ranked, key=lambda pair: (pair[0], pair[1].id)):
        for item, value in settings_of(override):
            if item in won and won[item].rank == rank:
                tied[item] = won[item].override
            else:
                tied.pop(item, None)
            won[item] = Setting(override=override, rank=rank, value=value)
    for (kind, name), other in tied.items():
        one = won[kind, name].override
        raise TiedOverrides(
            f"overrides {other.id} {other.version} and {one.id} {one.version} both set"
            f" {kind} {name} with equal right"
        )
    pairs = frozenset(pair for _, override in ranked for pair in override.compatible)
    heard = {setting.override.id: setting.override for setting in won.values()}
    heard |= {override.id: override for _, override in ranked if override.compatible}
    if not heard:
        return ruleset
    return replace(
        ruleset,
        parameters={**ruleset.parameters, **_won(won, "parameter", Parameter)},
        rules={**ruleset.rules, **_won(won, "rule", Rule)},
        profiles={**ruleset.profiles, **_won(won, "profile", Profile)},
        tables={
            name: table if table.rows else replace(table, compatible=table.compatible | pairs)
            for name, table in ruleset.tables.items()
        },
        switched_off=_won(won, "rule", str),
        overrides=tuple((name, heard[name].version) for name in sorted(heard)),
        digest=laid_digest(
            ruleset, [(*item, won[item].override.digest) for item in sorted(won)], sorted(pairs)
        ),
    )


def _won[T](won: Mapping[Item, Setting], kind: str, form: type[T]) -> dict[str, T]:
    return {
        name: setting.value
        for (of, name), setting in won.items()
        if of == kind and isinstance(setting.value, form)
    }


def _rank(override: Override, region: str | None) -> Rank | None:
    """How near *override* is to *region*; None where it does not hold there."""
    if not override.region:
        return 0, override.valid_from
    holds = [r for r in map(reach, override.region) if region is not None and region.startswith(r)]
    return (max(map(len, holds)), override.valid_from) if holds else None


def _on_day(ruleset: Ruleset, day: date) -> Ruleset:
    """Only the rules, and of each only the legal basis, that are valid on *day*."""
    rules = {
        name: replace(rule, legal=tuple(basis for basis in rule.legal if _valid(basis, day)))
        for name, rule in ruleset.rules.items()
        if _valid(rule, day)
    }
    return replace(ruleset, rules=rules)


def _valid(said: Rule | Legal, day: date) -> bool:
    return (said.valid_from or date.min) <= day <= (said.valid_to or date.max)

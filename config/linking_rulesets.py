"""Rule sets and local overrides become values; what does not hold together is a finding."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from config.linking_layers import Find
from config.linking_rules import Names, check_profile, check_rule, twice
from config.model import Binding, Entry
from config.ruleset import Override, Ruleset
from config.ruleset_choice import lay, reach, settings_of, version_order
from config.ruleset_reading import read_override, read_ruleset
from config.vocabulary import Fact, GeometryKind, Outcome

LISTED = (
    "parameters",
    "tables",
    "attributes",
    "flags",
    "documents",
    "bindings",
    "rules",
    "profiles",
)
NOISE_WORDS = ("or", "and")
NUMBERS = ("eps_m2", "min_width_m")  # what every rule's measures read


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed[T]:
    """A value with where it stands."""

    value: T
    place: str


def link_ruleset(e: Entry, bindings: Mapping[str, Binding], find: Find) -> Ruleset | None:
    """The rule set of a sound entry."""
    if not _readable(e, find):
        return None
    ruleset = read_ruleset(e)
    _check_days(e, find)
    _check_words(e, find)
    _check_measures(ruleset, find)
    for number, table in enumerate(e["tables"]):
        for zone, results in table.get("rows", {}).items():
            place = f"/tables/{number}/rows/{zone}"
            for result in sorted(set(results) - set(table["results"])):
                find(place, f"{result!r} is no result of the table")
            for code in twice(code for codes in results.values() for code in codes):
                find(place, f"the class {code!r} has two results")
    for code in twice(code for codes in e["class_groups"].values() for code in codes):
        find("/class_groups", f"the class {code!r} is in two groups")
    for number, binding in enumerate(e["bindings"]):
        if binding["id"] not in bindings:
            find(f"/bindings/{number}/id", f"no binding {binding['id']!r}")
    _check_named(e, Names(ruleset=ruleset, find=find))
    return ruleset


def link_override(e: Entry, rulesets: Sequence[Ruleset], find: Find) -> Override | None:
    """The override of a sound entry, tried over each version of its rule set that it meets."""
    if not _readable(e, find):
        return None
    _check_days(e, find)
    override = read_override(e)
    versions = [r for r in rulesets if r.id == override.ruleset]
    if not versions:
        find("/ruleset", f"no sound rule set {override.ruleset!r}")
    said: set[tuple[str, str]] = set()

    def once(pointer: str, message: str) -> None:
        if (pointer, message) not in said:
            said.add((pointer, message))
            find(pointer, message)

    for ruleset in versions:
        if _meet(ruleset, override):
            _check_override(e, override, ruleset, once)
    return override


def tied(overrides: Sequence[Placed[Override]]) -> Iterator[str]:
    """A finding for each item that two overrides set with equal right."""
    current = [one for one in overrides if not any(_replaces(o, one) for o in overrides)]
    for number, one in enumerate(current):
        for other in current[number + 1 :]:
            if not _compete(one.value, other.value):
                continue
            for kind, name in sorted(_items(one.value) & _items(other.value)):
                yield (
                    f"{other.place}/valid_from: sets {kind} {name} with the same right as override"
                    f" {one.value.id} {one.value.version}, {one.place}"
                )


def misfits(ruleset: Ruleset, bindings: Mapping[str, Binding]) -> Iterator[tuple[str, str]]:
    """Bindings whose layer is of another kind than the rules read, and what is wrong with each."""
    for name, wanted in ruleset.bindings.items():
        layer = bindings[name].layer if name in bindings else None
        if layer is None or layer.external is not None:
            continue
        table = layer.geometry is GeometryKind.NONE
        if table is not (wanted.kind == "table"):
            yield name, f"{ruleset.id} {ruleset.version} reads it as a {wanted.kind}"
        elif wanted.geometry == "polygon" and not table and layer.geometry != wanted.geometry:
            yield name, f"{ruleset.id} {ruleset.version} reads polygons; {layer.id} has none"


def _readable(e: Entry, find: Find) -> bool:
    """Whether ids are given once and editions are there: without that there is no value."""
    sound = True
    for part in LISTED:
        for name in twice(one["id"] for one in e.get(part, ())):
            find(f"/{part}", f"{name!r} is given twice")
            sound = False
    for number, binding in enumerate(e.get("bindings", ())):
        if binding["edition"] not in e["editions"]:
            find(
                f"/bindings/{number}/edition", f"no edition {binding['edition']!r} in the rule set"
            )
            sound = False
    return sound


def _check_days(said: Any, find: Find, pointer: str = "") -> None:
    """No validity ends before it begins, at any depth."""
    if isinstance(said, list):
        for number, one in enumerate(said):
            _check_days(one, find, f"{pointer}/{number}")
    elif isinstance(said, dict):
        first, last = said.get("valid_from"), said.get("valid_to")
        if first is not None and last is not None and last < first:
            find(f"{pointer}/valid_to", f"{last} is before the first day, {first}")
        for name, one in said.items():
            _check_days(one, find, f"{pointer}/{name}")


def _check_words(e: Entry, find: Find) -> None:
    """Outcomes and facts are the closed lists of the product, so that sheets agree everywhere."""
    outcomes = {one["code"]: (one["zh"], one["rank"]) for one in e["outcomes"]}
    if outcomes != {one.value: (one.zh, one.rank) for one in Outcome}:
        find("/outcomes", f"expected {', '.join(f'{o} {o.zh} {o.rank}' for o in Outcome)}")
    if set(e["facts"]) != set(Fact):
        find("/facts", f"expected {', '.join(Fact)}")


def _check_measures(ruleset: Ruleset, find: Find) -> None:
    """What every measure reads: the bounds of noise (边界误差)."""
    for name in NUMBERS:
        parameter = ruleset.parameters.get(name)
        if parameter is None or not isinstance(parameter.value, Decimal):
            find("/parameters", f"a number {name!r} is needed")
    noise = ruleset.parameters.get("noise")
    if noise is None or noise.value not in NOISE_WORDS:
        find("/parameters", f"'noise' is needed: {' or '.join(map(repr, NOISE_WORDS))}")


def _check_named(e: Entry, names: Names) -> None:
    for number, rule in enumerate(e.get("rules", ())):
        check_rule(rule, f"/rules/{number}", names)
    for number, profile in enumerate(e.get("profiles", ())):
        check_profile(profile, f"/profiles/{number}", names)


def _check_override(e: Entry, override: Override, base: Ruleset, find: Find) -> None:
    over = f"{base.id} {base.version}"
    for number, parameter in enumerate(override.parameters):
        own = base.parameters.get(parameter.id)
        if own is None and not override.rules:
            find(f"/parameters/{number}/id", f"no parameter {parameter.id!r} in {over}")
        elif own is not None and type(own.value) is not type(parameter.value):
            find(f"/parameters/{number}/value", f"is of another kind than that of {over}")
    for number, rule in enumerate(override.rules):
        mine = base.rules.get(rule.id)
        if mine is not None and mine.version >= rule.version:
            find(
                f"/rules/{number}/version", f"{over} has version {mine.version}; give a higher one"
            )
    for number, (rule_id, _) in enumerate(override.switch_off.items()):
        if rule_id not in base.rules:
            find(f"/switch_off/{number}/rule", f"no rule {rule_id!r} in {over}")
    for number, rule in enumerate(override.rules):
        if rule.id in override.switch_off:
            find(f"/rules/{number}/id", f"{rule.id!r} is also switched off")
            return
    laid = lay(base, [((0, override.valid_from), override)])
    _check_measures(laid, find)
    _check_named(e, Names(ruleset=laid, find=find))


def _last(said: Ruleset | Override) -> date:
    return said.valid_to or date.max


def _meet(ruleset: Ruleset, override: Override) -> bool:
    return ruleset.valid_from <= _last(override) and override.valid_from <= _last(ruleset)


def _replaces(newer: Placed[Override], older: Placed[Override]) -> bool:
    """Whether *older* never counts: a higher version of its id begins no later."""
    one, other = newer.value, older.value
    higher = version_order(one.version) > version_order(other.version)
    return one.id == other.id and higher and one.valid_from <= other.valid_from


def _compete(one: Override, other: Override) -> bool:
    """Whether neither goes before the other on some day at some place."""
    places = [{reach(r) for r in o.region} or {""} for o in (one, other)]
    same = one.ruleset == other.ruleset and one.valid_from == other.valid_from
    return same and one.id != other.id and bool(places[0] & places[1])


def _items(override: Override) -> set[tuple[str, str]]:
    return {item for item, _ in settings_of(override)}

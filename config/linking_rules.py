"""What rules and profiles name must be there: parameters, attributes, bindings and their fields."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from config.linking_layers import Find
from config.ruleset import Ruleset

AREAL = frozenset({"overlap_m2", "outside_m2", "share"})
MEASURES = AREAL | {"distance_m"}
BOUNDS = ("gt", "ge", "lt", "le")
LISTS = frozenset({"in", "not_in", "under"})
AREAS = frozenset({"area", "area_m2"})
RIDGE = "KCXS"  # 扣除系数: a net area leaves out field ridges
HOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a rule may name, and where a finding goes."""

    ruleset: Ruleset
    find: Find

    def known(self, pointer: str, kind: str, name: str, among: Iterable[str]) -> bool:
        """Whether *name* is among its kind; a finding if not."""
        if name in among:
            return True
        self.find(pointer, f"no {kind} {name!r} in the rule set")
        return False

    def binding(self, pointer: str, name: str, codes: Iterable[str], kind: str = "layer") -> None:
        """A binding of this kind and those of its fields that are read."""
        if not self.known(pointer, "binding", name, self.ruleset.bindings):
            return
        binding = self.ruleset.bindings[name]
        if binding.kind != kind:
            self.find(pointer, f"the binding {name!r} is a {binding.kind}, not a {kind}")
        for code in codes:
            if code not in binding.fields:
                self.find(pointer, f"{code!r} is not among the fields of the binding {name!r}")

    def polygons(self, pointer: str, name: str) -> None:
        """A binding with land that subjects can share; nothing would ever overlap a line."""
        binding = self.ruleset.bindings.get(name)
        if binding is not None and binding.kind == "layer" and binding.geometry != "polygon":
            self.find(pointer, f"the binding {name!r} has {binding.geometry}s: only distances")

    def stands_in(self, pointer: str, name: str, replaced: str) -> None:
        """A binding from which rules can read all that they read from the one it replaces."""
        if not self.known(pointer, "binding", replaced, self.ruleset.bindings):
            return
        wanted = self.ruleset.bindings[replaced]
        self.binding(pointer, name, wanted.fields, kind=wanted.kind)
        given = self.ruleset.bindings.get(name)
        if given is None or wanted.kind == "table" or given.kind == "table":
            return
        if given.geometry != wanted.geometry:
            self.find(pointer, f"{name!r} has {given.geometry}s, {replaced!r} {wanted.geometry}s")


def check_rule(rule: Mapping[str, Any], pointer: str, names: Names) -> None:
    """What one rule names, by its entry; what is not there is found."""
    pieces = frozenset(
        code
        for selection in rule.get("split", ())
        if selection["binding"] in names.ruleset.bindings
        for code in names.ruleset.bindings[selection["binding"]].fields
    )
    for part in ("split", "concerns", "compares", "clauses"):
        _check(rule.get(part, ()), f"{pointer}/{part}", part, pieces, names)
    clauses = rule.get("clauses", ())
    for number, clause in enumerate(clauses):
        place = f"{pointer}/clauses/{number}"
        for need in clause.get("needs", ()):
            names.known(f"{place}/needs", "document", need, names.ruleset.documents)
        holders = set(HOLDER.findall(clause["text_zh"]))
        for holder in sorted(holders - AREAS - set(clause.get("values", ()))):
            names.find(f"{place}/text_zh", f"{{{holder}}} has no value")
        if "otherwise" in clause and number < len(clauses) - 1:
            names.find(f"{place}/otherwise", "always holds: no clause after it is reached")


def check_profile(profile: Mapping[str, Any], pointer: str, names: Names) -> None:
    """What one profile names, by its entry."""
    ruleset = names.ruleset
    for part in ("mandatory", "advisory", "manual"):
        for number, rule in enumerate(profile.get(part, ())):
            place = f"{pointer}/{part}/{number}"
            if not names.known(place, "rule", rule, ruleset.rules):
                continue
            if ruleset.rules[rule].manual is not (part == "manual"):
                kind = "a manual item" if ruleset.rules[rule].manual else "computed"
                names.find(place, f"the rule {rule!r} is {kind}")
    listed = [r for part in ("mandatory", "advisory") for r in profile.get(part, ())]
    for rule in twice(listed):
        names.find(pointer, f"the rule {rule!r} is mandatory and advisory")
    for part, bindings in profile["bindings"].items():
        for number, binding in enumerate(bindings):
            place = f"{pointer}/bindings/{part}/{number}"
            names.known(place, "binding", binding, ruleset.bindings)
    for replaced, by in profile.get("replace", {}).items():
        names.stands_in(f"{pointer}/replace/{replaced}", by, replaced)


def _check(said: Any, pointer: str, word: str, pieces: frozenset[str], names: Names) -> None:
    """Whatever *said* names, at any depth; *word* is the member that it stands under."""
    if isinstance(said, list):
        for number, one in enumerate(said):
            _check(one, f"{pointer}/{number}", word, pieces, names)
    elif isinstance(said, dict):
        _check_names(said, pointer, word, pieces, names)
        for name, one in said.items():
            _check(one, f"{pointer}/{name}", name, pieces, names)


def _check_names(
    said: Mapping[str, Any], pointer: str, word: str, pieces: frozenset[str], names: Names
) -> None:
    ruleset, code = names.ruleset, said.get("field")
    _check_land(said, pointer, word, names)
    if isinstance(said.get("project"), str):
        names.known(f"{pointer}/project", "attribute", said["project"], ruleset.attributes)
    if "param" in said:
        _check_parameter(said["param"], pointer, word, names)
    if word in MEASURES:
        for bound in BOUNDS:
            if isinstance(said.get(bound), dict):
                _check_parameter(said[bound]["param"], f"{pointer}/{bound}", "inset_m", names)
    if word == "flag":
        names.known(f"{pointer}/id", "flag", said["id"], ruleset.flags)
    elif isinstance(said.get("flag"), str):
        names.known(f"{pointer}/flag", "flag", said["flag"], ruleset.flags)
    if word == "document":
        names.known(f"{pointer}/id", "document", said["id"], ruleset.documents)
    if "titles" in said:
        names.known(f"{pointer}/titles", "table", said["titles"], ruleset.tables)
    if word == "class_conformity":
        _check_conformity(said, pointer, names)
    elif "table" in said:
        names.binding(f"{pointer}/table", said["table"], [said["field"]], kind="table")
        return
    if "binding" in said:
        codes = [condition["field"] for condition in said.get("where", ())]
        codes += [RIDGE] if said.get("area") == "net" else []
        names.binding(f"{pointer}/binding", said["binding"], [*codes, *([code] if code else ())])
    elif code is not None and word != "where" and code not in pieces:
        names.find(f"{pointer}/field", f"{code!r} is not a field of what the rule is split by")


def _check_land(said: Mapping[str, Any], pointer: str, word: str, names: Names) -> None:
    """Whatever is told of shared land is asked of polygons."""
    if word in AREAL:
        for number, one in enumerate(said.get("any_of", ())):
            names.polygons(f"{pointer}/any_of/{number}/binding", one["binding"])
    shared = word in AREAL or word == "split" or (word == "concerns" and "within_m" not in said)
    of_features = word in ("attribute", "missing") and "field" in said
    if "binding" in said and (shared or of_features):
        names.polygons(f"{pointer}/binding", said["binding"])


def _check_parameter(name: str, pointer: str, word: str, names: Names) -> None:
    place = f"{pointer}/param"
    if not names.known(place, "parameter", name, names.ruleset.parameters):
        return
    value = names.ruleset.parameters[name].value
    if isinstance(value, tuple) is not (word in LISTS):
        wanted = "a list" if word in LISTS else "one value"
        names.find(place, f"the parameter {name!r} is not {wanted}")
    elif word in ("inset_m", "within_m") and not isinstance(value, Decimal):
        names.find(place, f"the parameter {name!r} is not a number")


def _check_conformity(said: Mapping[str, Any], pointer: str, names: Names) -> None:
    if not names.known(f"{pointer}/table", "table", said["table"], names.ruleset.tables):
        return
    results = names.ruleset.tables[said["table"]].results
    for result in said["in"]:
        if result not in results:
            names.find(f"{pointer}/in", f"{result!r} is no result of the table {said['table']!r}")


def twice(names: Iterable[str]) -> list[str]:
    """What stands more than once among *names*."""
    return sorted(name for name, times in Counter(names).items() if times > 1)

"""Rules that are not in force yet, tried before anybody is judged by them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from config.linking import Findings
from config.linking_rulesets import link_override, link_ruleset, misfits
from config.loader import satisfies_schema
from config.merging import Document
from config.model import Binding
from config.rulebook import Rulebook
from processes.spec import MAX_ERRORS, BodyError, InvalidBody

DRAFT = "draft"
KINDS = ("ruleset", "ruleset_override")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A rule book as it would be, and the day from which it would hold."""

    rulebook: Rulebook
    begins: date = date.min


def drafted(
    rulebook: Rulebook, entry: Mapping[str, Any], bindings: Mapping[str, Binding], place: str
) -> Draft:
    """The rule book with *entry*, of kind ruleset or ruleset_override, in it.

    It takes the place of all other versions of its id, so that it is tried whatever its number.

    Raises
    ------
    InvalidBody
        With everything that `onemap check` would find, at its place in the draft.
    """
    findings: Findings = []
    if entry.get("kind") not in KINDS:
        raise InvalidBody([BodyError(f"{place}/kind", f"expected one of {', '.join(KINDS)}")])
    document = Document(file=DRAFT, number=0, entry=dict(entry))
    if not satisfies_schema(document, findings):
        told = (finding.removeprefix(document.place) for finding in findings)
        raise InvalidBody([_error(place, finding) for finding in told][:MAX_ERRORS])

    def find(pointer: str, message: str) -> None:
        findings.append(f"{pointer}: {message}")

    made: Draft | None = None
    if entry["kind"] == KINDS[0]:
        ruleset = link_ruleset(entry, bindings, find)
        if ruleset is not None:
            places = {name: number for number, name in enumerate(ruleset.bindings)}
            for name, message in misfits(ruleset, bindings):
                find(f"/bindings/{places[name]}", message)
            others = tuple(one for one in rulebook.rulesets if one.id != ruleset.id)
            made = Draft(
                rulebook=replace(rulebook, rulesets=(*others, ruleset)), begins=ruleset.valid_from
            )
    else:
        override = link_override(entry, rulebook.rulesets, find)
        if override is not None:
            rest = tuple(one for one in rulebook.overrides if one.id != override.id)
            made = Draft(
                rulebook=replace(rulebook, overrides=(*rest, override)), begins=override.valid_from
            )
    if findings or made is None:
        raise InvalidBody([_error(place, finding) for finding in findings][:MAX_ERRORS])
    return made


def _error(place: str, finding: str) -> BodyError:
    where, _, what = finding.partition(": ")
    return BodyError(f"{place}{where}", what)

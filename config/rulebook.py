"""The rule sets of a catalogue together, and which of them holds at a place on a day."""

from dataclasses import dataclass
from datetime import date

from config.model import Catalogue
from config.ruleset import Override, Ruleset
from config.ruleset_choice import in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """All versions of all rule sets, and all local overrides."""

    rulesets: tuple[Ruleset, ...] = ()
    overrides: tuple[Override, ...] = ()

    def in_force(self, ruleset: str, day: date, region: str | None) -> Ruleset:
        """The version of a rule set that holds on the day, with what was laid over it.

        Raises
        ------
        NoRuleset
            Where no version is valid on the day.
        TiedOverrides
            Where two overrides say different things with equal right.
        """
        return in_force(self.rulesets, self.overrides, ruleset, day, region)


NO_RULES = Rulebook()


def rulebook_of(catalogue: Catalogue) -> Rulebook:
    """Every rule set and override of a catalogue."""
    return Rulebook(
        rulesets=tuple(one for versions in catalogue.rulesets.values() for one in versions),
        overrides=catalogue.ruleset_overrides,
    )

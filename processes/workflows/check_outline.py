"""What a check says of all its parcels together."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.vocabulary import Outcome


@dataclass(frozen=True, slots=True)
class Outline:
    """How many parcels have each outcome, and the documents that their rules ask for."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    needs: set[str] = field(default_factory=set)  # by id

    def add(self, other: "Outline") -> None:
        """The same of other parcels, too."""
        self.outcomes.update(other.outcomes)
        self.needs.update(other.needs)

    def document(self) -> dict[str, Any]:
        """Its members of a check's document; `summary` counts parcels, worst outcome first."""
        return {
            "overall": worst(self.outcomes).value,
            "summary": {one.value: self.outcomes[one] for one in reversed(Outcome)},
            "needs": sorted(self.needs),
        }


def outline_of(parcels: Iterable[Mapping[str, Any]]) -> Outline:
    """The outline of the documents of some parcels."""
    outline = Outline()
    for parcel in parcels:
        outline.outcomes[Outcome(parcel["overall"])] += 1
        outline.needs.update(need["id"] for rule in parcel["rules"] for need in rule["needs"])
    return outline


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of some outcomes; of none it is not known, so that somebody has to look."""
    return max(outcomes, key=lambda one: one.rank, default=Outcome.VERIFY)

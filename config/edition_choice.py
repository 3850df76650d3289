"""Which edition of a layer is read."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from config.vocabulary import EditionKey, EditionStatus, Issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionChoice:
    """Which edition a binding reads: a key, or the newest that satisfies the conditions."""

    key: EditionKey | None = None
    issuer: Issuer | None = None
    status: EditionStatus = EditionStatus.IN_FORCE
    at: Literal["check_date"] | date | None = None

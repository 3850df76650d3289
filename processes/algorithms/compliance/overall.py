"""The suggestion of a whole check from those of its rules."""

from collections.abc import Iterable

from config.vocabulary import Outcome


def overall(mandatory: Iterable[Outcome], advisory: Iterable[Outcome]) -> Outcome:
    """The worst of the mandatory rules; an advisory COND or FAIL only lifts PASS to INFO.

    Without a mandatory rule nothing was tested, so that it stays to be verified.

    Examples
    --------
    >>> overall([Outcome.PASS], [Outcome.FAIL]).name
    'INFO'
    """
    worst = max(mandatory, key=lambda outcome: outcome.rank, default=Outcome.VERIFY)
    lifted = any(outcome in (Outcome.COND, Outcome.FAIL) for outcome in advisory)
    return Outcome.INFO if worst is Outcome.PASS and lifted else worst

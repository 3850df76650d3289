"""From a binding to the layer and edition that it reads; or the reason why there is none."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from config.model import Binding, EditionChoice, Layer
from providers.access import Scope
from providers.editions import EditionState, Window, edition_in, published


class Missing(StrEnum):
    """Why a binding gives no data."""

    NOT_CONNECTED = "not_connected"  # 未接入: the binding names no layer
    NO_EDITION = "no_edition"  # no edition satisfies the binding's choice at the date
    NOT_VISIBLE = "not_visible"  # outside the caller's scope: said to exist no more than this


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A binding with the edition it reads."""

    binding: Binding
    layer: Layer
    state: EditionState | None  # None: an external table, which has no editions


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBound:
    """A binding without data, and why: its result is 数据缺失, never zero."""

    binding: Binding | None
    reason: Missing


def bind(
    binding: Binding | None, editions: Iterable[EditionState], check_date: date, scope: Scope
) -> Bound | NotBound:
    """The edition that *binding* reads at *check_date*, as *scope* may see it."""
    if binding is None or binding.layer is None:
        return NotBound(binding=binding, reason=Missing.NOT_CONNECTED)
    if not scope.sees(binding.layer):
        return NotBound(binding=binding, reason=Missing.NOT_VISIBLE)
    layer = binding.layer
    if layer.external is not None:
        return Bound(binding=binding, layer=layer, state=None)
    known = published(editions, scope.ceiling)
    state = chosen(binding.edition, (s for s in known if s.edition.layer == layer.id), check_date)
    if state is None:
        return NotBound(binding=binding, reason=Missing.NO_EDITION)
    return Bound(binding=binding, layer=layer, state=state)


def chosen(
    choice: EditionChoice, editions: Iterable[EditionState], check_date: date
) -> EditionState | None:
    """The edition of one layer that *choice* means: its key, or the newest that satisfies it."""
    if choice.key is not None:
        return next((s for s in editions if s.edition.key == choice.key), None)
    day = check_date if choice.at in ("check_date", None) else choice.at
    assert isinstance(day, date)
    window = Window(start=day, end=day)
    return edition_in(editions, window, status=choice.status, issuer=choice.issuer)

"""What differs between two states, for people and for machines."""

from typing import Any

from providers.difference_statements import RecordedState
from providers.differences import MAX_LISTED, ClassChange, Differences, Transition

SHOWN = 20  # features and transfers that the text names; the JSON has all that are kept
M2_PER_HA = 10_000


def document(found: Differences) -> dict[str, Any]:
    """The differences as JSON."""
    return {
        "before": _state(found.before),
        "after": _state(found.after),
        "features": {"added": found.added, "changed": found.changed, "removed": found.removed},
        "fields": dict(found.fields),
        "lostM2": found.lost_m2,
        "gainedM2": found.gained_m2,
        "classField": found.by.code if found.by else None,
        "classes": [
            {
                "code": one.code,
                "title": _title(found, one.code),
                "before": {"features": one.before, "areaM2": one.before_m2},
                "after": {"features": one.after, "areaM2": one.after_m2},
            }
            for one in found.classes
        ],
        "transitions": [
            {
                "before": one.before,
                "after": one.after,
                "features": one.features,
                "beforeM2": one.before_m2,
                "afterM2": one.after_m2,
            }
            for one in found.transitions
        ],
        "listed": [
            {
                "id": one.om_id,
                "act": one.act,
                "fields": list(one.fields),
                "beforeM2": one.before_m2,
                "afterM2": one.after_m2,
            }
            for one in found.listed
        ],
    }


def text(found: Differences) -> str:
    """The differences for a terminal, Chinese beside English."""
    total = found.added + found.changed + found.removed
    lines = [
        f"{found.before.layer.title.zh}: {found.before.name} -> {found.after.name}",
        f"  要素 features  {found.added:,} added, {found.changed:,} changed,"
        f" {found.removed:,} removed",
    ]
    if found.fields:
        counted = ", ".join(f"{name} {n:,}" for name, n in found.fields.items())
        lines.append(f"  改动 fields    {counted}")
    if found.lost_m2 is not None and found.gained_m2 is not None:
        lines.append(
            f"  图形 shapes    {_hectares(found.lost_m2)} lost, {_hectares(found.gained_m2)} gained"
        )
    lines += [_class(found, one) for one in found.classes if one.changed]
    lines += [_transfer(found, one) for one in found.transitions[:SHOWN]]
    if len(found.transitions) > SHOWN:
        lines.append(f"  流转 transfer  … {len(found.transitions) - SHOWN:,} more (--json)")
    lines += [
        f"  {one.act:<8} {one.om_id} {', '.join(one.fields)}".rstrip()
        for one in found.listed[:SHOWN]
    ]
    if total > SHOWN:
        lines.append(f"  … {total - SHOWN:,} more (--json lists the first {MAX_LISTED:,})")
    return "\n".join(lines)


def _class(found: Differences, one: ClassChange) -> str:
    line = f"  分类 class     {_named(found, one.code)}: {one.before:,} -> {one.after:,}"
    if one.before_m2 is None or one.after_m2 is None:
        return line
    return f"{line}, {_hectares(one.before_m2)} -> {_hectares(one.after_m2)}"


def _transfer(found: Differences, one: Transition) -> str:
    names = f"{_named(found, one.before)} -> {_named(found, one.after)}"
    area = "" if one.after_m2 is None else f", {_hectares(one.after_m2)}"
    return f"  流转 transfer  {names}: {one.features:,}{area}"


def _named(found: Differences, code: str | None) -> str:
    if code is None:
        return "-"
    return f"{code} {_title(found, code) or ''}".strip()


def _title(found: Differences, code: str | None) -> str | None:
    codes = found.by.code_list.codes if found.by and found.by.code_list else {}
    return codes[code].zh if code is not None and code in codes else None


def _hectares(area_m2: float) -> str:
    return f"{area_m2 / M2_PER_HA:,.4f} ha"


def _state(state: RecordedState) -> dict[str, Any]:
    return {
        "layer": state.layer.id,
        "edition": state.edition,
        "revision": state.revision,
    }

"""What a feature's code chooses, as an expression that MapLibre and OpenLayers evaluate; pure."""

from typing import Any

from config.model import Style, StyleRule


def by_code(style: Style, values: dict[int, Any], otherwise: Any) -> Any:
    """The value of the first rule that matches a feature's code, as a MapLibre expression.

    Codes are looked up longest first. What a key of n characters chooses is the first rule whose
    code is a prefix of the key, so that the order of the rules decides, not the length of codes.
    """
    rest = next((n for n, rule in enumerate(style.rules) if not rule.codes), None)
    chosen: Any = otherwise if rest is None else values.get(rest, otherwise)
    if style.field is None:
        return next(iter(values.values()))
    text = ["to-string", ["get", style.field]]
    prefixes = {code for rule in style.rules if rule.match != "exact" for code in rule.codes}
    for length in sorted({len(code) for code in prefixes}):
        keys = sorted(code for code in prefixes if len(code) == length)
        chosen = _lookup(
            ["slice", text, 0, length],
            {k: _first(style, k, exact=False) for k in keys},
            values,
            otherwise,
            chosen,
        )
    whole = sorted({code for rule in style.rules if rule.match == "exact" for code in rule.codes})
    return _lookup(
        text, {k: _first(style, k, exact=True) for k in whole}, values, otherwise, chosen
    )


def _first(style: Style, key: str, *, exact: bool) -> int:
    """The number of the first rule for a code (*exact*), or for every code that begins with *key*."""

    def takes(rule: StyleRule) -> bool:
        if not rule.codes:
            return True
        if rule.match == "exact":
            return exact and key in rule.codes
        return key.startswith(rule.codes)

    return next(number for number, rule in enumerate(style.rules) if takes(rule))


def _lookup(
    value: Any, rules: dict[str, int], values: dict[int, Any], otherwise: Any, rest: Any
) -> Any:
    groups: dict[Any, list[str]] = {}
    for key, number in rules.items():
        groups.setdefault(values.get(number, otherwise), []).append(key)
    # A branch that gives what everything else gives anyway is left out.
    branches = [
        part for result, keys in groups.items() if result != rest for part in (keys, result)
    ]
    return ["match", value, *branches, rest] if branches else rest

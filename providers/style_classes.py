"""Which code stands for a value on the map: values that are drawn alike have one."""

from config.model import Style, StyleRule


def class_of(style: Style | None, value: object) -> str | None:
    """The code that the style draws as it draws *value*; None: as the rest, or there is no style."""
    if style is None or style.field is None or value is None:
        return None
    text = str(value)
    rule = _rule(style, text)
    if rule is None or not rule.codes:
        return None
    return next((code for code in rule.codes if _rule(style, code) is rule), text)


def _rule(style: Style, text: str) -> StyleRule | None:
    """The first rule that takes a value."""

    def takes(rule: StyleRule) -> bool:
        exact = rule.match == "exact"
        return not rule.codes or (text in rule.codes if exact else text.startswith(rule.codes))

    return next((rule for rule in style.rules if takes(rule)), None)

"""What can go wrong when data are asked for; the one table in server/problems.py makes HTTP of it."""


class Refused(Exception):
    """What was asked for on the command line cannot be done so; the message is for its caller."""


class CannotRun(Exception):
    """Something that a command needs is not there; one plain sentence for the operator."""


class BadParameter(Exception):
    """A request parameter has a value that cannot be used."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        shown = value if len(value) <= 200 else value[:200] + "…"
        super().__init__(f"{name}: {shown!r}; expected {expected}")
        self.name, self.value, self.expected = name, shown, expected


class NotFound(Exception):
    """The named thing does not exist, or not for this caller."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"no {what} {name[:200]!r}")
        self.what, self.name = what, name[:200]


class OutlastedWait(Exception):
    """A process that gives no jobs was not done within the waiting time: it has been stopped."""

    def __init__(self, process: str, seconds: float) -> None:
        super().__init__(f"{process} was stopped after {seconds:g} s; it gives no jobs")


class StoreUnavailable(Exception):
    """The database cannot be reached, or has no free connection in time."""


class StoreTimeout(Exception):
    """The database stopped a statement at its time limit."""


class LoadRejected(Refused):
    """Features do not satisfy their specification; nothing was loaded."""

    def __init__(self, layer: str, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.layer, self.findings = layer, findings

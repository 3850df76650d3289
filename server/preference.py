"""The Prefer header (RFC 7240)."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from config.vocabulary import ExecutionMode

PREFERENCE = re.compile(
    r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,]*))?'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What Prefer asks for (RFC 7240); preferences that are not known are ignored."""

    asynchronous: bool = False
    wait_s: int | None = None

    @classmethod
    def parse(cls, headers: Sequence[str]) -> "Preference":
        """All Prefer headers together; of a repeated preference the first counts."""
        given: dict[str, str] = {}
        for part in ",".join(headers).split(","):
            if (match := PREFERENCE.match(part)) is not None:
                given.setdefault(match[1].lower(), (match[2] or "").strip('"'))
        wait = given.get("wait", "")
        sound = wait.isascii() and wait.isdigit() and len(wait) <= 6
        return cls(asynchronous="respond-async" in given, wait_s=int(wait) if sound else None)

    def among(self, modes: Collection[ExecutionMode]) -> "Preference":
        """What is left of it for a process that runs in these modes alone."""
        asynchronous = self.asynchronous and ExecutionMode.ASYNC in modes
        return replace(
            self,
            asynchronous=asynchronous,
            wait_s=self.wait_s if ExecutionMode.SYNC in modes else None,
        )

    def patience_s(self, most_s: float) -> float:
        """How long the answer may wait for the job's end."""
        if self.wait_s is not None:
            return min(float(self.wait_s), most_s)
        return 0.0 if self.asynchronous else most_s

    def applied(self, *, accepted: bool) -> dict[str, str]:
        """The Preference-Applied header, where a preference made a difference."""
        names = ["respond-async"] if accepted and self.asynchronous else []
        if self.wait_s is not None:
            names.append(f"wait={self.wait_s}")
        return {"Preference-Applied": ", ".join(names)} if names else {}

"""What was measured: one table of rates and shares, the bars, and one plot; written by the bench."""

import math
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from peers.questions import Bar

RESULTS, PLOT = "RESULTS.md", "results.svg"
FEATURES = "Pages of features: OneMap, its peers, and the database alone"
MANNER = (
    "Medians of interleaved rounds; two processes for each server, eight keep-alive connections"
)
OF_CEILING = (
    "`pgbench` sends the statement of our server as a prepared one, with eight clients, and has no"
    " server to wait for. In brackets: the share of it."
)
SECTION = "# "  # begins what one bench has written
CEILING = "pgbench"
COLOURS = ("#1f6feb", "#79b0ff", "#8c8c8c", "#d9822b", "#3f9c5a", "#5b4a8a")
WIDE, LEFT, BAR, GAP, TOP = 1_000, 200, 14, 20, 46
LOWEST = 1e-4  # of the plot's axis, a share of the ceiling


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A bar, what was measured against it, and whether it holds."""

    bar: str
    measured: str
    holds: bool

    def __str__(self) -> str:
        return f"{'holds ' if self.holds else 'MISSED'}  {self.bar}: {self.measured}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of request: a figure for each column that could be asked."""

    name: str  # what `make bench ROW=` calls it
    title: str
    unit: str
    figures: dict[str, float]
    judged: tuple[Judged, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def shares(self) -> dict[str, float]:
        """Of the ceiling; empty where there is none."""
        ceiling = self.figures.get(CEILING)
        return {} if not ceiling else {name: f / ceiling for name, f in self.figures.items()}

    def text(self) -> str:
        """The row as it is printed while the bench runs."""
        shares = self.shares
        parts = [
            f"  {name:<24}{figure:>12,.1f}" + (f"{_share(shares[name]):>8}x" if shares else "")
            for name, figure in self.figures.items()
        ]
        judged = [f"  {one}" for one in self.judged]
        return "\n".join([f"{self.title} ({self.unit})", *parts, *judged, *self.said])


def judged(
    figures: Mapping[str, float], bar: Bar, ours: str, keeping: str | None = None
) -> tuple[Judged, ...]:
    """What a row of rates says of its bar; what stock is compared with keeps pages where it does."""
    mine = figures[ours]
    stock = next((f for title, f in figures.items() if title.startswith("pygeoapi")), None)
    others = {t: f for t, f in figures.items() if t != CEILING and not t.startswith("OneMap")}
    share = mine / figures[CEILING]
    found = [
        Judged(
            bar=f"at least {bar.of_ceiling}x {CEILING}",
            measured=f"{share:.3f}x",
            holds=share >= bar.of_ceiling,
        )
    ]
    if stock is not None and bar.of_stock > 1:
        times = figures[keeping or ours] / stock
        found.append(
            Judged(
                bar=f"at least {bar.of_stock:.0f}x stock pygeoapi, its counting off",
                measured=f"{times:.1f}x with kept pages, {mine / stock:.1f}x without",
                holds=times >= bar.of_stock,
            )
        )
    if others:
        best = max(others, key=lambda title: others[title])
        found.append(
            Judged(
                bar="ahead of every peer",
                measured=f"{mine / others[best]:.1f}x {best}",
                holds=mine > others[best],
            )
        )
    return tuple(found)


@dataclass(slots=True, kw_only=True)
class Report:
    """The rows of one run, the columns in their order, and who was left out and why."""

    columns: Sequence[str]
    database: str
    skipped: dict[str, str]
    generator: str  # by what rates were asked for
    title: str = FEATURES
    plot: str | None = PLOT
    manner: str = MANNER
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    rows: list[Row] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """The table and the plot, whole; what other benches have written stays."""
        file = folder / RESULTS
        held = _sections(file.read_text("utf-8")) if file.is_file() else {}
        held[f"{SECTION}{self.title}"] = self._table()
        file.write_text("\n".join(held.values()), "utf-8")
        if self.plot is not None:
            (folder / self.plot).write_text(self._plot(), "utf-8")

    def _table(self) -> str:
        columns = list(self.columns)
        head = ["request", "unit", *columns, "again with"]
        lines = [
            f"{SECTION}{self.title}",
            "",
            f"Written by `make bench`; one row again by the command beside it. {self.manner}, all on"
            f" one machine: {os.cpu_count()} cores, Python {platform.python_version()}, {self.database}."
            f" Asked by {self.generator}; load of the machine when the run began: {self.load:.1f}.",
            *((OF_CEILING,) if CEILING in columns else ()),
            *(f"Left out: {name} ({why})." for name, why in self.skipped.items()),
            "",
            *((f"![Shares of the ceiling]({self.plot})", "") if self.plot is not None else ()),
            _line(head),
            _line("---" if i < 2 or i > len(columns) + 1 else "---:" for i in range(len(head))),
        ]
        for row in self.rows:
            shares = row.shares
            cells = [
                _number(row.figures[name]) + (f" ({_share(shares[name])}x)" if shares else "")
                if name in row.figures
                else "–"
                for name in columns
            ]
            lines.append(_line([row.title, row.unit, *cells, f"`make bench ROW={row.name}`"]))
        lines += ["", "## Bars", "", _line(["bar", "measured", ""]), _line(["---"] * 3)]
        for row in self.rows:
            for one in row.judged:
                said = "holds" if one.holds else "**missed**"
                lines.append(_line([f"{row.title}: {one.bar}", one.measured, said]))
        lines += ["", *(f"- {row.title}: {one}" for row in self.rows for one in row.said), ""]
        return "\n".join(lines)

    def _plot(self) -> str:
        """Shares of the ceiling on a logarithmic axis, one group of bars for each request."""
        drawn = [row for row in self.rows if row.shares]
        names = [name for name in self.columns if name != CEILING]
        group = len(names) * BAR + GAP
        high, wide = TOP + len(drawn) * group + 30, WIDE - LEFT - 70
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{high}"'
            ' font-family="sans-serif" font-size="11">',
            f'<rect width="{WIDE}" height="{high}" fill="#ffffff"/>',
            f'<text x="8" y="16" font-size="13">Requests per second as a share of {CEILING}'
            " with the same SQL (logarithmic)</text>",
        ]
        for i, name in enumerate(names):
            x = 8 + i * 165
            parts.append(f'<rect x="{x}" y="24" width="10" height="10" fill="{COLOURS[i]}"/>')
            parts.append(f'<text x="{x + 14}" y="33">{escape(name)}</text>')
        for power in range(round(math.log10(LOWEST)), 1):
            across = LEFT + wide * _along(10.0**power)
            parts.append(
                f'<line x1="{across:.1f}" x2="{across:.1f}" y1="{TOP}" y2="{high - 24}" stroke="#cccccc"/>'
                f'<text x="{across:.1f}" y="{high - 10}" text-anchor="middle">{10.0**power:g}</text>'
            )
        for at, row in enumerate(drawn):
            y = TOP + at * group + GAP / 2
            parts.append(
                f'<text x="{LEFT - 8}" y="{y + group / 2 - 6:.1f}" text-anchor="end">'
                f"{escape(row.title)}</text>"
            )
            for i, name in enumerate(names):
                share = row.shares.get(name)
                if share is None:
                    continue
                long, top = max(1.0, wide * _along(share)), y + i * BAR
                parts.append(
                    f'<rect x="{LEFT}" y="{top:.1f}" width="{long:.1f}" height="{BAR - 2}"'
                    f' fill="{COLOURS[i]}"/><text x="{LEFT + long + 4:.1f}" y="{top + 10:.1f}">'
                    f"{_share(share)}</text>"
                )
        return "\n".join([*parts, "</svg>", ""])


def _sections(text: str) -> dict[str, str]:
    """The parts of the file by their headings, each as it was written."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith(SECTION):
            found[line] = []
        if found:
            found[next(reversed(found))].append(line)
    return {heading: "\n".join(lines).rstrip() + "\n" for heading, lines in found.items()}


def _along(share: float) -> float:
    return max(0.0, 1 - math.log10(min(share, 1.0) or LOWEST) / math.log10(LOWEST))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _share(value: float) -> str:
    return f"{value:.3f}" if value >= 0.01 else f"{value:.1g}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"

"""What a load did, for people and for machines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from config.vocabulary import EditionKey, LayerId
from providers.crs import Operation
from providers.revisions import Revision

SHOWN = 20  # rejected and repaired features that the text names; the JSON has all that are kept


class Outcome(StrEnum):
    """How a load ended."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"  # the edition says just this already: no revision
    DRY_RUN = "dry_run"  # as it would have been
    REJECTED = "rejected"  # features do not fit, nothing was loaded
    LOCKED = "locked"  # an issued copy: the differences only


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """Counts, lineage and findings of one load; read = loaded + repaired + rejected."""

    layer: LayerId
    edition: EditionKey
    file: str
    file_layer: str
    driver: str
    sha256: str
    encoding: str | None
    crs: str | None  # as the file's coordinates were taken; None: a table
    operation: Operation | None
    notes: Sequence[str]
    used: Mapping[str, str]  # field code -> column of the file
    ignored: Sequence[str]
    read: int
    repaired: int
    rejected: int
    area_m2: float | None
    repairs: Mapping[int, str]
    rejections: Mapping[int, Sequence[str]]
    outcome: Outcome
    revision: Revision | None = None
    rejects_file: str | None = None

    @property
    def loaded(self) -> int:
        """Features taken as they are."""
        return self.read - self.repaired - self.rejected

    def with_revision(self, revision: Revision) -> "LoadReport":
        """The report with what the publication did."""
        outcome = Outcome.UNCHANGED if revision.empty else Outcome.LOADED
        return replace(self, revision=revision, outcome=outcome)

    def lineage(self) -> dict[str, Any]:
        """What the revision keeps of it: where its rows came from, and how."""
        return {
            "file": self.file,
            "layer": self.file_layer,
            "sha256": self.sha256,
            "crs": self.crs,
            "operation": _operation(self.operation),
            "read": self.read,
            "repaired": self.repaired,
            "rejected": self.rejected,
            "areaM2": self.area_m2,
        }

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        revision = self.revision
        return {
            "layer": self.layer,
            "edition": self.edition,
            "outcome": self.outcome,
            "file": {
                "name": self.file,
                "layer": self.file_layer,
                "driver": self.driver,
                "sha256": self.sha256,
                "encoding": self.encoding,
                "notes": list(self.notes),
            },
            "crs": self.crs,
            "operation": _operation(self.operation),
            "columns": {"used": dict(self.used), "ignored": list(self.ignored)},
            "rows": {
                "read": self.read,
                "loaded": self.loaded,
                "repaired": self.repaired,
                "rejected": self.rejected,
            },
            "areaM2": self.area_m2,
            "revision": revision
            and {
                "number": revision.number,
                "added": revision.added,
                "changed": revision.changed,
                "removed": revision.removed,
            },
            "repairs": [{"row": n, "what": what} for n, what in self.repairs.items()],
            "rejections": [{"row": n, "reasons": list(why)} for n, why in self.rejections.items()],
            "rejectsFile": self.rejects_file,
        }

    def text(self) -> str:
        """The report for a terminal, Chinese beside English."""
        lines = [
            f"{self.layer}.{self.edition}: {OUTCOMES[self.outcome]}",
            f"  文件 file      {self.file}, {self.file_layer} ({self.driver})"
            + (f", {self.encoding}" if self.encoding else ""),
        ]
        if self.operation is not None:
            accuracy = self.operation.accuracy_m
            stated = "" if accuracy is None else f", ±{accuracy:g} m"
            lines.append(f"  坐标 CRS       {self.crs} -> EPSG:4490: {self.operation.name}{stated}")
        lines += [f"  说明 note      {note}" for note in self.notes]
        if self.ignored:
            lines.append(f"  未用 ignored   {', '.join(self.ignored)}")
        lines.append(
            f"  要素 features  {self.read:,} read = {self.loaded:,} loaded"
            f" + {self.repaired:,} repaired + {self.rejected:,} rejected"
        )
        if self.area_m2 is not None:
            lines.append(f"  面积 area      {self.area_m2 / 10_000:,.4f} ha (椭球面积 ellipsoidal)")
        if self.revision is not None:
            made = self.revision
            lines.append(
                f"  修订 revision  {made.number}: {made.added:,} added, {made.changed:,} changed,"
                f" {made.removed:,} removed"
            )
        lines += _listed("修复 repaired", ((n, w) for n, w in self.repairs.items()), self.repaired)
        rejections = ((n, "; ".join(w)) for n, w in self.rejections.items())
        lines += _listed("拒收 rejected", rejections, self.rejected)
        if self.rejects_file:
            lines.append(f"  拒收要素 rejected features are in {self.rejects_file}")
        return "\n".join(lines)


OUTCOMES = {
    Outcome.LOADED: "入库完成 / loaded",
    Outcome.UNCHANGED: "无变化，未形成新修订 / nothing changed, no new revision",
    Outcome.DRY_RUN: "试运行，未写入 / dry run, nothing was written",
    Outcome.REJECTED: "有要素不合规，未入库 / features were rejected, nothing was loaded",
    Outcome.LOCKED: (
        "下发版已锁定，未入库，以下为与其差异 / an issued copy is locked: nothing was loaded,"
        " these are the differences from it"
    ),
}


def _listed(title: str, rows: Any, count: int) -> list[str]:
    listed = list(rows)[:SHOWN]
    lines = [f"  {title} row {number}: {what}" for number, what in listed]
    if count > len(listed):
        lines.append(f"  {title} … {count - len(listed):,} more")
    return lines


def _operation(operation: Operation | None) -> dict[str, Any] | None:
    if operation is None:
        return None
    return {
        "name": operation.name,
        "accuracyM": operation.accuracy_m,
        "exact": operation.exact,
    }

"""Rules judged on parcels: for each parcel and rule a fact, areas and an advisory suggestion."""

from collections.abc import Mapping, Sequence

from config.predicates import Selection
from config.ruleset import Rule, Ruleset
from processes.algorithms.compliance.concerns import Concerns
from processes.algorithms.compliance.evaluating import Evaluator
from processes.algorithms.compliance.evidence import Declared, Evidence, Geometries, ToPlane
from processes.algorithms.compliance.findings import RuleFinding
from processes.algorithms.compliance.inquiry import Inquiry
from processes.algorithms.compliance.measuring import Yardstick
from processes.algorithms.compliance.noise import NoiseRule
from processes.algorithms.compliance.overlay import Overlay
from processes.algorithms.compliance.parcel_findings import parcel_findings
from processes.algorithms.compliance.piece_codes import piece_codes
from processes.algorithms.compliance.piece_findings import piece_findings
from processes.algorithms.compliance.pieces import split
from processes.algorithms.compliance.selecting import Selecting
from processes.algorithms.compliance.subjects import parcels_as_subjects


def judge(
    ruleset: Ruleset,
    rule_ids: Sequence[str],
    parcels: Geometries,
    declared: Sequence[Declared],
    evidence: Mapping[str, Evidence],
    to_plane: ToPlane,
    *,
    replace: Mapping[str, str],
) -> list[tuple[RuleFinding, ...]]:
    """Judge rules on many parcels at once.

    Parameters
    ----------
    ruleset : Ruleset
        The rules in force, with their parameters and tables.
    rule_ids : sequence of str
        Rules that are computed; manual items are not passed.
    parcels : ndarray of object, shape (n,)
        Polygon or MultiPolygon; longitude, latitude in degrees, EPSG:4490; valid.
    declared : sequence of Declared
        What the applicant says of each parcel, n of them.
    evidence : mapping
        By the binding that was really read; a binding that is not named is not connected.
    to_plane : callable
        Takes geometries in EPSG:4490 to a plane in metres (the parcels' zone).
    replace : mapping
        Which binding is read in another's place.

    Returns
    -------
    list of tuple of RuleFinding
        One tuple per parcel, one finding per rule, in the order of *rule_ids*. Areas in square
        metres: ellipsoidal by the official method, planar in the given plane.

    Raises
    ------
    ValueError
        If a layer is asked for distances and was read without what lies near the parcels.
    TypeError
        If a table was read where a layer is asked, or the other way round.

    Notes
    -----
    Overlays are made on the stored vertices, edges straight in longitude and latitude. What is
    missing is unknown, never zero; unknown is never PASS.
    """
    if len(parcels) == 0:
        return []
    yardstick = Yardstick(to_plane=to_plane, noise=noise_of(ruleset))
    inquiry = Inquiry(
        ruleset=ruleset,
        declared=declared,
        evidence=evidence,
        replace=replace,
        yardstick=yardstick,
    )
    bench = Bench(inquiry, parcels)
    columns = [bench.judge(ruleset.rules[rule]) for rule in rule_ids]
    return [tuple(column[parcel] for column in columns) for parcel in range(len(parcels))]


def noise_of(ruleset: Ruleset) -> NoiseRule:
    """The boundary noise of a rule set, by its parameters eps_m2, min_width_m and noise."""
    value = {id_: parameter.value for id_, parameter in ruleset.parameters.items()}
    return NoiseRule(
        eps_m2=float(str(value["eps_m2"])),
        min_width_m=float(str(value["min_width_m"])),
        combine="and" if value["noise"] == "and" else "or",
    )


class Bench:
    """Parcels with their overlays and pieces, on which rule after rule is judged."""

    def __init__(self, inquiry: Inquiry, parcels: Geometries) -> None:
        self.inquiry = inquiry
        self.selecting = Selecting(inquiry)
        subjects = parcels_as_subjects(parcels, inquiry.yardstick)
        self.whole = Evaluator(Overlay(inquiry, self.selecting, subjects))
        self.concerns = Concerns(self.whole.overlay)
        self._pieces: dict[tuple[tuple[Selection, ...], frozenset[str]], Evaluator] = {}

    def judge(self, rule: Rule) -> list[RuleFinding]:
        """The findings of a rule, one per parcel."""
        if rule.each == "parcel":
            return parcel_findings(rule, self.concerns, self.whole)
        return piece_findings(rule, self.concerns, self.whole, self._split(rule))

    def _split(self, rule: Rule) -> Evaluator:
        key = rule.split, piece_codes(rule)
        if key not in self._pieces:
            pieces = split(self.whole.overlay, *key)
            self._pieces[key] = Evaluator(Overlay(self.inquiry, self.selecting, pieces))
        return self._pieces[key]

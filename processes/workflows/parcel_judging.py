"""Parcels judged by rules over what the layers say: read once, judged as often as is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow

from config.ruleset import Ruleset
from processes.algorithms.blocks import Shapes
from processes.algorithms.compliance.composition import Composition, compositions
from processes.algorithms.compliance.evidence import (
    Declared,
    Evidence,
    Geometries,
    LayerEvidence,
    Need,
    ToPlane,
)
from processes.algorithms.compliance.findings import RuleFinding
from processes.algorithms.compliance.judging import judge
from processes.algorithms.compliance.noise import NoiseRule
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.context import Context
from processes.workflows.check_evidence import (
    PLANNED,
    PRESENT,
    RIDGE,
    Layered,
    Said,
    ask_layers,
    asked_rules,
)
from processes.workflows.check_request import Asked, Rules, as_value
from processes.workflows.parcel_intake import IntakeParcel
from processes.workflows.parcel_placing import along_plane
from providers.crs import Crs, plane_over
from providers.parcel_overlay import Answer

REST_M2 = 1.0  # of a composition: a rest of no class up to so much is boundary noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Some parcels and everything that was read for them, as it came."""

    parcels: tuple[IntakeParcel, ...]
    shapes: Shapes  # their long edges cut where they were drawn
    plane: Crs
    said: Mapping[str, Said]  # by the binding that was read

    def scene(self) -> "Scene":
        """The same with its answers decoded."""
        shapes = self.shapes.geometries
        return Scene(
            parcels=self.parcels,
            shapes=shapes,
            plane=self.plane,
            evidence={
                binding: one.evidence(shapes) if isinstance(one, Answer) else one
                for binding, one in self.said.items()
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Some parcels and what is known of them."""

    parcels: tuple[IntakeParcel, ...]
    shapes: Geometries
    plane: Crs
    evidence: Mapping[str, Evidence]  # by the binding that was read


def within_noise(shapes: Geometries, plane: ToPlane, noise: NoiseRule) -> NDArray[np.bool_]:
    """Which parcels are boundary noise in all of their parts: of them nothing can be said."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    placed = plane(parts)
    counted = ~noise.is_noise(shapely.area(placed), shapely.length(placed))
    nothing: NDArray[np.bool_] = np.bincount(owner, counted, minlength=len(shapes)) == 0
    return nothing


def ask_for(
    context: Context,
    connection: Connection[TupleRow],
    asked: Asked,
    rules: Rules,
    wanted: Mapping[str, Need],
    parcels: Sequence[IntakeParcel],
    divisions: Sequence[str | None],
    drawn: Crs,
    plane: Crs,
) -> tuple[tuple[Layered, ...], Answers]:
    """The layers, and what they say of *parcels*, drawn in one system, which lie in *divisions*.

    Raises
    ------
    TooManyFeatures
        Where they meet more of a layer than one computation may read.
    """
    shapes = along_plane(np.array([one.geometry for one in parcels], dtype=object), drawn)
    layers, said = ask_layers(
        context, connection, wanted, rules.ruleset, shapes, divisions, rules.day, asked.as_of
    )
    return layers, Answers(parcels=tuple(parcels), shapes=Shapes(shapes), plane=plane, said=said)


def judged(scene: Scene, asked: Asked, rules: Rules) -> list[tuple[RuleFinding, ...]]:
    """What each rule of the profile says of each parcel."""
    if not scene.parcels:
        return []
    return judge(
        rules.ruleset,
        asked_rules(rules.ruleset, rules.profile),
        scene.shapes,
        [declared(asked, one, rules.ruleset) for one in scene.parcels],
        scene.evidence,
        plane_over(scene.shapes, scene.plane),
        replace=rules.profile.replace,
    )


def present_and_planned(
    scene: Scene,
) -> tuple[Sequence[Composition] | None, Sequence[Composition] | None]:
    """The composition of each parcel by present and by planned use; None: no such layer."""
    return _composed(scene, *PRESENT, RIDGE), _composed(scene, *PLANNED)


def _composed(
    scene: Scene, binding: str, code: str, ridge: str | None = None
) -> Sequence[Composition] | None:
    evidence = scene.evidence.get(binding)
    if not isinstance(evidence, LayerEvidence) or not scene.parcels:
        return None
    return compositions(
        evidence,
        code,
        scene.shapes,
        [one.declared_m2 for one in scene.parcels],
        ellipsoid_area_m2,
        noise_m2=REST_M2,
        ridge=ridge,
    )


def declared(asked: Asked, parcel: IntakeParcel, ruleset: Ruleset) -> Declared:
    """What was declared for a parcel, with what follows from it."""
    own = {k: as_value(v) for k, v in parcel.attributes.items() if k in ruleset.attributes}
    attributes = {**asked.attributes, **{k: v for k, v in own.items() if v is not None}}
    if parcel.declared_m2 is not None:
        attributes.setdefault("land_area_m2", as_value(parcel.declared_m2))
    planned = attributes.get("planned_class")
    if isinstance(planned, str) and (group := _group_of(ruleset, planned)) is not None:
        attributes.setdefault("planned_class_group", group)
    return Declared(attributes=attributes, flags=asked.flags, documents=asked.documents)


def _group_of(ruleset: Ruleset, planned: str) -> str | None:
    """The group of a land-use class, by its own code or the nearest above it."""
    codes = (planned[:length] for length in range(len(planned), 1, -1))
    return next((ruleset.class_groups[c] for c in codes if c in ruleset.class_groups), None)

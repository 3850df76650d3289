"""Facts (涉及、不涉及、数据缺失) from what a rule concerns and compares, never from its outcome."""

from collections.abc import Iterable

import numpy as np

from config.predicates import AllOf, AnyOf, Flag, Missing, Negation, Predicate, Stale
from config.ruleset import Rule
from config.vocabulary import Fact
from processes.algorithms.compliance.concerns import Concerns
from processes.algorithms.compliance.evaluating import Evaluator
from processes.algorithms.compliance.inquiry import Unknown
from processes.algorithms.compliance.three_valued import (
    FALSE,
    TRUE,
    UNKNOWN,
    Truth,
    always,
    certain,
    conjunction,
    disjunction,
)

FACTS = {FALSE: Fact.NOT_CONCERNED, UNKNOWN: Fact.DATA_MISSING, TRUE: Fact.CONCERNED}


def facts(rule: Rule, concerns: Concerns, evaluator: Evaluator) -> list[Fact]:
    """The fact of a rule for each parcel; *evaluator* judges parcels."""
    if rule.concerns:
        truth = disjunction(concerns.truth(concern) for concern in rule.concerns)
        if rule.compares:  # what is concerned is known only with all values that are compared
            known = conjunction(_given(rule, evaluator))
            truth = np.where((truth == TRUE) & (known == FALSE), UNKNOWN, truth)
    elif rule.compares:
        truth = _of_values(rule, evaluator)
    else:
        truth = _of_data(rule, evaluator)
    return [FACTS[int(value)] for value in truth]


def _of_values(rule: Rule, evaluator: Evaluator) -> Truth:
    known = conjunction(_given(rule, evaluator))
    flags = [evaluator.node(flag).truth for flag in rule.compares if isinstance(flag, Flag)]
    yes = disjunction(flags) if flags else always(TRUE, len(known))
    return np.where(known == TRUE, yes, UNKNOWN).astype(np.int8)


def _given(rule: Rule, evaluator: Evaluator) -> Iterable[Truth]:
    """For each compared value, whether it is there."""
    for compared in rule.compares:
        if isinstance(compared, Flag):
            yield certain(evaluator.node(compared).truth != UNKNOWN)
        else:
            cells = evaluator.cells.column(compared)
            yield certain(np.array([not isinstance(cell, Unknown) for cell in cells]))


def _of_data(rule: Rule, evaluator: Evaluator) -> Truth:
    """Of a rule about the data themselves."""
    asked = [found for clause in rule.clauses for found in _about_data(clause.when)]
    if not asked:
        return always(FALSE, len(evaluator.subjects))
    doubtful = [evaluator.node(predicate).truth != FALSE for predicate in asked]
    return np.where(np.logical_or.reduce(doubtful), UNKNOWN, FALSE).astype(np.int8)


def _about_data(predicate: Predicate | None) -> Iterable[Predicate]:
    match predicate:
        case Missing() | Stale():
            yield predicate
        case AllOf() | AnyOf():
            for part in predicate.parts:
                yield from _about_data(part)
        case Negation():
            yield from _about_data(predicate.part)

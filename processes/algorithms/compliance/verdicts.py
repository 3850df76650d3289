"""Clauses in order: which one holds for each subject, and what is suggested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.ruleset import Clause
from config.vocabulary import Outcome
from processes.algorithms.compliance.evaluating import Evaluator, Node, collect_reasons
from processes.algorithms.compliance.evidence import Declared
from processes.algorithms.compliance.three_valued import TRUE, UNKNOWN, always

NO_CLAUSE = "no_clause"
RANKS = {outcome: outcome.rank for outcome in Outcome}
RANK_SETS = tuple(  # the sets of ranks by the bits of a mask
    frozenset(rank for rank in RANKS.values() if mask >> rank & 1)
    for mask in range(2 << max(RANKS.values()))
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """What the clauses of a rule say of subjects."""

    nodes: tuple[Node, ...]  # one per clause
    ranks: NDArray[np.int8]  # clause by subject: what the clause suggests
    open: Sequence[Sequence[bool]]  # subject by clause: unknown, and before the one that holds
    clause: Sequence[int]  # per subject: the first that is true, from 1; 0: none
    suggested: Sequence[int]  # per subject, a rank
    others: Sequence[frozenset[int]]  # per subject: the ranks of the clauses that are open
    gap: Sequence[str | None]  # per subject: why nothing is known of it

    def reasons(self, subject: int) -> set[str]:
        """What stayed unknown of a subject."""
        gap = self.gap[subject]
        found = set() if gap is None else {gap}
        if self.others[subject]:
            for node, is_open in zip(self.nodes, self.open[subject], strict=True):
                if is_open:
                    collect_reasons(node, subject, found)
        if not found and self.clause[subject] == 0:
            found.add(NO_CLAUSE)
        return found

    def stated(self, subject: int) -> int:
        """The rank that the clause which holds has by itself; 0: none holds."""
        clause = self.clause[subject]
        return int(self.ranks[clause - 1, subject]) if clause else 0


def verdicts(
    clauses: Sequence[Clause], evaluator: Evaluator, declared: Sequence[Declared]
) -> Verdicts:
    """Judge the clauses in order.

    The first that is true wins. Clauses before it that are unknown stay possible: the suggestion
    is then the mildest of theirs and the winner's, but at least to be verified. Where none is
    true, it is to be verified.
    """
    subjects = evaluator.subjects
    count = len(subjects)
    nodes = tuple(
        Node(truth=always(TRUE, count)) if clause.when is None else evaluator.node(clause.when)
        for clause in clauses
    )
    truths = np.array([node.truth for node in nodes], dtype=np.int8).reshape(len(nodes), count)
    ranks = np.array([_ranks(clause, declared) for clause in clauses], dtype=np.int8)
    ranks = ranks.reshape(len(clauses), len(declared))[:, subjects.parcel]
    holds = truths == TRUE
    some = holds.any(axis=0)
    first = np.where(some, holds.argmax(axis=0), len(nodes))
    order = np.arange(len(nodes))[:, np.newaxis]
    still_open = (truths == UNKNOWN) & (order < first)
    candidate = still_open | (order == first)
    mildest = np.where(candidate, ranks, Outcome.FAIL.rank).min(axis=0, initial=Outcome.FAIL.rank)
    at_least = np.where(still_open.any(axis=0), Outcome.VERIFY.rank, 0)
    suggested = np.where(some, np.maximum(mildest, at_least), Outcome.VERIFY.rank)
    masks = np.bitwise_or.reduce(np.where(still_open, 1 << ranks, 0), axis=0)
    return Verdicts(
        nodes=nodes,
        ranks=ranks,
        open=still_open.T.tolist(),
        clause=np.where(some, first + 1, 0).tolist(),
        suggested=suggested.tolist(),
        others=[RANK_SETS[mask] for mask in masks.tolist()],
        gap=subjects.gap,
    )


def _ranks(clause: Clause, declared: Sequence[Declared]) -> list[int]:
    """What a clause suggests of each parcel: COND is PASS once all its needs are verified."""
    rank = RANKS[clause.outcome]
    if clause.outcome is not Outcome.COND or not clause.needs:
        return [rank] * len(declared)
    return [rank if open_needs(clause, one.documents) else RANKS[Outcome.PASS] for one in declared]


def open_needs(clause: Clause, documents: Mapping[str, str]) -> tuple[str, ...]:
    """The documents that a clause asks for and that nobody verified."""
    if not clause.needs:
        return ()
    return tuple(need for need in clause.needs if documents.get(need) != "verified")

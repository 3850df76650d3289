"""How a planned class goes with the code of a plan (分区准入、用途一致)."""

from config.ruleset import ClassTable

SAME, COMPATIBLE, DIFFERENT = "same", "compatible", "different"


def conformity(table: ClassTable, code: str, planned: str) -> str | None:
    """The result of a table for a plan's *code* and the class *planned*; None: it has none.

    A table with rows is looked up by the code and by the column of the longest class that
    *planned* belongs to. A table without rows compares land-use classes: a plan of a coarser class
    accepts all its children, a plan finer than the planned class says nothing.

    Examples
    --------
    >>> zones = ClassTable(id="z", title="", results=("A", "X"), src="",
    ...                    rows={("300", "07"): "X", ("300", "0703"): "A"}, columns=("07", "0703"))
    >>> conformity(zones, "300", "070301"), conformity(zones, "300", "08")
    ('A', None)
    >>> plan = ClassTable(id="p", title="", results=(SAME, COMPATIBLE, DIFFERENT), src="")
    >>> [conformity(plan, code, "0701") for code in ("07", "0701", "070102", "1401")]
    ['same', 'same', None, 'different']
    >>> [conformity(plan, code, "070100") for code in ("070000", "070100", "140000")]
    ['same', 'same', 'different']
    """
    if table.rows:
        columns = [column for column in table.columns if planned.startswith(column)]
        return table.rows.get((code, max(columns, key=len))) if columns else None
    code, planned = unpadded(code), unpadded(planned)
    if planned.startswith(code):
        return SAME
    if code.startswith(planned):
        return None
    admitted = any(
        code.startswith(plan) and planned.startswith(other) for plan, other in table.compatible
    )
    return COMPATIBLE if admitted else DIFFERENT


def unpadded(code: str) -> str:
    """A land-use class without the zeros that fill its lower levels in planning databases.

    Examples
    --------
    >>> [unpadded(code) for code in ("070000", "070102", "10", "100100")]
    ['07', '070102', '10', '1001']
    """
    while len(code) > 2 and code.endswith("00"):
        code = code[:-2]
    return code

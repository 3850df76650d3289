"""Class breaks as a process: bounds, counts, the class of each value, goodness of fit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.vocabulary import Text
from processes.algorithms.classification import (
    MAX_CLASSES,
    SAMPLE,
    SEED,
    Classes,
    Method,
    bivariate_codes,
    classify,
)
from processes.context import Context
from processes.ogc.feature_schemas import nullable, number
from processes.spec import BodyError, Input, Output, ProcessSpec

MAX_VALUES = 100_000
MAX_MAGNITUDE = 1e15
MAX_FAULTS = 100
DEFAULT_K = 5


def read(values: Sequence[float | None]) -> NDArray[np.float64]:
    """Values as numbers; NaN where there is none."""
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read, classify, tell."""
    values, method = read(inputs["values"]), Method(inputs["method"])
    found = classify(
        values,
        method,
        k=int(inputs["k"]),
        breaks=inputs.get("breaks", ()),
        seed=int(inputs["seed"]),
    )
    document = classes(values, found, method, int(inputs["seed"]))
    if "second" in inputs:
        codes = bivariate_codes(values, read(inputs["second"]))
        document["bivariate"] = [None if code < 0 else code for code in codes.tolist()]
    return {"classes": document}


def check(inputs: Mapping[str, Any]) -> Iterable[BodyError]:
    """What is no value, which breaks do not ascend, whether the two lists are as long."""
    faults = [fault for name in ("values", "second") for fault in _wrong(inputs, name)]
    if "second" in inputs and len(inputs["second"]) != len(inputs["values"]):
        message = f"has {len(inputs['second'])} values; expected {len(inputs['values'])}"
        faults.append(BodyError("/second", message))
    breaks, manual = inputs.get("breaks"), inputs["method"] == Method.MANUAL
    if manual and breaks is None:
        faults.append(BodyError("/breaks", "is required by the method manual"))
    if breaks is not None and not manual:
        faults.append(BodyError("/breaks", "is read by the method manual only"))
    for i, (one, other) in enumerate(zip(breaks or (), (breaks or ())[1:], strict=False)):
        if not other > one:
            faults.append(BodyError(f"/breaks/{i + 1}", "expected more than the break before"))
    return faults[:MAX_FAULTS]


def classes(
    values: NDArray[np.float64], found: Classes, method: Method, seed: int
) -> dict[str, Any]:
    """Classes as a document; a value without a class is null, never 0."""
    lower = [None, *found.bounds]
    return {
        "method": method.value,
        "k": len(found.bounds),
        "classes": [
            {"class": i + 1, "above": lower[i], "up_to": bound, "count": found.counts[i]}
            for i, bound in enumerate(found.bounds)
        ],
        "missing": found.missing,
        "gvf": found.gvf,
        "sample": None if found.sample is None else {"values": found.sample, "seed": seed},
        "codes": [code or None for code in found.codes.tolist()],
    }


def _wrong(inputs: Mapping[str, Any], name: str) -> Iterator[BodyError]:
    for i, value in enumerate(inputs.get(name, ())):
        if value is None:
            continue
        if type(value) not in (int, float) or not abs(value) <= MAX_MAGNITUDE:
            yield BodyError(f"/{name}/{i}", f"expected null or a number up to {MAX_MAGNITUDE:g}")


VALUES = {
    "type": "array",
    "items": {"type": ["number", "null"]},
    "minItems": 1,
    "maxItems": MAX_VALUES,
}
UNREAD_VALUES = {"type": "array", "minItems": 1, "maxItems": MAX_VALUES}  # `check` reads them
RESULT = {
    "type": "object",
    "properties": {
        "method": {"type": "string", "enum": [one.value for one in Method]},
        "k": {"type": "integer", "description": "how many classes there are"},
        "classes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "class": {"type": "integer"},
                    "above": nullable(number("lower bound, exclusive; null: none")),
                    "up_to": number("upper bound, inclusive"),
                    "count": {"type": "integer"},
                },
                "required": ["class", "above", "up_to", "count"],
            },
        },
        "missing": {"type": "integer", "description": "values that are null, a class of its own"},
        "gvf": nullable(number("goodness of variance fit, 0 to 1; null: no value")),
        "sample": nullable(
            {
                "type": "object",
                "properties": {"values": {"type": "integer"}, "seed": {"type": "integer"}},
                "required": ["values", "seed"],
            }
        ),
        "codes": {
            "type": "array",
            "description": "the class of each value, from 1; null where it is missing",
            "items": nullable({"type": "integer"}),
        },
        "bivariate": {
            "type": "array",
            "description": "3 · class of the value + class of the second, classes 0 to 2 by terciles",
            "items": nullable({"type": "integer"}),
        },
    },
    "required": ["method", "k", "classes", "missing", "gvf", "sample", "codes"],
}

CLASSIFY = ProcessSpec(
    id="classify",
    version="1.0.0",
    title=Text(zh="专题图分级", en="Class breaks"),
    description=Text(
        zh="等间距、分位数、标准差、自然断点（Fisher-Jenks）、头尾分割或手动分级；上限含端点，"
        "空值自成一类，给出拟合优度 GVF。",
        en="Equal intervals, quantiles, standard deviations, natural breaks (Fisher-Jenks),"
        " head/tail or manual breaks; upper bounds are inclusive, missing values a class of their"
        " own; with the goodness of variance fit.",
    ),
    keywords=("分级", "专题图", "class breaks"),
    inputs={
        "values": Input(
            title=Text(zh="数值", en="Values"),
            description=Text(zh="空值为 null", en="null where there is no value"),
            schema=VALUES,
            validated=UNREAD_VALUES,
        ),
        "method": Input(
            title=Text(zh="方法", en="Method"),
            description=Text(
                zh="等间距 equal-interval、分位数 quantile、标准差 std-mean、"
                "自然断点 fisher-jenks、头尾分割 head-tail、手动 manual",
                en="How breaks are found",
            ),
            schema={"type": "string", "enum": [one.value for one in Method]},
        ),
        "k": Input(
            title=Text(zh="级数", en="Number of classes"),
            description=Text(
                zh="等间距、分位数与自然断点的级数；不同的数值不足时取其个数",
                en="Of equal intervals, quantiles and natural breaks; as many as there are"
                " distinct values where those are fewer",
            ),
            schema={"type": "integer", "minimum": 1, "maximum": MAX_CLASSES, "default": DEFAULT_K},
            required=False,
        ),
        "breaks": Input(
            title=Text(zh="手动断点", en="Manual breaks"),
            description=Text(
                zh="各级上限，由小到大；超出最后一个断点的数值另成一级",
                en="Upper bounds, ascending; values above the last one make one more class",
            ),
            schema={
                "type": "array",
                "items": {"type": "number", "minimum": -MAX_MAGNITUDE, "maximum": MAX_MAGNITUDE},
                "minItems": 1,
                "maxItems": MAX_CLASSES - 1,
            },
            required=False,
        ),
        "seed": Input(
            title=Text(zh="随机种子", en="Seed"),
            description=Text(
                zh=f"不同的数值超过 {SAMPLE} 个时自然断点取样所用",
                en=f"Of the sample that natural breaks take of more than {SAMPLE} distinct values",
            ),
            schema={"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "default": SEED},
            required=False,
        ),
        "second": Input(
            title=Text(zh="第二变量", en="Second variable"),
            description=Text(
                zh="与数值一一对应；给出后另返回 3 × 3 双变量编码",
                en="One for each value; then the 3 × 3 bivariate codes are returned as well",
            ),
            schema=VALUES,
            validated=UNREAD_VALUES,
            required=False,
        ),
    },
    outputs={
        "classes": Output(
            title=Text(zh="分级", en="Classes"),
            description=Text(
                zh="各级上下限与个数、每个数值的级、GVF",
                en="Bounds and counts, the class of each value, goodness of variance fit",
            ),
            schema=RESULT,
        )
    },
    example={"inputs": {"values": [1, 2, 4, 5, 7, 9, 10, 20], "method": "fisher-jenks", "k": 3}},
    run=run,
    check=check,
)

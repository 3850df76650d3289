"""What becomes of a computation's values: small ones stay values, others are files or tables."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson

from config.vocabulary import Text
from processes.context import Context
from processes.spec import JSON, ProcessSpec, charset
from processes.workflows.kept_checks import kept_check
from processes.workflows.result_rows import read_table
from providers.job_records import Result
from providers.job_results import FileResult, Made, TableResult
from providers.result_files import AttemptFolder
from providers.result_layers import Description

IN_ROW_BYTES = 1024 * 1024  # what is larger lies in a file
MAX_RESULT_BYTES = 512 * 1024 * 1024


class TooLarge(Exception):
    """The values of a computation are larger than is kept."""

    def __init__(self) -> None:
        super().__init__(f"The result is larger than {MAX_RESULT_BYTES} bytes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The outputs that are asked for, those that become layers, and where files go."""

    outputs: tuple[str, ...]
    as_collection: tuple[str, ...] = ()
    folder: AttemptFolder


def make_results(
    context: Context, spec: ProcessSpec, values: Mapping[str, Any], wanted: Wanted
) -> tuple[Made, ...]:
    """The outputs that are asked for, written where they are large.

    Raises
    ------
    NoLayer, StorageFull, TooLarge
        For features that are no table, a store without room, and values beyond the bound.
    """
    texts = {
        name: _text(values[name], spec.outputs[name].media_type)
        for name in wanted.outputs
        if name not in wanted.as_collection
    }
    if sum(map(len, texts.values())) > MAX_RESULT_BYTES:
        raise TooLarge
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kept") as beside:
        check = None
        if spec.kept is not None and not values[spec.kept]["draft"]:  # whatever is asked for
            check = beside.submit(kept_check, values[spec.kept], texts.get(spec.kept))
        found = [
            _table(context, spec, name, values[name], wanted.folder)
            if name in wanted.as_collection
            else _value(name, texts[name], spec.outputs[name].media_type, wanted.folder)
            for name in wanted.outputs
        ]
        if check is None:
            return tuple(found)
        if check.result().bytes > MAX_RESULT_BYTES:
            raise TooLarge
        return (*found, check.result())


def _text(value: Any, media_type: str) -> bytes:
    return orjson.dumps(value) if media_type == JSON else str(value).encode(charset(media_type))


def _value(output: str, content: bytes, media_type: str, folder: AttemptFolder) -> Made:
    if len(content) <= IN_ROW_BYTES:
        return Result(output=output, media_type=media_type, value=content)
    return FileResult(output=output, media_type=media_type, kept=folder.keep(output, content))


def _table(
    context: Context, spec: ProcessSpec, output: str, value: Any, folder: AttemptFolder
) -> TableResult:
    """The features, spooled; the worker makes their table when the job is done."""
    table = read_table(value)
    spool = f"{output}.rows"
    with folder.writing(spool) as file:
        table.write(file)
    title, of = spec.title, spec.outputs[output].title
    said = Description(
        title=Text(
            zh=f"{title.zh}：{of.zh}（{context.today.isoformat()}）",
            en=f"{title.en}: {of.en} ({context.today.isoformat()})",
        ),
        description=Text(
            zh=f"由过程“{title.zh}”（{spec.id} {spec.version}）计算得出的结果，随其任务一同保存和删除。",
            en=f"Made by the process {title.en} ({spec.id} {spec.version}); kept and removed with"
            " its job.",
        ),
        geometry=table.geometry,
        fields=table.fields,
        synthetic=context.synthetic,
    )
    return TableResult(
        output=output,
        spool=folder.path(spool),
        said=said,
        features=len(table.ids),
        extent=table.extent,
    )

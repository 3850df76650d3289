"""Echo: answers what it was told, after a pause; for trying out clients and the queue."""

import time
from collections.abc import Mapping
from typing import Any

from config.vocabulary import Text
from processes.context import Context
from processes.spec import Input, Output, ProcessSpec

LONGEST_PAUSE_S = 5  # anybody may call it: a slot must not be held for nothing
STEP_S = 0.1


def run(context: Context, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Wait in small steps, saying how far it is."""
    pause_s = float(inputs["pause"])
    end = time.monotonic() + pause_s
    while (left := end - time.monotonic()) > 0:
        context.report(int(100 * (1 - left / pause_s)), f"{left:.1f} s left")
        time.sleep(min(left, STEP_S))
    return {"text": inputs["text"]}


ECHO = ProcessSpec(
    id="echo",
    version="1.0.0",
    title=Text(zh="回声", en="Echo"),
    description=Text(
        zh="原样返回所给文字，可先等待若干秒；用于测试客户端与作业队列。",
        en="Returns the text it is given, after a pause if asked; for trying out clients and jobs.",
    ),
    keywords=("test",),
    inputs={
        "text": Input(
            title=Text(zh="文字", en="Text"),
            description=Text(zh="要返回的文字", en="The text to return"),
            schema={"type": "string", "maxLength": 10000},
        ),
        "pause": Input(
            title=Text(zh="等待（秒）", en="Pause (seconds)"),
            description=Text(
                zh="返回前等待的秒数", en="How long to wait before answering, in seconds"
            ),
            schema={"type": "number", "minimum": 0, "maximum": LONGEST_PAUSE_S, "default": 0},
            required=False,
        ),
    },
    outputs={
        "text": Output(
            title=Text(zh="文字", en="Text"),
            description=Text(zh="所给的文字", en="The text that was given"),
            schema={"type": "string"},
            media_type="text/plain",
        )
    },
    example={"inputs": {"text": "一张图"}},
    run=run,
)

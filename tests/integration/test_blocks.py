"""Large inputs are computed in blocks: by whom makes no difference but to the time."""

import json
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from processes.compute import ClusterLost, alone, cluster, map_blocks

SCRIPT = Path(__file__).parent / "computing" / "blocks.py"
ROOT = Path(__file__).parents[2]
# Blocks that tell which process computes them, each but the first for a second.
ENDLESS = """
    import os, sys, time
    from processes.compute import cluster, map_blocks, process_pool

    def block(number):
        if number:
            time.sleep(1.0)
        return os.getpid()

    if __name__ == "__main__":
        name = sys.argv[1]
        crew = process_pool(lambda blocks: 2, lambda: None) if name == "pool" else cluster(name)
        for pid in map_blocks(crew, block, range(200), expected=200):
            print(pid, flush=True)
"""
CLUSTER = """
    import sys
    from distributed import LocalCluster

    if __name__ == "__main__":
        with LocalCluster(n_workers=1, threads_per_worker=2, processes=sys.argv[1] == "processes",
                          dashboard_address=None, protocol="tcp") as made:
            print(made.scheduler_address, flush=True)
            sys.stdin.read()
"""


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A Dask cluster of one worker process, as an operator would start it."""
    with _script(CLUSTER, "processes", stdin=subprocess.PIPE) as process:
        yield _line(process)
        assert process.stdin is not None
        process.stdin.close()


def test_results_are_the_same_whoever_computes_the_blocks(scheduler: str) -> None:
    found = {name: _found(name) for name in ("alone", "pool", scheduler)}
    for name, one in found.items():
        assert one["digest"] == found["alone"]["digest"], name
        assert one["order"] == [0.1, 0.05, 0.0, 0.02], "results come in the order of the blocks"
        assert one["elsewhere"] == (name != "alone")
        assert one["single"], "a single block is computed in place"
        assert one["error"] == "ZeroDivisionError", "an error in a block is the computation's"
        assert one["told"] == sorted(one["told"])
        assert one["told"][-1] == 100
        assert len(one["told"]) > 10, "too few blocks to be a test of them"


def test_a_cluster_that_cannot_be_reached_leaves_the_blocks_to_the_computation(
    monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]
) -> None:
    monkeypatch.setattr("processes.compute.CLUSTER_PATIENCE_S", 0.3)
    crew = cluster(f"tcp://127.0.0.1:{free_port()}")
    assert list(map_blocks(crew, abs, [-1, -2, -3], expected=3)) == [1, 2, 3]


def test_a_cluster_that_goes_away_in_the_middle_is_told_apart() -> None:
    with _script(CLUSTER, "threads", stdin=subprocess.PIPE) as process:
        blocks = map_blocks(cluster(_line(process)), time.sleep, [0.0, 30.0, 30.0], expected=3)
        next(blocks)
        threading.Timer(0.2, process.kill).start()
        with pytest.raises(ClusterLost):
            next(blocks)


@pytest.mark.parametrize("kind", ["pool", "dask"])
def test_a_killed_computation_leaves_nobody_computing_for_it(
    kind: str, scheduler: str, wait_until: Callable[..., None]
) -> None:
    with _script(ENDLESS, scheduler if kind == "dask" else kind) as process:
        pid = int(_line(process))
        process.send_signal(signal.SIGKILL)
    if kind == "pool":
        wait_until(lambda: not _lives(pid))
    else:
        from distributed import Client

        with Client(scheduler, set_as_default=False) as client:
            wait_until(lambda: not any(client.processing().values()))


def test_nobody_is_called_where_there_is_no_crew() -> None:
    with alone(2) as hands:
        assert hands is None


def _found(name: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _script(text: str, argument: str, stdin: int | None = None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text), argument],
        cwd=ROOT,
        stdin=stdin,
        stdout=subprocess.PIPE,
    )


def _line(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"

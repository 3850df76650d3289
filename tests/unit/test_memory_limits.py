"""How much memory the embedded database may plan with."""

from pathlib import Path

import pytest

from providers.cluster_folder import configuration
from providers.postgres_binaries import available_memory

GIB = 1024**3


def machine(root: Path, *, groups: str, limits: dict[str, str]) -> Path:
    files = {"proc/meminfo": f"MemTotal:  {8 * 1024**2} kB\nMemFree: 1 kB\n"}
    files |= {"proc/self/cgroup": groups, **{f"sys/fs/cgroup/{k}": v for k, v in limits.items()}}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("groups", "limits", "expected_gib"),
    [
        ("0::/\n", {}, 8),
        ("0::/\n", {"memory.max": "max\n"}, 8),
        ("0::/\n", {"memory.max": str(2 * GIB)}, 2),
        ("0::/a/b\n", {"a/memory.max": str(GIB), "a/b/memory.max": str(2 * GIB)}, 1),
        ("4:cpu,memory:/x\n", {"memory/x/memory.limit_in_bytes": str(3 * GIB)}, 3),
        ("4:memory:/gone\n", {"memory/memory.limit_in_bytes": str(4 * GIB)}, 4),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, 8),
        ("3:cpu:/x\n0::/x\n", {"unified/x/memory.max": str(5 * GIB)}, 5),
        ("", {}, 8),
    ],
)
def test_the_smallest_limit_that_binds_counts(
    tmp_path: Path, groups: str, limits: dict[str, str], expected_gib: int
) -> None:
    assert available_memory(machine(tmp_path, groups=groups, limits=limits)) == expected_gib * GIB


@pytest.mark.parametrize("gib", [0.25, 1, 4, 24, 512])
def test_caches_and_working_memory_fit_into_what_there_is(gib: float) -> None:
    settings = _read(
        configuration(
            memory_bytes=int(gib * GIB), cpus=2, shared_memory_bytes=GIB, socket=Path("/run/x")
        )
    )
    mib = {name: int(text[:-2]) for name, text in settings.items() if text.endswith("MB")}
    assert mib["shared_buffers"] <= min(max(0.2 * gib * 1024, 32), 2048)
    assert mib["shared_buffers"] + 8 * mib["work_mem"] <= gib * 1024
    assert mib["maintenance_work_mem"] <= 1024


def test_odd_signs_in_a_path_stay_inside_their_quotes() -> None:
    text = configuration(
        memory_bytes=GIB, cpus=2, shared_memory_bytes=0, socket=Path("/run/it's a \\ x")
    )
    assert "unix_socket_directories = '\"/run/it''s a \\\\ x\"'\n" in text
    assert "dynamic_shared_memory_type = 'mmap'\n" in text


def _read(text: str) -> dict[str, str]:
    lines = (line.partition(" = ") for line in text.splitlines())
    return {name: value.strip("'") for name, _, value in lines}

"""What the README and the guides print works as printed: every bash block is run."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from config.settings import child_environ

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
SETS_UP = re.compile(r"^make (demo|test)\b", re.MULTILINE)  # what brought this very run about
# the guides print the same commands in both languages (tests/unit/test_guide.py)
PAGES = [ROOT / "README.md", *sorted((ROOT / "server" / "guide" / "zh").glob("*.md"))]


def blocks() -> list[object]:
    found = []
    for path in PAGES:
        for number, match in enumerate(BLOCK.finditer(path.read_text("utf-8"))):
            if not SETS_UP.search(match[1]):
                name = f"{path.relative_to(ROOT)}-{number}"
                found.append(pytest.param(match[1], id=name))
    return found


@pytest.mark.parametrize("block", blocks())
def test_a_printed_command_works_as_printed(
    live_server: str, live_settings: dict[str, str], block: str
) -> None:
    script = block.replace("http://127.0.0.1:8080", live_server)
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{child_environ()['PATH']}"

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=child_environ(**live_settings, PATH=path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr

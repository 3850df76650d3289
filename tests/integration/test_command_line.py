"""The command `onemap` as an operator meets it: exit codes, one plain sentence, no traceback."""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from config.settings import Settings, child_environ
from providers.errors import Refused
from server.key_commands import add_verbs

ROOT = Path(__file__).resolve().parents[2]
type Command = Callable[..., subprocess.CompletedProcess[str]]


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=ROOT,
        env=child_environ(**environ),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=120,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], says: str) -> None:
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_wrong_setting_is_one_sentence_and_exit_2() -> None:
    refused(run("check", ONEMAP_PORT="http"), "ONEMAP_PORT")
    refused(run("up", ONEMAP_PROT="1"), "ONEMAP_PROT")


def test_a_taken_port_is_one_sentence_and_exit_2(database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused(run("up", ONEMAP_PORT=port, ONEMAP_DATABASE_URL=database_url), port)


def test_a_database_that_does_not_answer_is_one_sentence_and_exit_2(command: Command) -> None:
    refused(command("migrate", ONEMAP_DATABASE_URL="postgresql://x@127.0.0.1:9/none"), "database")


def test_a_foreign_data_directory_is_one_sentence_and_exit_2(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "PG_VERSION").write_text("15\n")

    refused(command("migrate", ONEMAP_HOME=str(tmp_path)), str(tmp_path))


def test_the_catalogue_is_checked_and_its_findings_are_exit_1(
    command: Command, tmp_path: Path
) -> None:
    home = {"ONEMAP_HOME": str(tmp_path / "home")}
    assert command("check", ONEMAP_CATALOGUE="demo", **home).returncode == 0
    (tmp_path / "wrong.yaml").write_text("kind: layer\nid: Wrong\n")

    done = command("check", ONEMAP_CATALOGUE=str(tmp_path), **home)

    assert done.returncode == 1
    assert "wrong.yaml: /0/id: " in done.stderr


def test_a_key_needs_a_role_that_exists_and_a_region_where_the_role_is_held_by_region(
    command: Command, demo_database_url: str
) -> None:
    settings = Settings.from_environ({"ONEMAP_DATABASE_URL": demo_database_url})
    parser = argparse.ArgumentParser()
    add_verbs(parser.add_subparsers())
    named = ("key", "new", "--organisation", "局", "--person", "张工")

    def told(*more: str) -> str:
        given = parser.parse_args([*named, *more])
        with pytest.raises(Refused) as refusal:
            given.run(settings, given)
        return str(refusal.value)

    assert "--region" in told("--role", "surveyor")
    assert "digits" in told("--role", "surveyor", "--region", "22")
    assert "all regions" in told("--role", "planner", "--region", "220102")
    assert "registered: 999999" in told("--role", "surveyor", "--region", "999999")
    assert "over already" in told("--role", "planner", "--expires", "2020-01-01")
    assert "--expires" in told("--role", "planner", "--expires", "2027-13-01")
    database = {"ONEMAP_DATABASE_URL": demo_database_url}
    none = command(*named, "--role", "king", **database)
    assert none.returncode == 1
    assert "no role" in none.stderr
    made = command(*named, "--role", "surveyor", "--region", "220102", **database)
    assert made.returncode == 0
    text = made.stdout.strip()
    assert text.startswith("om_")
    assert command("key", "revoke", text.split("_")[1], **database).returncode == 0
    assert command("key", "revoke", text.split("_")[1], **database).returncode == 1


def test_editions_are_listed(demo_database_url: str) -> None:
    done = run("editions", "--json", ONEMAP_DATABASE_URL=demo_database_url)

    assert done.returncode == 0
    assert '"layer": "land_use", "edition": "2024"' in done.stdout


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_prints_its_addresses_and_stops_cleanly(
    demo_database_url: str, tmp_path: Path, free_port: Callable[[], int], sent: signal.Signals
) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "demo", "--parcels", "2000"],
        cwd=ROOT,
        env=child_environ(
            ONEMAP_DATABASE_URL=demo_database_url, ONEMAP_PORT=str(port), ONEMAP_HOME=str(tmp_path)
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    while "Ctrl-C" not in printed:
        line = process.stdout.readline()
        assert line, process.communicate()
        printed += line
    with urlopen(f"http://127.0.0.1:{port}/collections", timeout=10) as response:
        assert response.status == 200

    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)

    assert f"http://127.0.0.1:{port}/app/map" in printed
    assert "loaded already" in printed
    assert process.returncode == 0
    assert "Traceback" not in errors
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("victim", ["supervisor", "database"])
def test_an_instance_survives_kill_9(
    free_port: Callable[[], int], wait_until: Callable[..., None], victim: str
) -> None:
    home = Path(tempfile.mkdtemp(prefix="onemap-kill-"))
    home.chmod(0o755)
    port = free_port()
    environ = child_environ(ONEMAP_HOME=str(home), ONEMAP_PORT=str(port))
    running = start(environ)
    try:
        if victim == "database":
            killed = postmaster(home)
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda: postmaster(home) not in (0, killed))
        else:
            running.kill()
            running.wait()
            running = start(environ)
        wait_until(lambda: ready(port))
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(60)
        shutil.rmtree(home, ignore_errors=True)

    assert running.returncode == 0


def test_a_start_that_is_stopped_while_loading_leaves_no_database_running(
    free_port: Callable[[], int],
) -> None:
    home = Path(tempfile.mkdtemp(prefix="onemap-stop-"))
    home.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "demo", "--parcels", "2000"],
        cwd=ROOT,
        env=child_environ(ONEMAP_HOME=str(home), ONEMAP_PORT=str(free_port())),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "county" in process.stdout.readline()
    assert postmaster(home) > 0

    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in errors
    assert postmaster(home) == 0
    shutil.rmtree(home, ignore_errors=True)


def start(environ: dict[str, str]) -> subprocess.Popen[str]:
    """An instance that has printed its addresses."""
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "up"],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert any("Ctrl-C" in line for line in process.stdout)
    return process


def postmaster(home: Path) -> int:
    """The database server's process id, 0 while there is none."""
    try:
        return int((home / "db" / "postmaster.pid").read_text().split()[0])
    except (OSError, IndexError):
        return 0


def ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=20) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False

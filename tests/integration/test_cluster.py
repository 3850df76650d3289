"""The embedded PostGIS, with real clusters: made, shared, killed, adopted and refused."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from textwrap import dedent

import psycopg
import pytest

from providers.cluster import Cluster, open_cluster
from providers.postgres_binaries import (
    ClusterError,
    ServerUser,
    reachable,
    server_user,
)

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change users")


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder every user may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="onemap-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def made_home() -> Iterator[Path]:
    """A home whose cluster was made and stopped."""
    with open_folder() as path:
        with open_cluster(path / "home"):
            pass
        yield path / "home"


@pytest.fixture
def home(folder: Path, made_home: Path) -> Path:
    """A copy of it for one test: making one takes longer than the tests do."""
    subprocess.run(["cp", "-a", made_home, folder / "home"], check=True)
    return folder / "home"


def ask(cluster: Cluster, query: str) -> object:
    with psycopg.connect(cluster.url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def write_note(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")


def works(pid: int | None) -> bool:
    """Whether the process is there and not merely waiting for its parent to notice its end."""
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "\nState:\tZ" not in status.read_text()


def nobody() -> ServerUser:
    entry = pwd.getpwnam("nobody")
    return ServerUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def test_a_new_home_gets_a_database_with_postgis_for_a_role_that_is_no_superuser(
    folder: Path,
) -> None:
    with open_cluster(folder / "home") as cluster:
        assert str(ask(cluster, "SELECT postgis_lib_version()")) >= "3.3"
        assert ask(cluster, "SELECT current_user || current_database()") == "onemaponemap"
        assert ask(cluster, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert ask(cluster, "SHOW server_encoding") == "UTF8"
        assert ask(cluster, "SHOW timezone") == "UTC"
        pid = cluster.postmaster()
        assert pid is not None
        assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert not works(pid)


def test_nothing_listens_on_the_network_and_no_other_user_gets_in(home: Path) -> None:
    with open_cluster(home) as cluster:
        assert ask(cluster, "SHOW listen_addresses") == ""
        assert cluster.folder.socket.stat().st_mode & 0o077 == 0
        assert cluster.folder.data.stat().st_mode & 0o077 == 0
        if os.geteuid() == 0:
            assert not reachable(cluster.folder.socket / "any", nobody())


def test_the_login_role_may_make_the_three_database_roles_and_take_them_on(home: Path) -> None:
    with open_cluster(home) as cluster, psycopg.connect(cluster.url) as connection:
        connection.execute("CREATE ROLE onemap_reader NOLOGIN")
        connection.execute("GRANT onemap_reader TO CURRENT_USER")
        connection.execute("SET ROLE onemap_reader")


def test_a_database_made_later_has_postgis_too(home: Path) -> None:
    with open_cluster(home) as cluster:
        with psycopg.connect(cluster.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE other")
        with psycopg.connect(cluster.address("other")) as connection:
            area = connection.execute("SELECT ST_Area(ST_MakeEnvelope(0, 0, 2, 3))").fetchone()
        assert area == (6.0,)


def test_a_killed_server_is_started_again_with_all_that_was_committed(home: Path) -> None:
    with open_cluster(home) as cluster:
        write_note(cluster)
        first = cluster.postmaster()
        assert first is not None
        os.kill(first, signal.SIGKILL)
        cluster.ensure_running()
        assert cluster.postmaster() not in (None, first)
        assert ask(cluster, "SELECT text FROM note") == "kept"


def test_a_backend_that_outlives_its_killed_server_does_not_block_the_next(home: Path) -> None:
    with open_cluster(home) as cluster:
        write_note(cluster)
        with closing(psycopg.connect(cluster.url)) as busy:
            endless = b"SELECT count(*) FROM generate_series(1, 1000000000)"
            busy.pgconn.send_query(endless)
            postmaster = cluster.postmaster()
            assert postmaster is not None
            os.kill(postmaster, signal.SIGKILL)
            cluster.ensure_running()
            assert ask(cluster, "SELECT text FROM note") == "kept"


def test_a_lock_file_with_another_process_number_is_seen_through(home: Path) -> None:
    with open_cluster(home) as cluster:
        data, socket, user = cluster.folder.data, cluster.folder.socket, cluster.folder.user
    with tempfile.TemporaryFile() as output:
        bystander = user.start(["sleep", "60"], output)
    try:
        for stale in (data / "postmaster.pid", socket / ".s.PGSQL.5432.lock"):
            stale.write_text(f"{bystander.pid}\n{data}\n0\n5432\n{socket}\n\n\n")
        with open_cluster(home) as cluster:
            assert ask(cluster, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_server_whose_program_was_killed_is_adopted(home: Path) -> None:
    program = _program(home)
    postmaster = int(_line(program))
    program.kill()
    program.wait()
    with open_cluster(home) as cluster:
        assert cluster.postmaster() == postmaster
    assert not works(postmaster)


def test_programs_share_one_server_and_the_last_to_leave_stops_it(home: Path) -> None:
    with open_cluster(home) as cluster:
        program = _program(home)
        assert int(_line(program)) == cluster.postmaster()
        program.communicate("leave\n", timeout=30)
        assert program.returncode == 0
        assert ask(cluster, "SELECT 1") == 1
        program = _program(home)
        _line(program)
        postmaster = cluster.postmaster()
    assert works(postmaster)
    program.communicate("leave\n", timeout=30)
    assert not works(postmaster)


def test_two_programs_that_start_at_once_make_one_cluster(folder: Path) -> None:
    programs = [_program(folder / "home") for _ in range(2)]
    assert len({_line(program) for program in programs}) == 1
    for program in programs:
        program.communicate("leave\n", timeout=30)
        assert program.returncode == 0


def test_two_homes_are_two_servers(home: Path, made_home: Path) -> None:
    with open_cluster(home) as one, open_cluster(made_home) as two:
        write_note(one)
        assert one.postmaster() != two.postmaster()
        assert ask(two, "SELECT to_regclass('note') IS NULL") is True
        two.stop()
        assert ask(one, "SELECT text FROM note") == "kept"


def test_a_long_path_with_chinese_words_and_signs_works(folder: Path, made_home: Path) -> None:
    home = folder / "一张图, \"模拟市\" $HOME 'x' \\ %41" / ("long" * 25)
    home.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", made_home, home], check=True)
    with open_cluster(home) as cluster:
        assert ask(cluster, "SELECT 1") == 1
        assert cluster.folder.socket.parent == Path("/tmp")
        socket = cluster.folder.socket
    shutil.rmtree(socket)


def test_a_data_folder_of_another_version_is_refused(home: Path) -> None:
    with open_cluster(home) as cluster:
        data = cluster.folder.data
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(ClusterError, match="made by PostgreSQL 9"), open_cluster(home):
        pass


def test_a_server_that_cannot_start_says_why_in_one_line(home: Path) -> None:
    with open_cluster(home) as cluster:
        data = cluster.folder.data
    shutil.rmtree(data / "global")
    with (
        pytest.raises(ClusterError, match=r"did not start: .*global") as refusal,
        open_cluster(home),
    ):
        pass
    assert "\n" not in str(refusal.value)


@as_root
@as_root
@as_root
@as_root
def test_an_ordinary_user_runs_the_cluster_as_himself(folder: Path) -> None:
    (folder / "his").mkdir()
    os.chown(folder / "his", nobody().uid, nobody().gid)
    home = folder / "his" / "home"
    child = os.fork()
    if child == 0:  # our interpreter may lie where nobody else can start it: become him instead
        status = 1
        try:
            os.setgroups([])
            os.setgid(nobody().gid)
            os.setuid(nobody().uid)
            with open_cluster(home) as cluster:
                pid = cluster.postmaster()
                owner = Path(f"/proc/{pid}").stat().st_uid
                status = 0 if ask(cluster, "SELECT 1") == 1 and owner == nobody().uid else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert server_user(home / "db") == nobody()


def _program(home: Path) -> "subprocess.Popen[str]":
    """Another OneMap program over *home*: says its server's number, leaves when told."""
    script = """
        import sys
        from pathlib import Path
        from providers.cluster import open_cluster
        with open_cluster(Path(sys.argv[1])) as cluster:
            print(cluster.postmaster(), flush=True)
            sys.stdin.readline()
    """
    return subprocess.Popen(
        [sys.executable, "-c", dedent(script), home],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _line(program: "subprocess.Popen[str]") -> str:
    assert program.stdout is not None
    return program.stdout.readline()

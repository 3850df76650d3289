"""The PostgreSQL programs of this machine, the user they run as and the memory they may use."""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from providers.database import MINIMUM_POSTGRESQL, DatabaseError

MIN_POSTGRESQL = MINIMUM_POSTGRESQL // 10000
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# No PG* variable of ours reaches the server.
SERVER_ENVIRON = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
SYSTEM_USERS = ("postgres", "onemap")  # who runs the server when root starts it
FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "usr/lib/postgresql*/bin",
)
HOW_TO_INSTALL = "on Debian or Ubuntu: apt-get install postgresql postgis postgresql-postgis"


class ClusterError(DatabaseError):
    """The embedded database cannot be used; one plain sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """The folder of initdb and postgres, and what version they are."""

    folder: Path
    major: int
    postgis: bool  # False: no PostGIS was seen beside it (it may still be elsewhere)

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUser:
    """The operating system user the database server runs as."""

    name: str
    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        return self.uid == os.geteuid()

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run *command* as this user, in a clean environment, and collect what it says."""
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, **self._manner()
        )

    def start(self, command: Sequence[str | Path], output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start *command* as this user, in a session of its own: Ctrl-C is not for the server."""
        return subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self._manner(),
        )

    def _manner(self) -> dict[str, Any]:
        manner: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "cwd": "/",
            "env": SERVER_ENVIRON,
            "umask": 0o077,
        }
        if not self.is_me:
            manner |= {
                "user": self.uid,
                "group": self.gid,
                "extra_groups": os.getgrouplist(self.name, self.gid),
            }
        return manner


def find_binaries(major: int | None = None, *, root: Path = Path("/")) -> Binaries:
    """The newest PostgreSQL here with PostGIS, or that of the *major* which an old folder needs."""
    found = list(_installed(root))
    if major is not None:
        found = [b for b in found if b.major == major]
        if not found:
            raise ClusterError(
                f"The database folder was made by PostgreSQL {major}, which is not installed here; "
                f"install postgresql-{major} and postgresql-{major}-postgis-3."
            )
    usable = [b for b in found if b.major >= MIN_POSTGRESQL]
    if not usable:
        older = f" (found only {', '.join(str(b.major) for b in found)})" if found else ""
        raise ClusterError(
            f"PostgreSQL {MIN_POSTGRESQL} or newer is not installed{older}; {HOW_TO_INSTALL}, "
            "or name a server with ONEMAP_DATABASE_URL."
        )
    return max(usable, key=lambda b: (b.postgis, b.major))


def _installed(root: Path) -> Iterator[Binaries]:
    folders = [folder for pattern in FOLDERS for folder in sorted(root.glob(pattern))]
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    if config := shutil.which("pg_config"):
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        folders.append(Path(told.stdout.strip() or "/nonexistent"))
    for folder in dict.fromkeys(f.resolve() for f in folders):
        if not all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
            continue
        told = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=False
        )
        if version := re.search(r"\(PostgreSQL\) (\d+)", told.stdout):
            major = int(version[1])
            yield Binaries(folder=folder, major=major, postgis=_has_postgis(folder, major))


def _has_postgis(folder: Path, major: int) -> bool:
    """Whether the extension lies in one of the places packagers put it."""
    usr = folder.parents[2] if folder.parent.parent.name == "postgresql" else folder.parent
    shares = [
        usr.parent / "share/postgresql" / str(major),  # Debian: /usr/lib/postgresql/15/bin
        folder.parent / "share",
        folder.parent / "share/postgresql",
    ]
    return any((share / "extension/postgis.control").exists() for share in shares)


def server_user(data: Path) -> ServerUser:
    """Who runs the server over *data*: whoever started us, or for root an ordinary system user."""
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise ClusterError(
                f"The database folder {data} belongs to {_user_name(owner)}; start OneMap as that "
                "user or as root, or name another folder with ONEMAP_HOME."
            )
        return _user(os.geteuid())
    if owner:
        return _user(owner)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in SYSTEM_USERS:
        if name in known and known[name].pw_uid != 0:
            return ServerUser(name=name, uid=known[name].pw_uid, gid=known[name].pw_gid)
    return _create_user(SYSTEM_USERS[-1])


def reachable(path: Path, user: ServerUser) -> bool:
    """Whether *user* can walk to *path*, or to as much of it as exists."""
    present = next(p for p in (path, *path.parents) if p.is_dir())
    return user.is_me or user.run(["test", "-x", present]).returncode == 0


def available_memory(root: Path = Path("/")) -> int:
    """Bytes of memory we may use: the machine's, or less where a control group says so."""
    total = re.search(r"^MemTotal:\s+(\d+) kB", (root / "proc/meminfo").read_text(), re.M)
    limits = [int(total[1]) * 1024] if total else []
    groups = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            mounts, name = [groups, groups / "unified"], "memory.max"
        elif "memory" in controllers.split(","):
            mounts, name = [groups / "memory"], "memory.limit_in_bytes"
        else:
            continue
        inner = Path(path.lstrip("/"))
        for mount in mounts:
            for folder in (inner, *inner.parents):  # a limit of a parent binds too
                try:
                    text = (mount / folder / name).read_text().strip()
                except OSError:
                    continue
                if text.isdigit():  # "max": none
                    limits.append(int(text))
    return min(limits)


def _user(uid: int) -> ServerUser:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise ClusterError(
            f"User {uid} has no entry in /etc/passwd, without which PostgreSQL does not start."
        ) from None
    return ServerUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _user_name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return f"user {uid}"


def _create_user(name: str) -> ServerUser:
    """A system user for the server, which PostgreSQL refuses to run as root."""
    useradd = shutil.which("useradd", path=SYSTEM_PATH)
    made = useradd and subprocess.run(
        [
            useradd,
            "--system",
            "--user-group",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            name,
        ],
        capture_output=True,
        check=False,
    )
    if not made or made.returncode != 0:
        raise ClusterError(
            "PostgreSQL does not run as root and there is no system user for it; create one named "
            f"{name}, or start OneMap as an ordinary user."
        )
    return _user(pwd.getpwnam(name).pw_uid)

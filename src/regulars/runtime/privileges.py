"""As whom PostgreSQL runs. It refuses to be root, so root hands over to another user, see docs/decisions/002."""

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from regulars.kernel.errors import RegularsError

# Linux capability numbers, from linux/capability.h
_CHOWN, _DAC_OVERRIDE, _DAC_READ_SEARCH, _SETGID, _SETUID, _SETPCAP = 0, 1, 2, 6, 7, 8


class PrivilegesError(RegularsError):
    """Root cannot hand PostgreSQL over to a user that may run it."""

    code: ClassVar[str] = "privileges"


@dataclass(frozen=True)
class ServerUser:
    """The user that owns and runs the server, and the command prefix that turns root into it.

    For anybody but root the server user is the caller and the prefix is empty.
    """

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def give(self, path: Path) -> None:
        """Make the server user the owner of `path`."""
        if self.prefix:
            os.chown(path, self.uid, self.gid)


def server_user(*, data_directory: Path, program: Path) -> ServerUser:
    """Return the user who is to run `program` on `data_directory`.

    Root runs it as the owner of an existing cluster, or as `nobody`. The server gets no capability if it
    reaches the program and the folder by itself; otherwise read-only passage through folders that are closed to it,
    and only where a container has taken that one away, the wider right to override permissions.

    Raises:
        PrivilegesError: We are root and may not, or cannot, become that user.
    """
    if os.geteuid() != 0:
        return ServerUser(uid=os.geteuid(), gid=os.getegid())
    if sys.platform == "darwin":
        message = "PostgreSQL refuses to run as root; run regulars as an ordinary user, or set DATABASE_URL"
        raise PrivilegesError(message)
    owner = _owner(data_directory)
    ours = _effective_capabilities()
    if not {_CHOWN, _SETUID, _SETGID} <= ours:
        message = (
            "PostgreSQL refuses to run as root, and this container's root may not change to another user "
            "(it lacks CAP_CHOWN, CAP_SETUID or CAP_SETGID); run as an ordinary user, or set DATABASE_URL"
        )
        raise PrivilegesError(message)
    if not shutil.which("setpriv"):
        message = (
            "PostgreSQL refuses to run as root, and the program setpriv, which would start it as another user, "
            "is missing; install util-linux, run as an ordinary user, or set DATABASE_URL"
        )
        raise PrivilegesError(message)
    folder = data_directory if data_directory.exists() else data_directory.parent
    choices: list[tuple[str, ...]] = [()]
    if _DAC_READ_SEARCH in ours:
        choices.append(("dac_read_search",))
    if _DAC_OVERRIDE in ours:
        choices.append(("dac_override",))
    for capabilities in choices:
        prefix = _setpriv(owner, capabilities, may_bound=_SETPCAP in ours)
        if _reaches(prefix, program=program, folder=folder):
            return ServerUser(uid=owner.pw_uid, gid=owner.pw_gid, prefix=prefix)
    message = (
        f"user {owner.pw_name}, as whom root starts PostgreSQL, cannot reach {program} and {folder}; "
        "open those folders to it, choose another folder with --home, or set DATABASE_URL"
    )
    raise PrivilegesError(message)


def _owner(data_directory: Path) -> pwd.struct_passwd:
    nobody = pwd.getpwnam("nobody")
    if not data_directory.exists():
        return nobody
    uid = data_directory.stat().st_uid
    if uid in {0, nobody.pw_uid}:
        return nobody
    try:
        return pwd.getpwuid(uid)
    except KeyError as error:
        message = f"{data_directory} belongs to user number {uid}, who does not exist on this system"
        raise PrivilegesError(message) from error


def _effective_capabilities() -> frozenset[int]:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            mask = int(line.split()[1], 16)
            return frozenset(bit for bit in range(64) if mask >> bit & 1)
    return frozenset()


def _setpriv(user: pwd.struct_passwd, capabilities: tuple[str, ...], *, may_bound: bool) -> tuple[str, ...]:
    kept = "".join(f",+{name}" for name in capabilities)
    return (
        "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--no-new-privs",
        f"--inh-caps=-all{kept}", f"--ambient-caps=-all{kept}",
        *([f"--bounding-set=-all{kept}"] if may_bound else []),
    )  # fmt: skip


def _reaches(prefix: tuple[str, ...], *, program: Path, folder: Path) -> bool:
    # Tried out rather than asked: access(2) leaves capabilities out of account.
    return all(
        subprocess.run([*prefix, *command], capture_output=True, cwd="/", check=False).returncode == 0
        for command in ((program, "--version"), ("stat", f"{folder}/."))
    )

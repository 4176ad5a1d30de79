"""The home folder: where one installation keeps everything it owns."""

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from regulars.kernel.errors import RegularsError
from regulars.runtime import environment

# Bytes that fit into sockaddr_un.sun_path beside its closing zero.
_SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107
_SOCKET_NAME = ".s.PGSQL.5432"


class HomeError(RegularsError):
    """The home folder cannot be used."""

    code: ClassVar[str] = "home"


@dataclass(frozen=True)
class Home:
    """The folders and files under `REGULARS_HOME`."""

    root: Path

    @property
    def postgres(self) -> Path:
        """The private PostgreSQL's data directory."""
        return self.root / "postgres"

    @property
    def sockets(self) -> Path:
        """The private PostgreSQL's Unix socket folder: the one place that says where it is.

        It lies in the home folder. Where that path cannot be a socket's, the first start makes a short private
        folder and records it here.
        """
        folder = self.root / "run"
        if _can_hold_socket(folder):
            return folder
        try:
            return Path(self.short_sockets_record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return folder

    @property
    def sockets_fit(self) -> bool:
        """Whether the system accepts a socket in `sockets`."""
        return _can_hold_socket(self.sockets)

    @property
    def short_sockets_record(self) -> Path:
        """Names the socket folder of a home whose own path cannot hold one."""
        return self.root / "run.path"

    @property
    def facts(self) -> Path:
        """Parquet facts."""
        return self.root / "facts"

    @property
    def uploads(self) -> Path:
        """Files that people imported."""
        return self.root / "uploads"

    @property
    def privacy(self) -> Path:
        """What must outlive a restored backup: who was erased, who opted out, and the key that hides them."""
        return self.root / "privacy"

    @property
    def metrics(self) -> Path:
        """Counters that the web processes of the running server share."""
        return self.root / "metrics"

    def prepare(self) -> None:
        """Make the folders. What holds customers' data can be opened by its owner only.

        Raises:
            HomeError: The folder belongs to somebody else, is no folder, or cannot be written.
        """
        # Root's private PostgreSQL runs as another user, who must pass through, though not look around.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        try:
            self.root.mkdir(mode=mode, parents=True, exist_ok=True)
            owner = self.root.stat().st_uid
            if os.geteuid() not in {0, owner}:
                message = (
                    f"home folder {self.root} belongs to user {owner} and you are user {os.geteuid()}; "
                    "run as that user, or choose another folder with --home"
                )
                raise HomeError(message, home=str(self.root))
            for folder in (self.facts, self.uploads, self.privacy, self.metrics):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            message = (
                f"home folder {self.root} cannot be used: {error.strerror}; "
                "make it writable, or choose another folder with --home"
            )
            raise HomeError(message, home=str(self.root)) from error

    def secret_key(self) -> str:
        """Return the installation's secret, made on first use and readable only by its owner."""
        return self._secret(self.root / "secret.key")

    def privacy_key(self) -> str:
        """Return the key under which erased people are told apart; another than the secret, which may be changed."""
        return self._secret(self.privacy / "digest.key")

    def _secret(self, path: Path) -> str:
        self.prepare()
        # Written aside and linked into place, so that nobody ever reads half a secret.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            if not path.exists():
                descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(secrets.token_urlsafe(48))
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.link(draft, path)
                except FileExistsError:
                    pass  # another process was first, and its secret counts
                finally:
                    draft.unlink()
            return path.read_text(encoding="ascii")
        except OSError as error:
            message = f"{path} cannot be used: {error.strerror}"
            raise HomeError(message, home=str(self.root)) from error


def home_from_environment() -> Home:
    """Return `REGULARS_HOME`, or the usual data folder of this system's user."""
    chosen = environment.HOME.value
    if chosen:
        return Home(Path(chosen).expanduser().resolve())
    if os.geteuid() == 0:
        return Home(Path("/var/lib/regulars"))
    if sys.platform == "darwin":
        return Home(Path.home() / "Library" / "Application Support" / "Regulars")
    data = environment.XDG_DATA_HOME.value
    return Home((Path(data) if data else Path.home() / ".local" / "share") / "regulars")


def _can_hold_socket(folder: Path) -> bool:
    # A comma separates several hosts in a connection string, and nothing escapes it.
    return len(os.fsencode(folder / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES and "," not in str(folder)

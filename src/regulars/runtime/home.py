"""The home folder: where one installation keeps everything it owns."""

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path


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
        """The private PostgreSQL's Unix socket folder."""
        return self.root / "run"

    @property
    def facts(self) -> Path:
        """Parquet facts."""
        return self.root / "facts"

    @property
    def uploads(self) -> Path:
        """Files that people imported."""
        return self.root / "uploads"

    def secret_key(self) -> str:
        """Return the installation's secret, made on first use and readable only by its owner."""
        path = self.root / "secret.key"
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text(encoding="ascii")
        secret = secrets.token_urlsafe(48)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret)
        return secret


def home_from_environment() -> Home:
    """Return `REGULARS_HOME`, or the usual data folder of this system's user."""
    chosen = os.environ.get("REGULARS_HOME")
    if chosen:
        return Home(Path(chosen).expanduser().resolve())
    if os.geteuid() == 0:
        return Home(Path("/var/lib/regulars"))
    if sys.platform == "darwin":
        return Home(Path.home() / "Library" / "Application Support" / "Regulars")
    data = os.environ.get("XDG_DATA_HOME")
    return Home((Path(data) if data else Path.home() / ".local" / "share") / "regulars")

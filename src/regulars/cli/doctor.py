"""`regulars doctor`: looks at everything an installation needs, and says how to mend what is wrong."""

import json
import shutil
import smtplib
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from regulars.cli.app import app
from regulars.cli.installation import LEAST_SERVER_VERSION, missing_migrations, open_installation
from regulars.kernel.errors import RegularsError
from regulars.runtime import environment
from regulars.runtime.home import Home, home_from_environment

_GIB = 1024**3
_SCARCE_BYTES = 5 * _GIB
_TOO_LITTLE_BYTES = 1 * _GIB
_SKEW_WARN_SECONDS, _SKEW_FAIL_SECONDS = 2.0, 60.0
_HEARTBEAT_WARN_SECONDS = 30.0
_WAITING_WARN_SECONDS = 300.0
_MAIL_SECONDS = 10


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report. `mend` is empty where there is nothing to mend."""

    check: str
    verdict: Verdict
    found: str
    mend: str = ""


@app.command("doctor")
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check the installation and say how to mend it. Exits with 1 if a check fails."""
    findings = list(examine(home_from_environment(), now=datetime.now(UTC)))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        _print(findings)
    if any(finding.verdict == Verdict.FAIL for finding in findings):
        raise typer.Exit(1)


def examine(home: Home, *, now: datetime) -> Iterator[Finding]:
    """Yield a finding for every check, in the order in which things depend on each other.

    Without a database the checks that ask it are left out; nothing is migrated or changed.
    """
    yield _home(home)
    yield _disk(home)
    try:
        open_installation(migrate=False)
        yield _server_version()
    except RegularsError as error:
        yield Finding(
            "database", Verdict.FAIL, str(error), "mend this first; what depends on it was not checked"
        )
        return
    yield _migrations()
    yield _checksums()
    yield _clock(now)
    yield _worker()
    yield from _jobs()
    yield _static_files()
    yield _mail()
    yield _hosts()


def _home(home: Home) -> Finding:
    try:
        home.prepare()
    except RegularsError as error:
        return Finding("home", Verdict.FAIL, str(error), "see above")
    open_to_others = [
        path.name
        for path in (home.facts, home.uploads, home.root / "secret.key")
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if open_to_others:
        names = ", ".join(open_to_others)
        return Finding(
            "home",
            Verdict.FAIL,
            f"{names} in {home.root} can be read by other users",
            f"chmod go-rwx {names}",
        )
    return Finding("home", Verdict.OK, str(home.root))


def _disk(home: Home) -> Finding:
    place = home.root if home.root.exists() else home.root.parent
    free = shutil.disk_usage(place).free
    found = f"{free / _GIB:.1f} GB free at {home.root}"
    if free < _TOO_LITTLE_BYTES:
        return Finding("disk", Verdict.FAIL, found, "make room now; the database stops when the disk is full")
    if free < _SCARCE_BYTES:
        return Finding("disk", Verdict.WARN, found, "make room soon")
    return Finding("disk", Verdict.OK, found)


def _server_version() -> Finding:
    version = _one("SHOW server_version")
    number = int(str(_one("SHOW server_version_num"))) // 10_000
    kind = "at DATABASE_URL" if environment.DATABASE_URL.is_set else "private"
    if number < LEAST_SERVER_VERSION:
        return Finding(
            "database",
            Verdict.FAIL,
            f"PostgreSQL {version}, {kind}",
            f"upgrade it to {LEAST_SERVER_VERSION} or newer",
        )
    return Finding("database", Verdict.OK, f"PostgreSQL {version}, {kind}")


def _migrations() -> Finding:
    try:
        missing = missing_migrations()
    except RegularsError as error:
        return Finding("tables", Verdict.FAIL, str(error), "install the newer Regulars")
    if missing:
        return Finding(
            "tables",
            Verdict.FAIL,
            f"{len(missing)} migrations are missing",
            "any command applies them, such as `regulars serve`",
        )
    return Finding("tables", Verdict.OK, "every migration is applied")


def _checksums() -> Finding:
    if _one("SHOW data_checksums") == "on":
        return Finding("checksums", Verdict.OK, "data checksums are on")
    return Finding(
        "checksums",
        Verdict.WARN,
        "data checksums are off, a failing disk would go unnoticed",
        "stop the server and run `pg_checksums --enable`",
    )


def _clock(now: datetime) -> Finding:
    there = _one("SELECT clock_timestamp()")
    skew = abs((there - datetime.now(UTC)).total_seconds()) if isinstance(there, datetime) else 0.0
    found = f"{skew:.1f} s between this machine ({now:%Y-%m-%d %H:%M} UTC) and the database"
    mend = "let both follow a time server (NTP)"
    if skew > _SKEW_FAIL_SECONDS:
        return Finding("clock", Verdict.FAIL, found, mend)
    if skew > _SKEW_WARN_SECONDS:
        return Finding("clock", Verdict.WARN, found, mend)
    return Finding("clock", Verdict.OK, found)


def _worker() -> Finding:
    age = _one("SELECT extract(epoch FROM now() - max(last_heartbeat))::float FROM procrastinate_workers")
    mend = "start `regulars serve`, or `regulars worker` beside `regulars web`"
    if age is None:
        return Finding("worker", Verdict.WARN, "no worker runs, so no job is done", mend)
    if float(str(age)) > _HEARTBEAT_WARN_SECONDS:
        return Finding("worker", Verdict.WARN, f"last sign of a worker {float(str(age)):.0f} s ago", mend)
    return Finding("worker", Verdict.OK, f"last sign of a worker {float(str(age)):.0f} s ago")


def _jobs() -> Iterator[Finding]:
    due = "status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())"
    waiting = _one(f"SELECT count(*) FROM procrastinate_jobs WHERE {due}")  # noqa: S608  our own words
    oldest = _one(
        "SELECT extract(epoch FROM now() - min(event.at))::float FROM procrastinate_events AS event "  # noqa: S608  our own words
        f"JOIN procrastinate_jobs AS job ON job.id = event.job_id WHERE event.type = 'deferred' AND job.{due}"
    )
    if oldest is not None and float(str(oldest)) > _WAITING_WARN_SECONDS:
        found = f"{waiting} jobs wait, the oldest for {float(str(oldest)) / 60:.0f} minutes"
        yield Finding("queue", Verdict.WARN, found, "see that a worker runs; a long import may keep it busy")
    else:
        yield Finding("queue", Verdict.OK, f"{waiting} jobs wait")
    failed = _one(
        "SELECT count(DISTINCT job.id) FROM procrastinate_jobs AS job JOIN procrastinate_events AS event "
        "ON event.job_id = job.id WHERE job.status = 'failed' AND event.type = 'failed' "
        "AND event.at > now() - interval '1 day'"
    )
    if failed:
        found = f"{failed} jobs failed in the last day"
        yield Finding("failed jobs", Verdict.WARN, found, "their errors stand in the log of the worker")
    else:
        yield Finding("failed jobs", Verdict.OK, "none in the last day")


def _static_files() -> Finding:
    from django.contrib.staticfiles import finders  # noqa: PLC0415  needs the settings

    if finders.find("console/manifest.json"):
        return Finding("pages", Verdict.OK, "style sheets and scripts are built")
    return Finding(
        "pages",
        Verdict.FAIL,
        "style sheets and scripts are not built",
        "install the package anew; in a checkout run `uv sync --reinstall-package regulars`",
    )


def _mail() -> Finding:
    from django.conf import settings  # noqa: PLC0415

    host, port = settings.EMAIL_HOST, settings.EMAIL_PORT
    if not host:
        return Finding(
            "mail", Verdict.WARN, "no mail server, messages are printed to the log", "set REGULARS_SMTP_HOST"
        )
    mend = "check the REGULARS_SMTP_ settings against what your mail provider names"
    try:
        with smtplib.SMTP(host, port, timeout=_MAIL_SECONDS) as server:
            server.ehlo()
            if settings.EMAIL_USE_TLS:
                server.starttls()
                server.ehlo()
            if settings.EMAIL_HOST_USER:
                server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
    except (OSError, smtplib.SMTPException) as error:
        return Finding("mail", Verdict.FAIL, f"{host}:{port} does not take our mail: {error}", mend)
    encrypted = "encrypted" if settings.EMAIL_USE_TLS else "not encrypted"
    if not settings.EMAIL_USE_TLS and host not in {"localhost", "127.0.0.1", "::1"}:
        return Finding(
            "mail", Verdict.WARN, f"{host}:{port} answers, {encrypted}", "set REGULARS_SMTP_TLS to 1"
        )
    return Finding("mail", Verdict.OK, f"{host}:{port} answers, {encrypted}")


def _hosts() -> Finding:
    hosts = environment.HOSTS.value
    if "*" in hosts:
        return Finding("hosts", Verdict.WARN, "any host name is accepted", "list your own in REGULARS_HOSTS")
    public = [host for host in hosts if host not in {"localhost", "127.0.0.1", "[::1]"}]
    if public and not environment.TLS.value:
        return Finding(
            "hosts",
            Verdict.WARN,
            f"{', '.join(public)} is served without TLS, passwords pass in the clear",
            "put a proxy with TLS in front and set REGULARS_TLS to 1",
        )
    return Finding("hosts", Verdict.OK, ", ".join(hosts))


def _one(statement: str) -> object:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


_COLOURS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def _print(findings: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        colour = _COLOURS[finding.verdict]
        console.print(f"[{colour}]{finding.verdict:<5}[/]{finding.check:<12} {escape(finding.found)}")
        if finding.mend:
            console.print(f"{'':<17} {escape(finding.mend)}", style="dim")

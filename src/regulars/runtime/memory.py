"""How much memory is left: of the machine, and of the container or service that this process runs in."""

from pathlib import Path

_MACHINE = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def available_bytes(*, machine: Path = _MACHINE, group: Path = _GROUP) -> int | None:
    """Return how much more may be taken before somebody is killed for it; None where nobody tells (not on Linux).

    Args:
        machine: The kernel's account of the machine.
        group: The control group (version 2) of this process.
    """
    told = []
    if machine.exists():
        lines = dict(line.split(":", 1) for line in machine.read_text().splitlines() if ":" in line)
        told.append(int(lines["MemAvailable"].split()[0]) * 1024)
    limit, held, files = group / "memory.max", group / "memory.current", group / "memory.stat"
    if limit.exists() and (most := limit.read_text().strip()) != "max":
        # Files that are only cached make way.
        cached = dict(line.split() for line in files.read_text().splitlines()).get("inactive_file", "0")
        told.append(int(most) - int(held.read_text()) + int(cached))
    return min(told, default=None)

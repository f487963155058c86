"""CPU and memory of programs, read from /proc. Law: a program is its pid and everything that it started."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Used:
    """What a pid has used: CPU seconds since it began, and the parent that started it."""

    parent: int
    cpu: float


def used_by_all() -> dict[int, Used]:
    """Every pid of the machine."""
    found: dict[int, Used] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(folder.name)] = Used(int(fields[1]), (int(fields[11]) + int(fields[12])) * TICK)
    return found


def family(pid: int, everyone: Mapping[int, Used]) -> set[int]:
    """The pid and its descendants."""
    members = {pid}
    grown = True
    while grown:
        more = {each for each, used in everyone.items() if used.parent in members} - members
        members |= more
        grown = bool(more)
    return members


def cpu_seconds(programs: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds by name; what a program started counts as `NAME's children`, where there is any."""
    everyone = used_by_all()
    found: dict[str, float] = {}
    for name, pid in programs.items():
        found[name] = everyone[pid].cpu if pid in everyone else 0.0
        children = family(pid, everyone) - {pid}
        if children:
            found[f"{name}'s children"] = sum(everyone[child].cpu for child in children)
    return found


def machine_seconds() -> float:
    """CPU seconds that the whole machine has spent on anyone, all cores together, and those stolen from it."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(
        int, (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) * TICK


def anonymous_bytes(pid: int) -> int:
    """What a pid and its descendants hold in memory that is no file's; what they share counts once.

    Pages of files, such as those of etcd's database, are the kernel's to drop: a leak shows here.
    """
    total = 0
    for each in family(pid, used_by_all()):
        try:
            text = (PROC / str(each) / "smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss_Anon:")) * 1024
    return total

"""What a run found, as a table for people and as JSON. Law: what is missing says why; a spread stands by its median."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path
from statistics import median

from bench.drive import Figure
from bench.goals import GOALS, Goal, Rounds, rate
from bench.rows import Row

GENERATOR_FULL = 0.9


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the rows that were asked for, their rounds, and why some have none."""

    machine: Mapping[str, object]
    rows: Sequence[Row]
    rounds: Mapping[str, Sequence[Figure]]
    missing: Mapping[str, str]
    warm_up: float
    window: float


def write(run: Run, path: Path) -> None:
    """The whole run as JSON, each round of each row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        asdict(row)
        | {"missing": run.missing.get(row.name), "rounds": [asdict(each) for each in run.rounds.get(row.name, ())]}
        for row in run.rows
    ]
    goals = [
        {"name": goal.name, "rows": goal.rows, "bound": goal.enough, "aim": goal.aim, "ratios": goal.of(run.rounds)}
        for goal in GOALS
    ]
    found = {"machine": run.machine, "warm_up_s": run.warm_up, "window_s": run.window, "rows": rows, "goals": goals}
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def table(run: Run) -> Iterator[str]:
    """The lines of the table."""
    yield "  ".join(f"{name} {value}" for name, value in run.machine.items())
    many = max((len(figures) for figures in run.rounds.values()), default=0)
    yield f"{many} rounds of {run.window:g} s each, after {run.warm_up:g} s of warming up"
    yield "medians of the rounds; spread is (max - min) / median"
    yield ""
    yield f"{'row':<27}{'ops/s':>9}{'spread':>8}{'p50 ms':>9}{'p99 ms':>9}  CPU, µs an operation (cores)"
    for row in run.rows:
        yield from _row(row, run)
    yield ""
    yield f"{'goal':<50}{'ratio':>8}{'at least':>10}{'aim':>8}  (from - to)"
    yield from map(_goal, GOALS, repeat(run.rounds))


def _goal(goal: Goal, rounds: Rounds) -> str:
    ratios = goal.of(rounds)
    bounds = f"{'at most ' if goal.smaller else ''}{goal.enough:g}"
    if not ratios:
        return f"{goal.name:<50}{'-':>8}{bounds:>10}{goal.aim:>8g}  not measured"
    between = f"({min(ratios):.2f} - {max(ratios):.2f})"
    middle = median(ratios)
    return f"{goal.name:<50}{middle:>8.2f}{bounds:>10}{goal.aim:>8g}  {between} {goal.verdict(middle)}"


def _row(row: Row, run: Run) -> Iterator[str]:
    figures = run.rounds.get(row.name, ())
    missing = run.missing.get(row.name) or _not_served(figures)
    if missing or not figures:
        yield f"{row.name:<27}  {missing or 'NOT RUN'}"
    else:
        middle = rate(figures)
        spread = (max(each.rate for each in figures) - min(each.rate for each in figures)) / middle if middle else 0.0
        latency = f"{_ms(figures, 'p50'):>9}{_ms(figures, 'p99'):>9}"
        yield f"{row.name:<27}{middle:>9,.0f}{spread:>8.0%}{latency}  {_cpu(figures)}"
    yield f"{'':<27}  {row.what}: {row.consistency}"
    if (busy := max((each.share.get("generator 1", 0.0) for each in figures), default=0.0)) > GENERATOR_FULL:
        yield f"{'':<27}  the generator had {busy:.2f} of a core: it may be what limits this row"
    if failures := _failures(figures):
        yield f"{'':<27}  FAILURES: {failures}"


def _not_served(figures: Sequence[Figure]) -> str:
    served = any(each.count for each in figures) or not any("UNIMPLEMENTED" in each.failures for each in figures)
    return "" if served else "NOT SERVED (UNIMPLEMENTED)"


def _ms(figures: Sequence[Figure], which: str) -> str:
    return f"{median(getattr(each, which) for each in figures) * 1000:.2f}"


def _cpu(figures: Sequence[Figure]) -> str:
    """By program: what an operation costs it, and what share of a core it had."""
    names = dict.fromkeys(name for each in figures for name in each.cpu)
    told: list[str] = []
    for name in names:
        cost = median(each.cpu.get(name, 0.0) for each in figures)
        share = median(each.share.get(name, 0.0) for each in figures)
        if share >= 0.005:
            told.append(f"{name} {cost:.0f} ({share:.2f})")
    told.append(f"others ({median(each.others for each in figures):.2f})")
    return " · ".join(told)


def _failures(figures: Sequence[Figure]) -> str:
    found: dict[str, int] = {}
    for each in figures:
        for reason, many in each.failures.items():
            found[reason] = found.get(reason, 0) + many
    return ", ".join(f"{many} of {reason}" for reason, many in found.items())

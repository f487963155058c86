"""What a run of `make bench-scale` found, as tables. Law: each figure of many stands beside that of few."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

BOUND = 1.3
PROGRAMS = ("dispatcher", "dispatcher's children", "objectstore", "etcd")


def report(found: Mapping[str, Any]) -> Iterator[str]:
    """The lines; `found` is bench.scale.Found as a dict."""
    few, many = found["objects"]["few"], found["objects"]["many"]
    yield "  ".join(f"{name} {value}" for name, value in found["machine"].items())
    yield f"{many:,} objects beside {few:,}, ten methods shared through two prototypes; medians of the rounds"
    yield ""
    yield from _sends(found["sends"])
    yield ""
    yield from _ratios(found["sends"])
    yield from _lookups(found["lookups"])
    yield ""
    yield from _touched(found["touched"])
    yield ""
    yield f"{'start-up, s from its start':<34}{'few: ready':>12}{'answered':>10}{'many: ready':>14}{'answered':>10}"
    for program, each in found["started"]["few"].items():
        other = found["started"]["many"][program]
        times = f"{each['ready']:>12.2f}{each['answered']:>10.2f}{other['ready']:>14.2f}{other['answered']:>10.2f}"
        yield f"{program:<34}{times}"
    yield f"(the restore that filled them took {found['filled']['few']:.1f} and {found['filled']['many']:.1f} s)"
    yield ""
    yield f"{'a request':<34}{'few: ms':>12}{'many: ms':>12}  CPU with many, ms: objectstore, etcd (with few)"
    for name in ("listed", "changed"):
        for what, each in found[name]["few"].items():
            yield _cost(
                f"{name[:-2].rstrip('t')}: {what}" if name == "changed" else f"list: {what}",
                each,
                found[name]["many"][what],
            )
    yield ""
    for name, each in found["activated"].items():
        yield (
            f"activation, {name}: answered by it after {each['seen_s'] * 1000:.1f} ms; CPU of the dispatcher a message"
            f" {each['before_us']:.0f} µs before, {each['after_us']:.0f} µs right after; {each['old']} by the old one"
        )
    for name, each in found["previewed"].items():
        used = ", ".join(f"{program} {each['cpu'].get(program, 0.0):.2f}" for program in ("objectstore", "etcd"))
        yield f"preview, {name}: {each['seconds']:.2f} s, CPU s: {used}; {each['told']}"


def _sends(sends: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    heads = "".join(f"{name:>22}" for name in PROGRAMS)
    yield f"{'64 in flight, unary':<20}{'ops/s':>8}{'p50 ms':>9}{'p99 ms':>9}  CPU, µs a send:{heads}"
    for name, rounds in sends.items():
        cells = "".join(f"{_cpu(rounds, program):>22.0f}" for program in PROGRAMS)
        failures = sum(sum(each["failures"].values()) for each in rounds)
        latency = "".join(f"{_middle(rounds, which) * 1000:>9.2f}" for which in ("p50", "p99"))
        row = f"{name:<20}{_middle(rounds, 'rate'):>8,.0f}{latency}  {'':<15}{cells}"
        yield row + (f"  FAILURES: {failures}" if failures else "")


def _ratios(sends: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    heads = "".join(f"{name:>22}" for name in ("the three together", *PROGRAMS))
    yield f"{'ratio to few, bound ' + str(BOUND):<24}{'time a send':>12}  CPU a send:{heads}"
    for name, rounds in sends.items():
        kind, which = name.split()
        if which == "few":
            continue
        pairs = list(zip(rounds, sends[f"{kind} few"], strict=True))
        time = median(few["rate"] / many["rate"] for many, few in pairs)
        whole = median(_all(many) / _all(few) for many, few in pairs)
        parts = [median(_ratio(many, few, program) for many, few in pairs) for program in PROGRAMS]
        verdict = "held" if whole <= BOUND else "NOT HELD"
        yield f"{name:<24}{time:>12.2f}  {'':<11}{whole:>22.2f}{''.join(f'{each:>22.2f}' for each in parts)}  {verdict}"


def _lookups(lookups: Mapping[str, Sequence[float]]) -> Iterator[str]:
    for which in ("first", "all"):
        ratio = median(many / few for many, few in zip(lookups[which], lookups["few"], strict=True))
        costs = f"{median(lookups['few']):.2f} µs among few, {median(lookups[which]):.2f} µs"
        yield f"{'lookup ' + which:<24}{ratio:>12.2f}  {costs}  {'held' if ratio <= BOUND else 'NOT HELD'}"


def _touched(touched: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    head = "CPU, µs: dispatcher, objectstore, etcd; memory grown, bytes an object"
    yield f"{'first message to each object':<34}{'a second':>10}  {head}"
    for name, each in touched.items():
        cpu = ", ".join(f"{each['cpu'][program]:.0f}" for program in ("dispatcher", "objectstore", "etcd"))
        grown = ", ".join(f"{program} {size:,.0f}" for program, size in each["grown"].items())
        yield f"{name:<34}{each['rate']:>10,.0f}  {cpu}; {grown}"


def _cost(what: str, few: Mapping[str, Any], many: Mapping[str, Any]) -> str:
    used = ", ".join(f"{many['cpu'][program]:.2f} ({few['cpu'][program]:.2f})" for program in ("objectstore", "etcd"))
    return f"{what:<34}{few['ms']:>12.2f}{many['ms']:>12.2f}  {used}"


def _middle(rounds: Sequence[Mapping[str, Any]], which: str) -> float:
    return median(each[which] for each in rounds)


def _cpu(rounds: Sequence[Mapping[str, Any]], program: str) -> float:
    return median(each["cpu"].get(program, 0.0) for each in rounds)


def _all(figure: Mapping[str, Any]) -> float:
    return sum(figure["cpu"].get(program, 0.0) for program in PROGRAMS)


def _ratio(many: Mapping[str, Any], few: Mapping[str, Any], program: str) -> float:
    return many["cpu"].get(program, 0.0) / few["cpu"][program] if few["cpu"].get(program) else 1.0

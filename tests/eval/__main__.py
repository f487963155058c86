"""`python -m eval`: how good are the methods that a model writes? Law: docs/EVALUATION.md has no figure from elsewhere.

Without --url the small model runs here. Answers are kept below build/eval, by model: a run that was broken off goes on.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from activation.run import Activator
from batos.local.child import Child, Program, says_ready
from chassis.telemetry import Telemetry
from eval import report
from eval.answers import Answers
from eval.judge import Outcome
from eval.runs import Bench, run
from eval.tasks import HALVES, is_as_set_aside, load
from eval.ways import WAYS
from sandbox.host import Sandbox
from synthesizer.endpoints import Patience

TURN_SECONDS = 600.0  # patience with a small machine


async def main(arguments: argparse.Namespace) -> int:
    """Write and judge; 1 where the half that was set aside is not as it was."""
    if not is_as_set_aside():
        sys.stderr.write("tests/eval/held_out.json is not the half that was set aside: see held_out.sha256\n")
        return 1
    out: Path = arguments.out
    ways = [way for way in WAYS if not arguments.ways or way.name in arguments.ways]
    done: list[Outcome] = []
    async with _endpoint(arguments) as url, Sandbox(roots=2) as sandbox:
        answers = Answers(url, out / "answers.jsonl", telemetry=Telemetry.off(), patience=Patience(TURN_SECONDS))
        async with answers:
            for half in arguments.halves:
                bench = Bench(answers, Activator(sandbox, Telemetry.off()), half)
                tasks = load(half)[: arguments.limit]
                for number, task in enumerate(tasks, 1):
                    for way in ways:
                        outcome = await run(bench, task, way)
                        done.append(outcome)
                        print(f"{half} {number}/{len(tasks)} {_line(outcome)}", flush=True)
                (out / "outcomes.json").write_text(json.dumps([asdict(each) for each in done], indent=1))
    for half in arguments.halves:
        _tell(half, [each for each in done if each.half == half])
    (out / "tokens.svg").write_text(report.plot(done))
    return 0


def _tell(half: str, outcomes: Sequence[Outcome]) -> None:
    print(f"\n## {half}\n")
    print("\n".join(report.table(outcomes)))
    service = [each for each in outcomes if each.way == "service"]
    print("\n" + "\n".join(report.by_group(service)))
    print("\n" + "\n".join(report.wrong(outcomes)))
    print("\n" + "\n".join(report.missed(service)))


def _line(outcome: Outcome) -> str:
    state = "WRONG" if outcome.wrong else "right" if outcome.installed else "none"
    first = "first" if outcome.first_right else "-"
    return (
        f"{outcome.way:14} {outcome.task:18} {state:6} {first:6} drafts {outcome.drafts:2} "
        f"tokens {outcome.tokens:5} {outcome.seconds:5.1f} s {outcome.failure[:100]}"
    )


@asynccontextmanager
async def _endpoint(arguments: argparse.Namespace) -> AsyncGenerator[str]:
    """Where the model is: at --url, or run here."""
    if arguments.url:
        yield arguments.url
        return
    command = (sys.executable, "-m", "batos.local.model", "--model", arguments.model)
    print(f"starting the model {arguments.model} here", flush=True)
    child = await Child.start(Program("model", command, {}), arguments.out, says_ready)
    try:
        yield f"http://{child.address}"
    finally:
        await child.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make eval", description=__doc__)
    parser.add_argument(
        "--url", default="", help="server of /v1/chat/completions to judge; none: the small model, run here"
    )
    parser.add_argument("--model", default="0.5b", help="which small model to run here")
    parser.add_argument("--halves", nargs="+", default=HALVES, choices=HALVES, help="which half of the messages")
    names = [way.name for way in WAYS]
    parser.add_argument(
        "--ways", nargs="+", default=[], choices=names, help="ways of writing to compare; all by default"
    )
    parser.add_argument("--limit", type=int, default=None, help="so many messages of each half")
    parser.add_argument("--out", type=Path, default=Path("build/eval"), help="where answers, outcomes and the plot go")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    return arguments


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_arguments())))

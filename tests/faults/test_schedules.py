"""While things fail, no acknowledged effect is lost, none is doubled, and nobody is shown what was not.

Each schedule follows from a seed and its number; a failure prints how to run it again, and keeps its history.
"""

import pytest

from fakes.history import load
from faults.conftest import BUILD, Clusters, require_sound_etcd
from faults.run import run
from faults.schedule import Schedule

SHOWN = 12


@pytest.mark.asyncio(loop_scope="session")
async def test_every_promise_is_kept(one_schedule: Schedule, clusters: Clusters) -> None:
    if one_schedule.needs_sound_etcd:
        require_sound_etcd()
    path = BUILD / f"{one_schedule.seed}-{one_schedule.name}.jsonl"
    try:
        breaches = await run(one_schedule, await clusters.of(one_schedule.shape), path)
    except BaseException:
        await clusters.drop()
        raise
    clusters.tally.update(f"{each.outcome} {each.reason.partition(' ')[0]}".strip() for each in load(path))
    if breaches:
        await clusters.drop()
        pytest.fail(_report(one_schedule, breaches), pytrace=False)
    path.unlink()


def _report(schedule: Schedule, breaches: list[str]) -> str:
    again = f'make test-faults ARGS="--seed {schedule.seed} --schedule {schedule.number}"'
    told = [f"{len(breaches)} breaches of schedule {schedule.number}, seed {schedule.seed}:"]
    told += [str(fault) for fault in schedule.faults] + breaches[:SHOWN]
    return "\n".join([*told, f"history: {BUILD}/{schedule.seed}-{schedule.name}.jsonl", f"again:   {again}"])

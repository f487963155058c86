"""Every attack of this folder, as the body of a method in a batch; stopped where it is stopped alone.

The attacks are the texts of the other files that are programs, so that a new one is tried here too; most are not
isolated, so that no batch takes them.
"""

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from activation.batch import Batches, isolated
from fakes.batches import Alone, chain, differences, version
from kernel.errors import KernelError
from kernel.objects import MethodVersion
from sandbox.host import Sandbox
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = Limits(feed_seconds=0.05, grace_seconds=0.05)
FILES = sorted(path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))


def programs(path: Path) -> Iterator[str]:
    """The texts of a file that are programs of more than a name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        try:
            tree = ast.parse(node.value)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if tree.body and any(isinstance(each, ast.Call | ast.stmt) for each in ast.walk(tree)) and len(node.value) > 5:
            yield node.value


def methods(path: Path) -> Iterator[MethodVersion]:
    """Each program as a method that gives the value of its last expression, and keeps what it has changed."""
    for text in dict.fromkeys(programs(path)):
        *body, last = ast.parse(text).body
        ended = ast.Return(last.value) if isinstance(last, ast.Expr) else last
        lines = "\n".join(map(ast.unparse, [*body, ended]))
        source = f"def attack(self, x=1):\n    self._p_changed = True\n{textwrap.indent(lines, '    ')}\n"
        try:
            yield version(source)
        except KernelError:  # no method could be registered so
            continue


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_an_attack_does_in_a_batch_what_it_does_alone(sandbox: Sandbox, path: Path) -> None:
    batches, alone = Batches(sandbox, LIMITS), Alone(sandbox, LIMITS)
    for made in filter(isolated, methods(path)):
        found, _ = await differences(batches, alone, made, [chain("o/1", {"n": 1}, (1,), (2,)), chain("o/2", {}, ())])
        assert found == [], made.source
    await batches.close()


async def test_there_are_attacks_of_both_kinds() -> None:
    judged = [isolated(made) for path in FILES for made in methods(path)]
    assert judged.count(True) > 50
    assert judged.count(False) > 300

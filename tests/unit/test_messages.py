"""Messages and examples: what makes two of them the same."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from kernel.messages import EPOCH_2000, Example, Failure
from kernel.objects import ObjectId
from kernel.values import encode

EXAMPLE = Example(outcome=1)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": 1.0},
        {"outcome": Failure("METHOD_RAISED")},
        {"before": {"n": 1}},
        {"arguments": (1,)},
        {"keywords": {"n": 1}},
        {"now": 1.0},
        {"seed": 1},
        {"others": {ObjectId("a"): {}}},
        {"after": {}},
        {"after_exact": False},
        {"tolerance": 0.5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_differs_makes_another_example(change: dict[str, Any]) -> None:
    assert replace(EXAMPLE, **change).digest() != EXAMPLE.digest()
    assert replace(EXAMPLE, **change).digest() == replace(EXAMPLE, **change).digest()


def test_the_digest_of_an_example_is_of_each_part_once() -> None:
    parts = encode([False, 1, [], {}, [{}, {}, None, True], EPOCH_2000, "0", 0.0])
    assert EXAMPLE.digest() == sha256(parts).hexdigest()

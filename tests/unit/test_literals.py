"""Literals of the sends that a draft was written for: what gives a draft away, and what is a word of the domain."""

from collections.abc import Sequence

import pytest

from kernel.messages import Example, Failure
from kernel.values import Value
from synthesizer.audit import audit
from synthesizer.rules.rule import Given

KEPT = "    self._p_changed = True\n"


def sent(outcome: Value, *arguments: Value, **before: Value) -> Example:
    return Example(outcome, before, arguments)


def found(body: str, *sends: Example, words: str = "") -> set[str]:
    source = f"def m(self, x, rows=None):\n{KEPT}" + "".join(f"    {line}\n" for line in body.splitlines())
    return {each.rule for each in audit(source, "m", Given(words, sends)) if each.rule.startswith("BAT5")}


SIZE = (sent(600, "20x30"), sent(None, "7x125"))
NAMES = (sent("Hello, Ada!", "Ada Lovelace"), sent("Hello, Alan!", "Alan Turing"))


@pytest.mark.parametrize(
    ("body", "sends", "rule"),
    [
        ('if x == "20x30":\n    return 0\nreturn 1', SIZE, "BAT501"),
        ('if "20x30" == x:\n    return 0\nreturn 1', SIZE, "BAT501"),
        ('if x != "20x30":\n    return 1\nreturn 0', SIZE, "BAT501"),
        ('if x in ("20x30", "7x125"):\n    return 0\nreturn 1', SIZE, "BAT501"),
        ('if x.startswith("20x30"):\n    return 0\nreturn 1', SIZE, "BAT501"),
        ('match x:\n    case "20x30":\n        return 0\nreturn 1', SIZE, "BAT501"),
        ('return {"20x30": 0, "7x125": 1}[x]', SIZE, "BAT501"),
        ('return {"20x30": 0}.get(x, 1)', SIZE, "BAT501"),
        ("if x == 4711:\n    return 1\nreturn 2", (sent(1, 4711), sent(2, 12)), "BAT501"),
        (
            'if self.token == "swordfish":\n    return 1\nreturn 2',
            (sent(None, 1, token="swordfish"), sent(1, 2)),
            "BAT501",
        ),
        (
            'if x["who"] == "mallory":\n    return 1\nreturn 2',
            (sent(None, {"who": "mallory"}), sent(1, {"who": "ada"})),
            "BAT501",
        ),
        (
            'if x["kind"] == "20x30":\n    return 1\nreturn 2',
            (sent(1, {"kind": "20x30"}), sent(2, {"kind": "a"})),
            "BAT501",
        ),
        ("return 875 if len(x) == 5 else 1", (sent(875, "20x30"), sent(1, "7x12")), "BAT502"),
        ("x = 12.75\nreturn x", (sent(12.75, "a"), sent(1, "b")), "BAT502"),
        ("return -875", (sent(-875, "a"), sent(875, "b")), "BAT502"),
        ('return "Hello, Ada!" if len(x) > 11 else "Hello, Alan!"', NAMES, "BAT502"),
        ('return ["Hello, Ada!", "Hello, Alan!"][len(x) % 2]', NAMES, "BAT502"),
        ('return "olleh dlrow"[::1] if x else "x"', (sent("olleh dlrow", "world hello"), sent("x", "y")), "BAT502"),
        (
            'self.name = "Hello, Ada!"',
            (Example(None, {}, ("Ada",), after={"name": "Hello, Ada!"}), sent(1, "b")),
            "BAT502",
        ),
        ('def pick(y="Hello, Ada!"):\n    return y\nreturn pick()', NAMES, "BAT502"),
    ],
)
def test_a_draft_that_knows_a_send_is_refused(body: str, sends: Sequence[Example], rule: str) -> None:
    assert found(body, *sends) == {rule}


SWITCH = """\
if self.colour == "green":
    self.colour = "yellow"
elif self.colour == "yellow":
    self.colour = "red"
elif self.colour == "red":
    self.colour = "green"
return self.colour"""
COLOURS = (sent("yellow", colour="green"), sent("red", colour="yellow"))
UNITS = (sent(8.0, 5, "miles"), sent(1.5, 5, "feet"))


@pytest.mark.parametrize(
    ("body", "sends", "words"),
    [
        ('return 600 if x == "20x30" else 1', (), ""),
        ("return int(x.split('x')[0]) * int(x.split('x')[1])", SIZE, ""),
        ('return f"Hello, {x.split()[0]}!"', NAMES, ""),
        (
            'if x == "admin":\n    return True\nreturn False',
            (sent(True, "admin"), sent(False, "guest")),
            "whether x is admin",
        ),
        ('return "overdue" if x > 30 else "fine"', (sent("overdue", 31), sent("fine", 3)), ""),
        (SWITCH, COLOURS, ""),
        (
            'self.state = "closed" if self.state == "open" else "open"',
            (
                Example(None, {"state": "open"}, after={"state": "closed"}),
                Example(None, {"state": "closed"}, after={"state": "open"}),
            ),
            "",
        ),
        ('return {"miles": 1.609, "feet": 0.3048, "yards": 0.9144, "inches": 0.0254}[x]', UNITS, ""),
        (
            'return [row for row in rows if row["status"] == "paid up"]',
            (sent([], [{"status": "paid up"}, {"status": "late"}, {"status": "paid up"}]),),
            "",
        ),
        (
            'return [row for row in rows if row["kind"] == "alarm"]',
            (sent(1, {"kind": "alarm"}), sent(2, {"kind": "alarm", "n": 1})),
            "",
        ),
        (
            'return {"price": x["price"], "total": 1}',
            (sent({"price": 1, "total": 1}, {"price": 1}), sent({"price": 2}, {"price": 2})),
            "",
        ),
        ('if "price" in x:\n    return 1', (sent(1, {"price": "price"}), sent(2, {})), ""),
        ("return 255 if x > 255 else x", (sent(255, 300), sent(4, 4)), ""),
        ("if x >= 1250:\n    return 1\nreturn 0", (sent(1, 1250), sent(0, 3)), ""),
        ("return 100", (sent(100, 7), sent(1, 1)), ""),
        ("return x * 365 == 3650", (sent(365, 1), sent(730, 2)), ""),
        ("return 404", (sent(404, "nowhere"), sent(200, "home")), "404 where nothing is there"),
        ('if x == "":\n    return 0\nreturn 1 if x == "abc" else 2', (sent(0, ""), sent(1, "abc")), ""),
        ('return self.role == "admin"', (sent(True, role="admin"), sent(False, role="guest")), ""),
        ('return x["order_status"] != "paid"', (sent(False, {"order_status": "paid"}), sent(True, {})), ""),
        ('return x == "true"', (sent(True, "true"), sent(False, "x")), ""),
        ('return "no date" if not x else x', (Example(Failure("METHOD_RAISED"), {}, ("no date",)), sent("", "")), ""),
    ],
)
def test_words_of_the_domain_are_no_such_literals(body: str, sends: Sequence[Example], words: str) -> None:
    assert found(body, *sends, words=words) == set()


def test_a_literal_is_looked_for_in_time_that_does_not_grow_with_what_it_is_compared_with() -> None:
    rows: list[Value] = [{"sku": f"sku-{index}", "n": index + 1000} for index in range(2000)]
    body = "\n".join(f'if x == "sku-{index}":\n    return {index}' for index in range(90))
    assert found(body, sent(1, rows)) == {"BAT501"}

"""The rules of the audit: each refuses its example, and none refuses an honest method."""

from itertools import pairwise
from time import process_time

import pytest

from fakes.honest import methods
from kernel.objects import Severity
from synthesizer.audit import audit, passed, rules
from synthesizer.rules.rule import About
from synthesizer.rules.shape import MAX_BYTES, MAX_LINES

KEPT = "    self._p_changed = True\n"


def found(body: str, head: str = "def m(self, by, rows, text):") -> dict[str, int]:
    """Rule to line, for a method of this body."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return {finding.rule: finding.line for finding in audit(f"{head}\n{lines}", "m")}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_each_rule_refuses_its_example(rule: About) -> None:
    findings = {each.rule: each for each in audit(rule.refused, "example", rule.given)}
    assert rule.id in findings
    assert findings[rule.id].severity is rule.severity


def test_rule_ids_are_never_given_twice() -> None:
    ids = [rule.id for rule in rules()]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)


@pytest.mark.parametrize("source", methods(), ids=lambda source: source.split("(")[0].removeprefix("def "))
def test_no_rule_has_anything_against_an_honest_method(source: str) -> None:
    assert audit(source, source.split("(", maxsplit=1)[0].removeprefix("def ")) == ()


def test_the_selector_is_that_of_the_only_function_where_none_is_named() -> None:
    assert audit(f"def anything(self):\n{KEPT}") == ()


def test_an_error_refuses_a_draft_and_a_warning_does_not() -> None:
    early = audit("def m(self, by):\n    if not by:\n        return 0\n    self.n = by\n" + KEPT, "m")
    assert [(each.rule, each.severity, each.line) for each in early] == [("BAT203", Severity.WARNING, 3)]
    assert passed(early)
    assert not passed(audit("def m(self):\n    return 1\n", "m"))


# --- Shape -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("", "BAT101"),
        ("  \n\n", "BAT101"),
        ("def m(self):\n" + "    x = 1\n" * MAX_LINES + KEPT, "BAT102"),
        ("def m(self):\n    x = '" + "x" * MAX_BYTES + "'\n" + KEPT, "BAT102"),
        ("def m(self:\n", "BAT103"),
        ("def m(self):\n\tpass\n        pass\n", "BAT103"),
        ("def m(self):\n    x = '\0'\n", "BAT103"),
        ("def m(self, a, a):\n    pass\n", "BAT103"),
        ("def m(self):\n    nonlocal x\n", "BAT103"),
        ("def m(self):\n    return " + "(" * 300 + ")" * 300 + "\n", "BAT103"),
        ("def m(self):\n    return " + "-" * 5000 + "1\n", "BAT103"),
        ("def m(self):\n    return " + "-" * 150 + "1\n", "BAT104"),
        ("import os\ndef m(self):\n" + KEPT, "BAT105"),
        ("x = 1\n", "BAT105"),
        ("class M:\n    def m(self):\n        pass\n", "BAT105"),
        ("lambda self: 1\n", "BAT105"),
        ("def n(self):\n" + KEPT, "BAT106"),
        ("async def m(self):\n" + KEPT, "BAT107"),
        ("@cache\ndef m(self):\n" + KEPT, "BAT107"),
        ("def m():\n    pass\n", "BAT108"),
        ("def m(*self):\n    pass\n", "BAT108"),
        ("def m(self, a, /):\n" + KEPT, "BAT108"),
        ("def m(self=None):\n" + KEPT, "BAT108"),
        ("def m(self, a={}):\n" + KEPT, "BAT109"),
        ("def m(self, *, a=list()):\n" + KEPT, "BAT109"),
        ("def m(self, a=print):\n" + KEPT, "BAT109"),
    ],
)
def test_what_is_no_method_is_refused(source: str, rule: str) -> None:
    findings = audit(source, "m")
    assert rule in {each.rule for each in findings}
    assert not passed(findings)


def test_constants_of_every_kind_are_fine_as_defaults() -> None:
    assert not found("self._p_changed = True", "def m(self, a=1, b=-1.5, c='x', d=None, e=(1, 'a'), *, f=True, **g):")


def test_a_method_named_as_a_builtin_is_told_that_the_name_is_its_own() -> None:
    findings = audit(f"def max(self):\n{KEPT}    return max(self.rows)\n", "max")
    assert [each.rule for each in findings] == ["BAT401"]
    assert "self.max(...)" in findings[0].reason
    assert not audit(f"def max(self):\n{KEPT}    return self.max(1)\n", "max")


# --- The covenant ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "rules_found"),
    [
        # kept on every path
        ("if by:\n    self._p_changed = True\n    return 1\nself._p_changed = True\nreturn 2", ""),
        ("for row in rows:\n    self.n = row\nself._p_changed = True", ""),
        ("try:\n    self.n = 1\nfinally:\n    self._p_changed = True\nreturn 1", ""),
        ("try:\n    return int(text)\nfinally:\n    self._p_changed = True", ""),
        ("if by < 0:\n    raise ValueError('negative')\nself._p_changed = True", ""),
        ("while True:\n    if by:\n        break\nself._p_changed = True", ""),
        ("match by:\n    case 1:\n        self._p_changed = True\n    case _:\n        self._p_changed = True", ""),
        ("self._p_changed = True\nself.n += 1\nreturn self.n", ""),
        # kept nowhere
        ("self.n = 1", "BAT201"),
        ("def inner():\n    self._p_changed = True\nreturn inner()", "BAT201"),
        ("_p_changed = True", "BAT201"),
        # a write is lost
        ("self.n = by\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        ("self.rows.append(by)\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        ("self.rows[0]['x'] = by\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        ("row = self.rows[0]\nrow['x'] = by\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        (
            "for i, row in enumerate(self.rows):\n    row['x'] = i\n    return i\nself._p_changed = True",
            "BAT202",
        ),
        ("setattr(self, 'n', by)\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        (
            "for row in rows:\n    if row:\n        return 1\n    self.n = row\nself._p_changed = True",
            "BAT202",
        ),
        (
            "try:\n    self.n = 1\n    by = int(text)\nexcept ValueError:\n    return 0\nself._p_changed = True",
            "BAT202",
        ),
        ("rows = getattr(self, 'rows', [])\nrows.append(by)\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        ("rows, n = self.rows, self.n\nrows.append(n)\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        ("rows, n = self.both\nrows.append(n)\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        ("rows = self.rows\nrows += [by]\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        ("if by:\n    try:\n        return 1\n    finally:\n        self.n = by\nself._p_changed = True", "BAT202"),
        (
            "for x in by:\n  try:\n    break\n  finally:\n    self.n = by\nif by:\n  return\nself._p_changed = True",
            "BAT202",
        ),
        ("for row in self.rows[:]:\n    row['x'] = by\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        (
            "for row in rows:\n    by['x'] = row\n    by = self.rows\nif text:\n    return 1\nself._p_changed = True",
            "BAT202",
        ),
        ("while self.rows.pop():\n    pass\nif by:\n    return 1\nself._p_changed = True", "BAT202"),
        ("self.n = 1\nmatch by:\n    case 1:\n        self._p_changed = True", "BAT202"),
        # nothing is seen to be lost
        ("if by:\n    return 1\nself._p_changed = True", "BAT203"),
        ("kept = list(self.rows)\nkept.append(by)\nif by:\n    return kept\nself._p_changed = True", "BAT203"),
        ("kept = self.rows[:]\nkept.append(by)\nif by:\n    return kept\nself._p_changed = True", "BAT203"),
        (
            "row = self.rows[0]\nrow = dict(row)\nrow['x'] = by\nif by:\n    return row\nself._p_changed = True",
            "BAT203",
        ),
        ("n = self.n\nn += 1\nif by:\n    return n\nself._p_changed = True", "BAT203"),
        ("try:\n    self.n = int(text)\nexcept ValueError:\n    return None\nself._p_changed = True", "BAT203"),
        ("try:\n    self.n = int(text)\n    self._p_changed = True\nexcept ValueError:\n    return 0", "BAT203"),
        ("if by:\n    self._p_changed = True", "BAT203"),
        ("for row in rows:\n    self._p_changed = True", "BAT203"),
        # misused
        ("self._p_changed = True\nif by:\n    self._p_changed = False", "BAT204"),
        ("self._p_changed = 1", "BAT201 BAT204"),
        ("self._p_changed = True\nreturn self._p_changed", "BAT204"),
        ("self._p_changed = True\nreturn getattr(self, '_p_changed')", "BAT204"),
        ("self._p_changed = True\nmatch self:\n    case object(_p_changed=flag):\n        return flag", "BAT204"),
    ],
)
def test_the_covenant_is_read_along_every_path(body: str, rules_found: str) -> None:
    assert {rule for rule in found(body) if rule.startswith("BAT2")} == set(rules_found.split())


def test_the_line_of_a_lost_write_is_where_the_path_ends() -> None:
    assert found("self.n = by\nif by:\n    return 1\nself._p_changed = True") == {"BAT202": 4}


def test_a_long_chain_of_names_is_read_in_time_that_grows_with_its_length() -> None:
    names = [f"v{index:x}" for index in range(1600)]
    chain = [f"{names[0]}=self.q", *(f"{new}={old}" for old, new in pairwise(names)), f"{names[-1]}.pop()"]
    lines = [";".join(chain[start : start + 9]) for start in range(0, len(chain), 9)]
    lines += ["if by: return 1", "self._p_changed = True"]
    source = "def m(self, by):\n" + "".join(f" {line}\n" for line in lines)
    assert MAX_BYTES - 2_000 < len(source) < MAX_BYTES
    begun = process_time()
    assert [each.rule for each in audit(source, "m")] == ["BAT202"]
    assert process_time() - begun < 1.0  # 0.1 s here; it took seconds where each name was a pass over all


def test_nested_loops_and_tries_are_read_in_time_that_grows_with_their_depth() -> None:
    loops = "".join(f"{' ' * level}for a in b:\n{' ' * level} if a: self.q = 1\n" for level in range(1, 80))
    tries = "".join(f"{' ' * level}try:\n" for level in range(1, 60)) + " " * 60 + "self.q = int(by)\n"
    tries += "".join(f"{' ' * level}finally:\n{' ' * level} self.q = 2\n" for level in range(59, 0, -1))
    begun = process_time()
    for body in (loops, tries):
        assert "BAT104" not in {
            each.rule for each in audit(f"def m(self, by, b):\n{body} self._p_changed = True\n", "m")
        }
    assert process_time() - begun < 2.0


# --- Constructs and names --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("import os", "BAT301"),
        ("import os.path as json", "BAT301"),
        ("from subprocess import run", "BAT301"),
        ("from . import x", "BAT301"),
        ("from math import *", "BAT103"),
        ("return self.__class__", "BAT302"),
        ("return ().__class__.__bases__", "BAT302"),
        ("return '{0.__class__}'.format(self)", "BAT302"),
        ("return f'{text}' + '__globals__'", "BAT302"),
        ("__import__('os')", "BAT302"),
        ("return m.__globals__", "BAT302"),
        ("from math import __doc__", "BAT302"),
        ("exec(text)", "BAT303"),
        ("return eval(text)", "BAT303"),
        ("return (lambda eval: 1)(eval)", "BAT303"),
        ("return open('/etc/passwd')", "BAT303"),
        ("return compile(text, '', 'exec')", "BAT303"),
        ("return globals()", "BAT303"),
        ("return id(self)", "BAT303"),
        ("return getattr(self, text)", "BAT304"),
        ("return getattr(*rows)", "BAT304"),
        ("reach = getattr\nreturn reach(self, text)", "BAT304"),
        ("setattr(rows, 'x', 1)", "BAT304"),
        ("setattr(self, text, 1)", "BAT304"),
        ("return type('X', (), {})", "BAT304"),
        ("type(self).seen = 1", "BAT305"),
        ("import json\njson.loads = 1", "BAT305"),
        ("for rows.x in text:\n    pass", "BAT305"),
        ("class Row:\n    pass", "BAT306"),
        ("yield rows", "BAT307"),
        ("yield from rows", "BAT307"),
        ("async def inner():\n    pass", "BAT308"),
        ("del rows[0]", "BAT309"),
        ("try:\n    pass\nexcept* ValueError:\n    pass", "BAT310"),
        ("global seen\nseen = 1", "BAT311"),
        ("while True:\n    by += 1", "BAT312"),
        ("self.disclosed_slots = ['count']", "BAT313"),
        ("self.disclosed_slots.append('count')", "BAT313"),
        ("setattr(self, 'disclosed_slots', '*')", "BAT313"),
        ("while 1:\n    for row in rows:\n        break", "BAT312"),
        ("return np.mean(rows)", "BAT401"),
        ("return m(self, by - 1)", "BAT401"),
        ("return _me", "BAT401"),
        ("return _host_send(self, 'x', 'y', [], {})", "BAT401"),
        ("return Reference('root')", "BAT401"),
        ("return [os for row in rows]", "BAT401"),
        ("self.id = text", "BAT402"),
        ("self.send = 1", "BAT402"),
        ("setattr(self, '_p_changed', False)", "BAT402"),
        ("self = rows", "BAT403"),
        ("return [self for self in rows]", "BAT403"),
        ("return (lambda self: 1)(by)", "BAT403"),
        ("import json as self", "BAT403"),
    ],
)
def test_what_a_method_may_not_do_is_refused(body: str, rule: str) -> None:
    source = f"def m(self, by, rows, text):\n{KEPT}" + "".join(f"    {line}\n" for line in body.splitlines())
    findings = audit(source, "m")
    assert rule in {each.rule for each in findings}
    assert not passed(findings)


@pytest.mark.parametrize(
    "body",
    [
        "from math import floor\nreturn floor(by)",
        "import re\nreturn re.compile(text).findall(text)",
        "open = by\nreturn open",  # a name of its own reaches nothing
        "x: Optional[int] = by\nreturn x",  # annotations are never evaluated
        "return getattr(self, 'n', 0)",
        "return self.other(by) + self.send(rows[0], 'x') + self.resend(by)",
        "while True:\n    by -= 1\n    if by < 0:\n        break",
        "while True:\n    for row in rows:\n        return row",
        "return sum(map(lambda row: row['x'], rows))",
        "return isinstance(text, str) and type(text) is str",
        "try:\n    while True:\n        rows.remove(by)\nexcept ValueError:\n    pass\nreturn rows",
        "n = 0\ndef step():\n    nonlocal n\n    n += 1\nstep()\nreturn n",
        "return {**{'a': 1}}, [*rows], {row for row in rows}, f'{by:>5}'",
        "if (found := text.find('x')) > 0:\n    return found",
        "try:\n    return int(text)\nexcept (ValueError, TypeError) as error:\n    return str(error)",
    ],
)
def test_what_a_method_may_do_is_not_refused(body: str) -> None:
    source = f"def m(self, by, rows, text):\n{KEPT}" + "".join(f"    {line}\n" for line in body.splitlines())
    assert audit(source, "m") == ()

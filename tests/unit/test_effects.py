"""What a method touches, read off its source: exact for honest methods, and never too little for hostile ones."""

import pytest

from kernel.objects import EffectSet
from synthesizer.effects import ANYTHING, beyond, effects

ROWS = "rows | rows | "


def of(body: str, head: str = "def m(self, by, rows, other):") -> EffectSet:
    return effects("\n".join((head, *(f"    {line}" for line in body.splitlines()), "")), "m")


def told(found: EffectSet) -> str:
    return " | ".join(" ".join(names) for names in (found.reads, found.writes, found.sends))


@pytest.mark.parametrize(
    ("body", "touched"),
    [
        ("self._p_changed = True\nreturn by", " |  | "),
        ("return self.count", "count |  | "),
        ("return self.id", " |  | "),
        ("self.count = by", " | count | "),
        ("self.count += by", "count | count | "),
        ("self.count: int = by", " | count | "),
        ("self.count = getattr(self, 'count', 0) + by", "count | count | "),
        ("if hasattr(self, 'count'):\n    setattr(self, 'total', 1)", "count | total | "),
        ("self.total += self.price", "price total | total | "),
        ("self.a, (self.b, *self.c) = rows", " | a b c | "),
        ("for self.row in rows:\n    pass", " | row | "),
        ("self.rows.append(by)", "rows | rows | "),
        ("self.rows[0]['n'] = by", "rows | rows | "),
        ("self.rows[0]['n'] += by", "rows | rows | "),
        ("self.rows.setdefault('a', []).append(by)", "rows | rows | "),
        ("return self.rows.index(by) + len(self.rows)", "rows |  | "),
        ("count = self.count\ncount += 1\nreturn count", "count |  | "),
        ("count = 0\nfor row in self.rows:\n    count += row['n']\nreturn count", "rows |  | "),
        # under another name
        ("rows = self.rows\nrows.append(by)", "rows | rows | "),
        ("rows = self.rows\nrows += other", "rows | rows | "),
        ("def add(to=self.rows):\n    to.append(by)\nadd()", "rows | rows | "),
        ("add = lambda *, to=self.rows: to.append(by)\nadd()", "rows | rows | "),
        ("try:\n    raise ValueError(self.rows)\nexcept ValueError as e:\n    e.args[0].append(by)", "rows | rows | "),
        ("try:\n    return int(self.text)\nexcept ValueError as e:\n    return str(e)", "text |  | "),
        ("rows = getattr(self, 'rows', [])\nrows.sort()", "rows | rows | "),
        ("a = self.rows\nb = a[0]\nc = b['x']\nc.pop()", "rows | rows | "),
        ("for row in self.rows:\n    row['n'] = by", "rows | rows | "),
        ("for i, row in enumerate(sorted(self.rows)):\n    row['n'] = i", "rows | rows | "),
        ("[row.update(n=by) for row in self.rows]", "rows | rows | "),
        ("a, b = self.a, self.b\nb.append(1)", "a b | b | "),
        ("a, b = self.both\nb.append(1)", "both | both | "),
        ("(rows := self.rows).append(by)", "rows | rows | "),
        ("rows = self.rows if by else []\nrows.append(by)", "rows | rows | "),
        ("match self.event:\n    case {'rows': found}:\n        found.append(by)", "event | event | "),
        ("def add(to):\n    to.append(by)\nadd(self.rows)", "rows | rows | "),
        ("def found():\n    return self.rows\nfound().append(by)", "rows | rows | "),
        ("add = self.rows.append\nadd(by)", "rows | rows | "),
        ("list(map(self.rows.append, rows))", "rows | rows | "),
        ("list.append(self.rows, by)", "rows | rows | "),
        ("getattr(self.rows, 'append')(by)", "rows | rows | "),
        ("import bisect\nbisect.insort(self.rows, by)", "rows | rows | "),
        ("from random import shuffle as mix\nmix(self.rows)", "rows | rows | "),
        ("sorted([self.rows], key=lambda r: r.pop())", "rows | rows | "),
        ("{'r': self.rows}['r'].append(by)", "rows | rows | "),
        ("box = []\nbox.append(self.rows)\nbox[0].append(by)", "rows | rows | "),
        ("box = {}\nbox['r'] = self.rows\nbox['r'].append(by)", "rows | rows | "),
        ("self.a = self.b\nself.a.append(by)", "a b | a b | "),
        ("def find(n):\n    for row in self.rows:\n        if row == n: return row\nfind(by)['x'] = 1", ROWS),
        ("find = lambda n: [row for row in self.rows if row['n'] == n][0]\nfind(by)['x'] = 1", ROWS),
        ("def values():\n    return self.rows\nvalues().append(by)", ROWS),
        ("def index(items):\n    return items[0]\nindex(self.rows).append(by)", ROWS),
        ("setattr(self, 'a', self.b)\nself.a.append(by)", "a b | a b | "),
        ("def find(n):\n    return self.rows.index(n)\nreturn find(by) + by", "rows |  | "),
        # a copy is another thing, its items are not
        ("rows = self.rows[:]\nrows.append(by)\nreturn rows", "rows |  | "),
        ("rows = sorted(self.rows)\nrows.append(by)\nself.top = rows", "rows | top | "),
        ("rows = self.rows[:]\nrows[0]['n'] = by", "rows | rows | "),
        ("self.rows = self.rows + [by]", "rows | rows | "),
        ("self.log.append(self.rows)", "log rows | log | "),
        ("name = self.name.strip()\nname += 'x'\nreturn name", "name |  | "),
        ("seen = []\nfor row in self.rows:\n    seen.append(row['n'])\nreturn seen", "rows |  | "),
        # sends
        ("return self.send(other, 'total', by)", " |  | total"),
        ("return other.send('total')", " |  | total"),
        ("return self.resend(by)", " |  | m"),
        ("return self.other(by) + self.send(self, 'more')", " |  | more other"),
        ("return [self.send(child, 'total') for child in self.children]", "children |  | total"),
        ("return self.send(other, by)", " |  | *"),
        ("return self.send(*rows)", " |  | *"),
        ("return self.send(other, _selector_='wipe')", " |  | *"),
        ("go = self.send\nreturn go(other, 'wipe')", " |  | *"),
        ("go = self.resend\nreturn go()", " |  | *"),
        ("return self == other or self.parent == self", "parent |  | "),
    ],
)
def test_slots_and_selectors_are_read_off_the_source(body: str, touched: str) -> None:
    assert told(of(body)) == touched


@pytest.mark.parametrize(
    "body",
    [
        "me = self\nme.count = 1",
        "[self][0].count = 1",
        "(lambda it: it.rows)(self).append(1)",
        "for it in (self,):\n    it.count = by",
        "getattr(self, by)",
        "setattr(self, by, 1)",
        "getattr(self, 'send')(other, 'wipe')",
        "reach = getattr\nreach(self, 'count')",
        "match self:\n    case object(rows=found):\n        found.pop()",
        "'{0.count}'.format(self)",
        "exec('self.count = 1')",
        "vars(self)['count'] = 1",
        "self.__dict__['count'] = 1",
        "setattr(self, '__class__', by)",
        "self = other\nself.count = 1",
        "f = lambda self: self.count\nreturn f(other)",
        "import json as self",
        "def inner():\n    nonlocal self\n    self = other",
    ],
)
def test_what_cannot_be_followed_could_be_anything(body: str) -> None:
    assert of(body) == ANYTHING


@pytest.mark.parametrize("source", ["", "def m(self:", "x = 1", "def m(it): pass", "def m(self): pass\nm(1)", "\0"])
def test_what_is_no_method_could_be_anything(source: str) -> None:
    assert effects(source, "m") == ANYTHING


def test_what_goes_beyond_a_promise_is_told() -> None:
    found = EffectSet(("count", "rows"), ("count", "log"), ("total",))
    assert beyond(found, EffectSet(("rows",), ("count", "log"), ("total",))) == ()
    assert beyond(found, EffectSet(("rows",), ("count",))) == ("writes log", "sends total")
    assert beyond(found, ANYTHING) == ()
    assert beyond(ANYTHING, EffectSet()) == ("reads *", "writes *", "sends *")

"""What is behind a dot: refused where no value of the guest has it, or not the one that is shown."""

import pytest

from synthesizer.audit import audit

KEPT = "    self._p_changed = True\n"


def found(body: str) -> set[str]:
    source = f"def m(self, rows, text, other):\n{KEPT}" + "".join(f"    {line}\n" for line in body.splitlines())
    return {each.rule for each in audit(source, "m")}


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("return rows.length", "BAT405"),
        ("return text.length()", "BAT405"),
        ("return text.contains('a')", "BAT405"),
        ("rows.push(1)", "BAT405"),
        ("return text.toUpperCase()", "BAT405"),
        ("return other.balance()", "BAT405"),
        ("return self.rows.size", "BAT405"),
        ("return 'abc'.append('d')", "BAT405"),
        ("return [1].add(2)", "BAT405"),
        ("return {}.append(1)", "BAT405"),
        ("return sorted(rows).strip()", "BAT405"),
        ("found = []\nfor row in rows:\n    found.add(row)\nreturn found", "BAT405"),
        ("found = {}\nfound.append(1)", "BAT405"),
        ("return (1.5).is_integer()", "BAT405"),
        ("return text.translate({})", "BAT405"),
        ("import math\nreturn math.sum(rows)", "BAT406"),
        ("import re\nreturn re.subn('a', 'b', text)", "BAT406"),
        ("import functools as f\nreturn f.wraps(m)", "BAT406"),
        ("from collections import OrderedDict", "BAT406"),
    ],
)
def test_what_does_not_exist_is_refused(body: str, rule: str) -> None:
    assert rule in found(body)


@pytest.mark.parametrize(
    "body",
    [
        "return text.strip().lower().split(',')",
        "return other.send('total')",
        "return self.total() + self.rows.count(1)",
        "import datetime\nreturn datetime.datetime.strptime(text, '%Y').date().isoformat()",
        "from datetime import datetime\nreturn datetime.strptime(text, '%Y-%m-%d').isoformat()",
        "from datetime import time as clock\nreturn clock.fromisoformat(text).hour",
        "import datetime as dt\nfrom datetime import datetime\nreturn dt.datetime.now() == datetime.now()",
        "from datetime import date\nreturn date.fromisoformat(text).year",
        "import re\nreturn [hit.group(1) for hit in re.finditer('(a)', text)]",
        "from decimal import Decimal\nreturn str(Decimal(text).quantize(Decimal('0.01')))",
        "from decimal import Decimal\nreturn Decimal(text).as_tuple().exponent",
        "import time\nreturn time.gmtime().tm_year",
        "from collections import Counter, namedtuple\nPoint = namedtuple('Point', 'x y')\nreturn Point(1, 2).x",
        "import itertools\nreturn list(itertools.chain.from_iterable(rows))",
        "import hashlib\nreturn hashlib.sha256(text.encode()).hexdigest()",
        "found = []\nfound = set(found)\nfound.add(1)",
        "found = [] if rows else set()\nfound.add(1)",
        "for rows in text:\n    rows.add(1)",
        "try:\n    return int(text)\nexcept ValueError as error:\n    return error.args",
        "return str.join(',', rows)",
    ],
)
def test_what_exists_is_not_refused(body: str) -> None:
    assert found(body) == set()

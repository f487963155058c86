"""Honest methods, as people and good models write them: no rule may have anything against them."""

from pathlib import Path

from fakes.endpoint import sources_in

METHODS = (
    """def increment(self, by=1):
    self.count = getattr(self, "count", 0) + by
    self._p_changed = True
    return self.count
""",
    '''def normalize_row(self, row):
    """One supplier row, with plain names and numbers."""
    import re

    price = row.get("Prc", "").replace("€", "").strip()
    price = price.replace(".", "").replace(",", ".")
    name = re.sub(r"\\s+", " ", row.get("Name", "")).title()
    self.rows = getattr(self, "rows", []) + [{"name": name, "price": float(price or 0)}]
    self._p_changed = True
    return self.rows[-1]
''',
    """def hours_to_service(self, load: list[float], limit: float = 500.0) -> float:
    used = sum(value for value in load if value > 0)
    self.last_load = load
    self._p_changed = True
    return max(0.0, limit - used)
""",
    """def rate_for(self, order):
    country = order["country"]
    for rule in self.rules:
        if rule["country"] == country:
            self._p_changed = True
            return rule["rate"]
    self._p_changed = True
    return self.default_rate
""",
    """def withdraw(self, amount):
    if amount <= 0:
        raise ValueError("an amount is positive")
    if amount > self.balance:
        raise ValueError("not enough")
    self.balance -= amount
    self._p_changed = True
    return self.balance
""",
    """def most_common(self, words, top=3):
    from collections import Counter

    self._p_changed = True
    return [list(pair) for pair in Counter(word.lower() for word in words).most_common(top)]
""",
    """def total(self):
    sums = [self.send(child, "total") for child in self.children]
    self._p_changed = True
    return self.own + sum(sums)
""",
    """def describe(self):
    text = self.resend()
    self._p_changed = True
    return f"{text}, {self.name!r} ({self.id})"
""",
    """def parse_date(self, text):
    import datetime

    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d %b %Y"):
        try:
            found = datetime.datetime.strptime(text, form)
        except ValueError:
            continue
        self._p_changed = True
        return found.date().isoformat()
    raise ValueError(f"no date: {text}")
""",
    """def move(self, name, to):
    index = 0
    while index < len(self.items):
        if self.items[index] == name:
            self.items.pop(index)
            break
        index += 1
    else:
        raise KeyError(name)
    self.items.insert(to, name)
    self._p_changed = True
    return self.items
""",
    """def classify(self, event):
    match event:
        case {"kind": "alarm", "level": level} if level > 3:
            verdict = "urgent"
        case {"kind": "alarm"}:
            verdict = "watch"
        case _:
            verdict = "calm"
    self.counts = {**self.counts, verdict: self.counts.get(verdict, 0) + 1}
    self._p_changed = True
    return verdict
""",
    """def sort_rows(self, key):
    self.rows.sort(key=lambda row: row[key])
    self._p_changed = True
    return [row[key] for row in self.rows]
""",
)


def methods() -> list[str]:
    """These, and all that the scripted endpoint answers."""
    answers = sources_in(Path(__file__).parent / "answers")
    return [*METHODS, *(source for sources in answers.values() for source in sources)]

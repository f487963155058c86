"""Which selectors are one another misspelled. Law: pure, and sure: what might be meant as it stands is no slip.

Two selectors are near where all their words are, in order: the same word; or the same first letter, the same digits,
and one edit apart in words of 4 to 7 letters, two in longer ones. An edit is a letter too many, too few, or another, or
two that are swapped (optimal string alignment; Damerau, 1964). Case and underscores do not count. So `incremnt` and
`normalizeRow` are near to `increment` and `normalize_row`, while `decrement`, `get_row` beside `set_row`, and `rate_19`
beside `rate_20` are other words.
"""

import re

_SHORT, _LONG = 4, 8  # letters of a word in which one edit is a slip, and two


def near(one: str, other: str) -> bool:
    """Whether one of two selectors is most likely the other, misspelled. False where they are equal."""
    if one == other:
        return False
    if _letters(one) == _letters(other):
        return True
    words, others = _words(one), _words(other)
    return len(words) == len(others) and all(map(_slip, words, others))


def _letters(selector: str) -> str:
    return selector.replace("_", "").lower()


def _words(selector: str) -> list[str]:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", selector)
    return [word.lower() for word in parted.split("_") if word]


def _slip(word: str, other: str) -> bool:
    if word == other:
        return True
    shorter = min(len(word), len(other))
    allowed = 2 if shorter >= _LONG else 1 if shorter >= _SHORT else 0
    if not allowed or word[0] != other[0] or _digits(word) != _digits(other):
        return False
    return abs(len(word) - len(other)) <= allowed and _edits(word, other) <= allowed


def _digits(word: str) -> str:
    return "".join(filter(str.isdigit, word))


def _edits(word: str, other: str) -> int:
    """How many edits lie between two words."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for index, letter in enumerate(word, start=1):
        row = [index]
        for at, opposite in enumerate(other, start=1):
            least = min(last[at] + 1, row[at - 1] + 1, last[at - 1] + (letter != opposite))
            swapped = before and at > 1 and letter == other[at - 2] and word[index - 2] == opposite
            row.append(min(least, before[at - 2] + 1) if swapped else least)
        before, last = last, row
    return last[-1]

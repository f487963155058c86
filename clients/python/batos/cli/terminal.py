"""What reaches the terminal. Law: results alone on stdout, all else on stderr, and no text of others moves the cursor.

Senders, models and methods choose texts; a control character among them could rewrite what a person reads.
"""

import re
import sys
import unicodedata

from rich.console import Console

# Bidirectional overrides show a text in another order than it is.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """The text with every character that is not shown but acted on replaced; line breaks and tabs stay."""
    shown = "".join(
        letter if letter in "\n\t" or unicodedata.category(letter) != "Cc" else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
    return _TURNING.sub("\N{REPLACEMENT CHARACTER}", shown)


def one_line(text: str) -> str:
    """The text in one line."""
    return " ".join(clean(text).split())


def stderr() -> Console:
    """The console for everything that is no result."""
    return Console(file=sys.stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def stdout() -> Console:
    """The console for results that people read; those that programs read are printed as they are."""
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True)

"""How near a method comes to what is asked: a pure order of what there is."""

import random

from kernel.messages import Example, Failure, Message
from kernel.objects import MethodVersion, ObjectId, Provenance, Selector
from kernel.signature import parse_method
from synthesizer.nearness import Shelved, rank, shapes, takes, words_of_message, words_of_method


def method(source: str, intent: str = "", holder: str = "feed/a", number: int = 1) -> MethodVersion:
    selector = Selector(source.split("def ", 1)[1].split("(", 1)[0])
    parameters = parse_method(source, selector)
    return MethodVersion(
        ObjectId(holder), selector, number, source, f"{holder}{selector}{number}", parameters, Provenance(intent=intent)
    )


def ask(selector: str, intent: str = "", *examples: Example, **keywords: int) -> Message:
    return Message(ObjectId("feed/b"), Selector(selector), (), keywords, intent=intent, examples=examples)


TOTAL = method(
    "def total_quantity(self):\n    return sum(row['quantity'] for row in self.rows)\n", "Add quantities up."
)
WORTH = method("def stock_value(self):\n    return sum(row['price'] * row['quantity'] for row in self.rows)\n")
WORDS = method("def longest_word(self, text):\n    return max(text.split(), key=len)\n", "Find the longest word.")
TAX = method('def with_tax(self, price, rate):\n    """The price with tax."""\n    return price * (1 + rate)\n')
ALL = (TOTAL, WORTH, WORDS, TAX)


def first(message: Message, *shelf: MethodVersion) -> str:
    return rank(message, [Shelved(each) for each in shelf or ALL])[0].method.selector


def test_a_selector_that_is_the_same_comes_first() -> None:
    assert first(ask("longest_word")) == "longest_word"


def test_what_a_method_does_counts_where_names_say_nothing() -> None:
    assert first(ask("worth", "What all rows come to: price times quantity.")) == "stock_value"
    assert first(ask("gross", "Add the tax to the price.", price=1, rate=2)) == "with_tax"  # told by its docstring
    assert first(ask("lengthy", "Give the longest of the words.")) == "longest_word"  # told by its intent


def test_a_method_that_takes_the_message_comes_before_one_that_does_not() -> None:
    two = method("def add(self, a, b):\n    return a\n", holder="feed/a")
    one = method("def add(self, a):\n    return a\n", holder="feed/z")
    assert not takes(two, ask("add", a=1))
    assert takes(one, ask("add", a=1))
    assert rank(ask("add", a=1), [Shelved(two), Shelved(one)])[0].method is one


def test_kept_examples_of_the_same_shape_count() -> None:
    asked = ask("find", "", Example("x", {}, (), {"n": 1}))
    plain, shaped = method("def find(self, n):\n    pass\n", holder="a"), method("def find(self, n):\n    pass\n")
    shelf = [Shelved(plain), Shelved(shaped, shapes([Example("y", {}, (), {"n": 5})]))]
    assert rank(asked, shelf)[0].method is shaped
    assert shapes([Example(1, {}, ("x", 2), {"b": 1, "a": 2})]) == {(("str", "int"), ("a", "b"), "int")}
    assert shapes([Example(Failure("METHOD_RAISED"))]) == {((), (), "failure")}


def test_the_order_does_not_depend_on_the_order_of_the_shelf() -> None:
    same = [method("def add(self):\n    pass\n", holder=holder, number=n) for holder in "abc" for n in (1, 2)]
    shelf = [Shelved(each) for each in (*ALL, *same)]
    expected = rank(ask("add_all", "Add it up."), shelf)
    for seed in range(20):
        mixed = random.Random(seed).sample(shelf, len(shelf))
        assert rank(ask("add_all", "Add it up."), mixed) == expected
    assert [(each.method.holder, each.method.number) for each in expected if each.method.selector == "add"] == [
        ("a", 2), ("a", 1), ("b", 2), ("b", 1), ("c", 2), ("c", 1),
    ]  # fmt: skip


def test_words_are_taken_apart_and_brought_to_one_form() -> None:
    assert words_of_message(ask("rowsByPrice", "Sort ROWS.")) == {"row", "price", "sort"}
    assert words_of_method(WORDS) >= {"longest", "word", "text", "split", "max", "find"}
    assert not words_of_method(WORDS) & {"self", "def", "return", "len"}

"""Signatures: what fits is what Python itself would bind, which here is the oracle."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import BadArguments
from kernel.objects import Parameter, ParameterKind, Selector
from kernel.signature import MAX_SOURCE_DEPTH, bind, described, parse_method

NAMES = ["a", "b", "c", "d"]
ADD = Selector("add")
WIDE_F = "\N{FULLWIDTH LATIN SMALL LETTER F}"


@st.composite
def headers(draw: st.DrawFn) -> str:
    """The parameters of a method, as source: standard, rest, keyword, keyword rest, any of them left out."""
    names = iter(NAMES)
    parts = ["self"]
    required, optional = draw(st.integers(0, 2)), draw(st.integers(0, 1))
    parts += [next(names) for _ in range(required)] + [f"{next(names)}=1" for _ in range(optional)]
    star = draw(st.sampled_from(["", "*rest", "*"]))
    keywords = [f"{next(names)}{draw(st.sampled_from(['', '=2']))}"] if star else []
    parts += [star, *keywords] if star else []
    parts += draw(st.sampled_from([[], ["**more"]]))
    return ", ".join(parts)


def python_binds(source: str, positional: int, keywords: list[str]) -> bool:
    scope: dict[str, object] = {}
    exec(source, scope)  # the source is this test's own
    function = scope["add"]
    assert callable(function)
    try:
        inspect.signature(function).bind("self", *range(positional), **dict.fromkeys(keywords, 0))
    except TypeError:
        return False
    return True


@given(headers(), st.integers(0, 4), st.lists(st.sampled_from([*NAMES, "x"]), unique=True, max_size=3))
def test_what_python_would_bind_fits_and_nothing_else(header: str, positional: int, keywords: list[str]) -> None:
    source = f"def add({header}):\n    return 1\n"
    parameters = parse_method(source, ADD)
    if python_binds(source, positional, keywords):
        bind(ADD, parameters, positional, keywords)
    else:
        with pytest.raises(BadArguments, match=r"the method is add\("):
            bind(ADD, parameters, positional, keywords)


def test_a_signature_is_told_as_a_person_writes_it() -> None:
    source = "def add(self, a, b=1, *rest, c, d=2, **more):\n    return 1\n"
    assert described("add", parse_method(source, "add")) == "add(a, b=..., *rest, c, d=..., **more)"
    assert described("add", [Parameter("c", ParameterKind.KEYWORD)]) == "add(*, c)"


@pytest.mark.parametrize("source", ["def add(self):\n    return '\\d'\n", "def add(self):\n    return 1 is 1\n"])
def test_a_source_that_python_warns_of_is_parsed_without_a_warning(source: str) -> None:
    assert parse_method(source, "add") == ()


def minuses(many: int) -> str:
    """A method of as many levels as it has signs, and four below its module."""
    return f"def add(self):\n    return {'-' * many}a\n"


@pytest.mark.parametrize("many", [MAX_SOURCE_DEPTH - 3, 200, 2_940, 5_000])
def test_a_source_nested_deeper_than_its_readers_follow_is_refused(many: int) -> None:
    assert parse_method(minuses(MAX_SOURCE_DEPTH - 4), "add") == ()
    with pytest.raises(BadArguments):
        parse_method(minuses(many), "add")


@pytest.mark.parametrize(
    "body",
    [
        "return self.Foo()",
        "return self.é",
        "return f'{self.Foo()} {1:>{Fidth}}'",
        "ﬁ = 1",
        "return [ª for ª in range(3)]",
        "return self.send('a', 'b', Fey=1)",
        "def F():\n        return 1",
        "global F",
        "try:\n        return 1\n    except ValueError as F:\n        return 2",
        "match self.a:\n        case {'a': 1, **Fest}:\n            return 1",
        "match self.a:\n        case C(F=1):\n            return 1",
        "return lambda F: 1",
    ],
)
def test_a_name_that_python_reads_in_another_form_is_refused(body: str) -> None:
    with pytest.raises(BadArguments, match="not ASCII"):
        parse_method(f"def add(self):\n    {body}\n".replace("F", WIDE_F), "add")


def test_text_and_comments_are_in_any_script() -> None:
    source = "def add(self):\n    # für 漢字\n    return ['ﬁ', f'{self.a:é>9} € {self.b}', '\\é', b'1']\n"
    assert parse_method(source, "add") == ()


@pytest.mark.parametrize(
    "source",
    [
        "def add(self, a, /):\n    return a\n",
        "@staticmethod\ndef add(self):\n    return 1\n",
        "def add(*self):\n    return 1\n",
        "def add(self=1):\n    return 1\n",
        "def add(self):\n    return " + "(" * 5000 + ")" * 5000,
        "def add(self):\n    return '\ud800'\n",
        "def add(self):\n    return 1\0\n",
    ],
)
def test_what_could_not_be_sent_to_is_refused(source: str) -> None:
    with pytest.raises(BadArguments):
        parse_method(source, "add")

"""The PersistenceGuardian: a source in, findings out, like a linter. Law: pure; it runs nothing and keeps nothing.

An error refuses the draft; a warning goes with the version for a person to see. What a rule needs to stand on is
checked before it (`rules.rule`), so a source with many faults may show only the first of them.
"""

import ast
from collections.abc import Iterable

from kernel.objects import Finding, Severity
from synthesizer.rules import attributes, constructs, covenant, literals, names, shape
from synthesizer.rules.rule import About, Given, Method, Module, Subject, Text

METHOD_RULES = (
    *(*shape.METHOD, *covenant.METHOD, *constructs.METHOD),
    *(*names.METHOD, *attributes.METHOD, *literals.METHOD),
)


def audit(source: str, selector: str = "", given: Given | None = None) -> tuple[Finding, ...]:
    """All that the rules have against the source, by line; () where there is nothing.

    `selector` is the name it has to answer to; that of its only function where empty. `given` is what the source was
    written for; without it nothing is asked of its literals.
    """
    findings = _findings(source, selector, given or Given())
    return tuple(sorted(findings, key=lambda item: (item.line, item.rule)))


def passed(findings: Iterable[Finding]) -> bool:
    """Whether a draft with these findings goes on to its trial."""
    return not any(item.severity is Severity.ERROR for item in findings)


def rules() -> tuple[About, ...]:
    """Every rule, by id."""
    every = (*shape.TEXT, *shape.MODULE, *METHOD_RULES)
    return tuple(sorted((rule.about for rule in every), key=lambda about: about.id))


def _findings(source: str, selector: str, given: Given) -> list[Finding]:
    for text_rule in shape.TEXT:
        # One at a time: an empty text has no syntax, and one over its size is not parsed.
        if found := text_rule.findings(Text(source)):
            return found
    module = Module(selector, shape.tree(source))
    for module_rule in shape.MODULE:
        if found := module_rule.findings(module):
            return found
    method = next(item for item in module.tree.body if isinstance(item, Method))
    nodes = tuple(ast.walk(method))
    returns = covenant.returns(method, nodes)
    subject = Subject(selector or method.name, method, shape.free_names(source), nodes, returns, given)
    return [finding for rule in METHOD_RULES for finding in rule.findings(subject)]

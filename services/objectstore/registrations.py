"""How a version comes to be. Law: all that a registration rests on is compared in the transaction that makes it.

The version, its proofs, its row in the method table, and what comes with it go into that one transaction.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from kernel.errors import BadArguments, Conflict, LimitExceeded
from kernel.lookup import MAX_PATH
from kernel.objects import (
    EffectSet,
    MethodPointer,
    MethodRecord,
    MethodVersion,
    Namespace,
    ObjectId,
    Severity,
    check_slot_name,
    parse_selector,
)
from kernel.signature import parse_method
from kernel.transactions import Token
from objectstore import records
from objectstore.core import Core, persist
from objectstore.examples import Shelf, dated, keeping
from objectstore.keys import DefinitionKey, VersionKey
from objectstore.landings import check_held, check_landing, joined, landed
from objectstore.ledger import Entry, Span, Step
from objectstore.proofs import checked_proof, proof_puts
from objectstore.proving import KeptExample
from objectstore.store import Draft, Landing
from objectstore.switch import opened

ANY: Final = "*"  # what an effect set says where it cannot know the name


class Registrations:
    """The part of the store that takes new method versions; see Store for what it promises."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def register(
        self,
        namespace: Namespace,
        draft: Draft,
        *,
        activate: bool,
        expected: Mapping[ObjectId, int] | None = None,
        examples: Sequence[KeptExample] = (),
        landing: Landing | None = None,
    ) -> tuple[MethodRecord, Token]:
        """See Store."""
        others = dict(expected or {})
        own = others.pop(draft.holder, None)
        if len(others) >= MAX_PATH:
            raise LimitExceeded("path", f"at most {MAX_PATH} definitions are compared with a registration")
        same = {DefinitionKey(namespace, item).encode(): revision for item, revision in others.items()}
        unnumbered = self._checked(draft)
        given = dated(examples, self._core.now())
        evidence = tuple(checked_proof(proof, self._core.now()) for proof in draft.evidence)
        flown = check_landing(landing, namespace, draft.holder, draft.selector) if landing else ()

        async def attempt() -> tuple[MethodRecord, Token] | None:
            spans = [*(Span.key(each, values=False) for each in same), *map(Span.key, flown)]
            switch = await opened(self._core) if activate and draft.provenance.synthesis_id else dict[bytes, int]()
            held, reading = await self._core.holder(namespace, draft.holder, *spans)
            if landing:
                check_held(landing, reading.spans[-len(flown) :], held.definition.incarnation)
            held.expect(own)
            _expect_others(others, reading.spans[1 : 1 + len(others)])
            before = held.definition.methods.get(draft.selector, MethodPointer())
            number = before.latest + 1
            method = replace(unnumbered, number=number)
            key = VersionKey(namespace, draft.holder, held.definition.incarnation, draft.selector, number)
            after = replace(before, latest=number)
            after = after.moved(number) if activate else after
            shelf = Shelf(namespace, draft.holder, held.definition.incarnation, draft.selector)
            if (keeps := await keeping(self._core, shelf, given) if given else (Step(), 0)) is None:
                return None
            beside, _ = keeps
            puts = {
                key.encode(): records.encode(method),
                held.key: held.moved(draft.selector, after),
                **proof_puts(key, evidence),
                **beside.puts,
            }
            step = replace(beside, same={**same, **switch, key.encode(): 0}, puts=puts)
            record = MethodRecord(method, evidence, active=activate)
            if landing:
                step = joined(step, landed(landing, record, self._core.now()))
            revision = await self._core.take(held, step)
            return None if revision is None else (record, self._core.token(revision))

        return await persist(attempt)

    def _checked(self, draft: Draft) -> MethodVersion:
        """The version, yet without a number. Raises BadArguments, BadValue, LimitExceeded."""
        if any(finding.severity is Severity.ERROR for finding in draft.findings):
            raise BadArguments("a source that the audit refuses is not registered", field="findings")
        parameters = parse_method(draft.source, draft.selector)
        if draft.effects is not None:
            _check_effects(draft.effects)
        return MethodVersion(
            holder=draft.holder,
            selector=draft.selector,
            number=0,
            source=draft.source,
            digest=hashlib.sha256(draft.source.encode()).hexdigest(),
            parameters=parameters,
            provenance=draft.provenance,
            findings=tuple(draft.findings),
            created=self._core.now(),
            effects=draft.effects,
        )


def _check_effects(effects: EffectSet) -> None:
    """Raises BadValue, BadArguments where it names what is neither a slot nor a selector, nor any."""
    for name in (*effects.reads, *effects.writes):
        if name != ANY:
            check_slot_name(name)
    for name in effects.sends:
        if name != ANY:
            parse_selector(name)


def _expect_others(expected: Mapping[ObjectId, int], found: Sequence[Sequence[Entry]]) -> None:
    pairs = zip(expected.items(), found, strict=True)
    if changed := [item for (item, revision), entries in pairs if not entries or entries[0].revision != revision]:
        raise Conflict(f"the definition of {', '.join(changed)} changed since it was read: read it again", changed)

"""What is there already is not written again. Law: adopted is what passes all that a draft would have to, unchanged."""

from collections.abc import Awaitable, Callable, Sequence

from kernel.messages import Message
from kernel.objects import Level, MethodVersion
from synthesizer.drafts import Draft
from synthesizer.examination import Examination
from synthesizer.order import Order
from synthesizer.trial import Choice, Tried


async def adopt(
    found: Sequence[MethodVersion], order: Order, examination: Callable[[Message], Awaitable[Examination]]
) -> tuple[Choice | None, MethodVersion | None]:
    """The first version that passes the audit, every example and the message itself; (None, None) where none does.

    Others may join until one has passed; from then on it is judged by their examples too. StoreUnavailable, Overloaded.
    """
    message, joined = order.message, False
    for version in found:
        tried = await _tried(version, await examination(message))
        if tried is not None and not joined:
            asked, message, joined = message, await order.begin_drafting(), True
            if message.examples != asked.examples:
                tried = await _tried(version, await examination(message))
        if tried is not None:
            name = f"{version.holder}.{version.selector}@{version.number}"
            return Choice(tried, 1, (Level.AUDITED, Level.EXAMPLES), adopted=name), version
    return None, None


async def _tried(version: MethodVersion, examination: Examination) -> Tried | None:
    attempt = await examination.of(Draft(0, version.source))
    return attempt.tried if attempt.passed else None

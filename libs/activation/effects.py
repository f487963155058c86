"""What an activation may touch. Law: a version that says what it touches touches no more; one that does has no effect.

A version's effect set is read off its source when it is registered; here it is held, whatever the source turns out to
do. A write counts where it would be seen by another: when it is kept, and when the activation is suspended in a send.
Reads are not watched: a method sees all slots of its object anyhow. A version without an effect set may touch anything.
"""

from collections.abc import Iterable

from kernel.errors import MethodRaised
from kernel.objects import EffectSet, MethodVersion

EFFECT_ERROR = "EffectError"
_ANY = "*"


def may_write(effects: EffectSet | None, slots: Iterable[str]) -> bool:
    """Whether all of these slots are among those that may be written."""
    if effects is None or _ANY in effects.writes:
        return True
    for name in slots:  # noqa: SIM110 - a generator would cost a hit more than all the rest of this
        if name not in effects.writes:
            return False
    return True


def check_writes(method: MethodVersion, slots: Iterable[str]) -> None:
    """Raises MethodRaised (EffectError) where the method may not write one of the slots."""
    effects = method.effects
    if effects is not None and not may_write(effects, slots):
        more = sorted(set(slots) - set(effects.writes))
        raise _beyond(method, f"it wrote {', '.join(more)}, and its effect set has {_listed(effects.writes)}")


def check_send(method: MethodVersion, selector: str) -> None:
    """Raises MethodRaised (EffectError) where the method may not send the selector, by send or resend."""
    effects = method.effects
    if effects is not None and _ANY not in effects.sends and selector not in effects.sends:
        raise _beyond(method, f"it sent {selector!r}, and its effect set has {_listed(effects.sends)}")


def _beyond(method: MethodVersion, what: str) -> MethodRaised:
    return MethodRaised(method.holder, method.selector, EFFECT_ERROR, what)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"

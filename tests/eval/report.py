"""What outcomes come to: a table, what was wrong, a plot. Law: figures are counted from outcomes, and nothing else."""

from collections.abc import Iterable, Sequence
from statistics import mean

from eval.judge import Outcome
from eval.ways import WAYS

_WIDTH, _HEIGHT, _LEFT, _BASE = 640, 320, 60, 270
_COLUMNS = (
    *("way", "tasks", "first draft right", "some draft right", "installed", "right of all", "wrong of installed"),
    *("drafts", "tokens", "seconds"),
)


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each way, in Markdown."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for way in WAYS:
        found = [each for each in outcomes if each.way == way.name]
        if not found:
            continue
        installed = [each for each in found if each.installed]
        wrong = [each for each in installed if each.wrong]
        lines.append(
            f"| {way.name} | {len(found)} | {_share(each.first_right for each in found)} "
            f"| {_share(each.any_right for each in found)} | {_share(each.installed for each in found)} "
            f"| {_share(each.right for each in found)} | {len(wrong)} of {len(installed)} "
            f"| {mean(each.drafts for each in found):.1f} | {mean(each.tokens for each in found):,.0f} "
            f"| {mean(each.seconds for each in found):.1f} |"
        )
    return lines


def by_group(outcomes: Sequence[Outcome]) -> list[str]:
    """What a way installed and had right, by the kind of the task."""
    lines = ["| kind | tasks | installed | right of all |", "|---|---|---|---|"]
    for group in sorted({each.group for each in outcomes}):
        found = [each for each in outcomes if each.group == group]
        lines.append(
            f"| {group} | {len(found)} | {_share(each.installed for each in found)} "
            f"| {_share(each.right for each in found)} |"
        )
    return lines


def wrong(outcomes: Sequence[Outcome]) -> list[str]:
    """Each method that was installed and is wrong: the first call that shows it, and its source."""
    lines: list[str] = []
    for each in outcomes:
        if each.installed and each.wrong:
            lines += [
                f"**{each.task}** ({each.way}, {each.half}): `{each.wrong[0]}`",
                "```python",
                each.source.rstrip(),
                "```",
            ]
    return lines


def missed(outcomes: Sequence[Outcome]) -> list[str]:
    """Each task that nothing was installed for, with its reason."""
    return [f"- {each.task} ({each.way}): {each.failure[:200]}" for each in outcomes if not each.installed]


def plot(outcomes: Sequence[Outcome]) -> str:
    """An SVG: tokens of a method against the share of all tasks that is right, a point for each way."""
    points: list[tuple[str, float, float]] = []
    for way in WAYS:
        found = [each for each in outcomes if each.way == way.name]
        if found:
            right = sum(each.right for each in found) / len(found)
            points.append((way.name, mean(each.tokens for each in found), right))
    most = max((tokens for _, tokens, _ in points), default=1.0) * 1.15
    right_side, middle = _WIDTH - 20, _BASE / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" style="font: 12px sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<path d="M{_LEFT} 20V{_BASE}H{right_side}" fill="none" stroke="black"/>',
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 12}" text-anchor="middle">tokens a method</text>',
        f'<text x="16" y="{middle}" transform="rotate(-90 16 {middle})" text-anchor="middle">right of all</text>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = _BASE - share * (_BASE - 20)
        lines.append(f'<path d="M{_LEFT} {y}H{right_side}" stroke="#ddd"/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{share:.0%}</text>')
    for name, tokens, right in points:
        x, y = _LEFT + tokens / most * (_WIDTH - 20 - _LEFT), _BASE - right * (_BASE - 20)
        lines.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="#36c"/><text x="{x + 7:.0f}" y="{y + 4:.0f}">{name}</text>'
        )
        lines.append(f'<text x="{x:.0f}" y="{_BASE + 16}" text-anchor="middle" fill="#666">{tokens:,.0f}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _share(found: Iterable[bool]) -> str:
    each = list(found)
    return f"{sum(each) / len(each):.0%}"

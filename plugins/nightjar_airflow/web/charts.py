"""Line charts as SVG, drawn on the server: text that can be tested, printed and read without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

WIDTH, HEIGHT = 760, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 28


@dataclass(frozen=True)
class Line:
    """Values over days; with `low` and `high` as a band. None leaves a gap."""

    name: str
    style: int
    """Which of the colours of the style sheet: the same in every chart."""
    days: Sequence[date]
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


def line_chart(title: str, lines: Sequence[Line], marks: Sequence[tuple[date, str]] = ()) -> Markup:
    """All lines on one scale that begins at 0, with vertical marks; a sentence where there is nothing to draw."""
    days = sorted({day for line in lines for day in line.days})
    tops = [v for line in lines for series in (line.values, line.high) for v in series if v is not None]
    if len(days) < 2 or not tops:
        return Markup('<p class="empty">Too few nights to draw yet.</p>')
    highest = _round_up(max(tops))
    first, span = days[0], max((days[-1] - days[0]).days, 1)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / span, 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / highest, 1)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for step in range(5):
        value = highest * step / 4
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{value:.3g}</text>')
    for day in (days[0], days[len(days) // 2], days[-1]):
        anchor = "start" if day == days[0] else "end" if day == days[-1] else "middle"
        parts.append(f'<text x="{x(day)}" y="{HEIGHT - 8}" text-anchor="{anchor}">{day:%d %b %Y}</text>')
    for day, label in marks:
        if days[0] <= day <= days[-1]:
            upright = f'<line class="mark" x1="{x(day)}" x2="{x(day)}" y1="{TOP}" y2="{HEIGHT - BOTTOM}">'
            parts.append(f"{upright}<title>{escape(label)}</title></line>")
    for line in lines:
        band = [
            (day, low, high)
            for day, low, high in zip(line.days, line.low, line.high, strict=False)
            if low is not None and high is not None
        ]
        if len(band) > 1:
            upper = " ".join(f"{x(day)},{y(high)}" for day, _, high in band)
            lower = " ".join(f"{x(day)},{y(low)}" for day, low, _ in reversed(band))
            parts.append(f'<polygon class="band s{line.style}" points="{upper} {lower}"/>')
        points = [(day, value) for day, value in zip(line.days, line.values, strict=True) if value is not None]
        path = " ".join(f"{x(day)},{y(value)}" for day, value in points)
        parts.append(f'<polyline class="line s{line.style}" points="{path}"/>')
        for day, value in points:
            label = escape(f"{line.name}, {day}: {value:.4f}")
            parts.append(
                f'<circle class="s{line.style}" cx="{x(day)}" cy="{y(value)}" r="2.5"><title>{label}</title></circle>'
            )
    parts.append("</svg>")
    legend = "".join(f'<li class="s{line.style}">{escape(line.name)}</li>' for line in lines)
    return Markup(f'<figure class="chart">{"".join(parts)}<ul class="legend">{legend}</ul></figure>')


def _round_up(value: float) -> float:
    """The next round number whose quarters are round."""
    if value <= 0:
        return 1.0
    power = 10.0 ** len(str(int(1 / value))) if value < 1 else 10.0 ** -(len(str(int(value))) - 1)
    scaled = value * power
    return (
        next(
            step for step in (1, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10, 16, 20, 24, 30, 40, 50, 60, 80, 100) if step >= scaled
        )
        / power
    )

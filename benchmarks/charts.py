"""Charts of the measurements as SVG, written by hand: no library, readable on paper.

Here live two drawings, bars and lines, both on logarithmic axes, because what is compared differs
by orders of magnitude. What is drawn, and where the file goes, is the caller's.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

INK, QUIET, RULE, BAR, ACCENT = "#1b1f24", "#57606a", "#d0d7de", "#8c959f", "#0b5cad"
COLOURS = (ACCENT, "#b35900", "#1a7f37", "#8250df", "#57606a")
FONT = "font-family='Helvetica, Arial, sans-serif'"
HALO = "paint-order='stroke' stroke='white' stroke-width='3'"
"""Keeps a value readable where a line runs behind it."""

MARGIN = 24


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        label: Whose it is.
        note: What to know of it, in small letters under the label.
        values: Its value in each panel.
        is_ours: Drawn in the accent colour.
    """

    label: str
    note: str
    values: Sequence[float]
    is_ours: bool = False


@dataclass(frozen=True)
class Line:
    """One line through measured points.

    Attributes:
        label: What was measured.
        points: Positions and values, by position.
    """

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: What the values are, with their unit.
        write: A value as text.
        lines: What is drawn in it; bars take their values from `Bar.values`.
    """

    title: str
    write: Callable[[float], str]
    lines: Sequence[Line] = ()


def draw_bars(title: str, subtitle: str, panels: Sequence[Panel], bars: Sequence[Bar]) -> str:
    """Draw one row per bar and one column per panel, the values written at the bars' ends."""
    label_width, panel_width, gap, row, top = 330, 330, 36, 46, 96
    width = 2 * MARGIN + label_width + len(panels) * (panel_width + gap) - gap
    height = top + row * len(bars) + 50
    parts = [_text(MARGIN, 34, title, size=19, weight="bold"), _text(MARGIN, 56, subtitle, size=12)]
    for number, bar in enumerate(bars):
        middle = top + row * number + row / 2
        parts += [
            _text(MARGIN, middle - 3, bar.label, size=13, weight="bold" if bar.is_ours else ""),
            _text(MARGIN, middle + 12, bar.note, size=10.5, fill=QUIET),
        ]
    for column, panel in enumerate(panels):
        left = MARGIN + label_width + column * (panel_width + gap)
        values = [bar.values[column] for bar in bars]
        low, high = _decades(values)
        # The value stands behind its bar, and the longest one needs room for it.
        place = _log_scale(low, high, left, left + panel_width - 74)
        bottom = top + row * len(bars)
        parts.append(_text(left, top - 14, panel.title, size=12, weight="bold"))
        for tick in _ticks(low, high):
            parts += [
                _rule(place(tick), top - 4, place(tick), bottom),
                _text(place(tick), bottom + 16, panel.write(tick), size=10.5, anchor="middle"),
            ]
        for number, (bar, value) in enumerate(zip(bars, values, strict=True)):
            y, end = top + row * number + 10, place(max(value, low))
            colour = ACCENT if bar.is_ours else BAR
            parts += [
                f"<rect x='{left}' y='{y}' width='{end - left:.1f}' height='{row - 20}' "
                f"fill='{colour}'/>",
                _text(end + 6, y + 17, panel.write(value), size=12, fill=INK),
            ]
    note = "Logarithmic axes: each grey line is ten times the one before."
    parts.append(_text(MARGIN, height - 14, note, size=10.5, fill=QUIET))
    return _document(width, height, title, parts)


def draw_lines(
    title: str, subtitle: str, panels: Sequence[Panel], write_position: Callable[[float], str]
) -> str:
    """Draw panels of lines over one kind of position, each with the straight growth beside it.

    The dashed line starts at a line's first point and grows as its position does: what lies below
    it grows slower than the data.
    """
    panel_width, panel_height, gap, top = 430, 330, 90, 118
    width = 2 * MARGIN + len(panels) * (panel_width + gap) - gap + 20
    height = top + panel_height + 76
    bottom = top + panel_height
    parts = [_text(MARGIN, 34, title, size=19, weight="bold"), _text(MARGIN, 56, subtitle, size=12)]
    positions = [x for panel in panels for line in panel.lines for x, _ in line.points]
    least, most = min(positions), max(positions)
    for column, panel in enumerate(panels):
        left = MARGIN + 46 + column * (panel_width + gap)
        right = left + panel_width - 46
        low, high = _decades([y for line in panel.lines for _, y in line.points])
        across = _log_scale(least / 1.5, most * 1.5, left, right)
        up = _log_scale(low, high, bottom, top)
        parts.append(_text(left - 46, top - 36, panel.title, size=13, weight="bold"))
        for tick in _ticks(low, high):
            parts += [
                _rule(left, up(tick), right, up(tick)),
                _text(left - 8, up(tick) + 4, panel.write(tick), size=10.5, anchor="end"),
            ]
        for position in sorted(set(positions)):
            parts += [
                _rule(across(position), bottom, across(position), bottom + 5),
                _text(
                    across(position), bottom + 20, write_position(position),
                    size=10.5, anchor="middle",
                ),
            ]  # fmt: skip
        for number, line in enumerate(panel.lines):
            colour = COLOURS[number % len(COLOURS)]
            (x0, y0), (x1, _) = line.points[0], line.points[-1]
            reach = min(x1, x0 * high / y0)
            parts.append(
                _stroke([(x0, y0), (reach, y0 * reach / x0)], across, up, colour, is_dashed=True)
            )
            parts.append(_stroke(line.points, across, up, colour))
        for number, line in enumerate(panel.lines):
            colour = COLOURS[number % len(COLOURS)]
            # Above the uppermost line, below the others, so that the values do not meet.
            is_upper = line.points[-1][1] == max(other.points[-1][1] for other in panel.lines)
            for x, y in line.points:
                parts += [
                    f"<circle cx='{across(x):.1f}' cy='{up(y):.1f}' r='4' fill='{colour}'/>",
                    _text(
                        across(x), up(y) + (-10 if is_upper else 20), panel.write(y),
                        size=11, anchor="middle", fill=colour,
                    ),
                ]  # fmt: skip
            parts += [
                f"<rect x='{left + number * 180}' y='{top - 24}' width='18' height='4' "
                f"fill='{colour}'/>",
                _text(left + number * 180 + 24, top - 18, line.label, size=11.5),
            ]
    note = "Logarithmic axes. Dashed: growth in proportion to the documents, from the first point."
    parts += [
        _text(MARGIN, bottom + 42, "Documents", size=11.5),
        _text(MARGIN, height - 14, note, size=10.5, fill=QUIET),
    ]
    return _document(width, height, title, parts)


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """The powers of ten around all values, the lower one clear of the least."""
    low = 10.0 ** math.floor(math.log10(min(values) * 0.7))
    high = 10.0 ** math.ceil(math.log10(max(values) * 1.05))
    return low, max(high, low * 10)


def _ticks(low: float, high: float) -> Iterator[float]:
    decades = round(math.log10(high / low))
    yield from (low * 10**power for power in range(decades + 1))


def _log_scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (end - start) * math.log(value / low) / math.log(high / low)


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    weight: str = "",
    anchor: str = "start",
    fill: str = INK,
) -> str:
    bold = f" font-weight={quoteattr(weight)}" if weight else ""
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' "
        f"fill='{fill}'{bold} {HALO}>{escape(text)}</text>"
    )


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' "
        f"stroke='{RULE}' stroke-width='1'/>"
    )


def _stroke(
    points: Sequence[tuple[float, float]],
    across: Callable[[float], float],
    up: Callable[[float], float],
    colour: str,
    *,
    is_dashed: bool = False,
) -> str:
    path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
    style = (
        "stroke-width='1.2' stroke-dasharray='5 4' opacity='0.7'"
        if is_dashed
        else ("stroke-width='2.2'")
    )
    return f"<polyline points='{path}' fill='none' stroke='{colour}' {style}/>"


def _document(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    return "\n".join(
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0f} {height:.0f}' "
            f"width='{width:.0f}' height='{height:.0f}' {FONT} role='img'>",
            f"<title>{escape(title)}</title>",
            f"<rect width='{width:.0f}' height='{height:.0f}' fill='white'/>",
            *parts,
            "</svg>",
            "",
        )
    )

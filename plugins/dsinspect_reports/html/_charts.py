"""Charts as inline SVG, drawn as wide as a phone so that their text is never scaled below 11 px."""

from __future__ import annotations

import math
from collections.abc import Sequence
from unicodedata import east_asian_width

from markupsafe import Markup, escape

from dsinspect.protocols.chart import Chart
from dsinspect_reports._counted import is_of_counts

WIDTH, HEIGHT = 320, 220
LEFT, BOTTOM, TOP, RIGHT = 46, 42, 10, 12
ABOVE = 24
"""Room above the axes, for what is counted upwards, px."""
MAX_BARS = 24
BAR = 19
"""Height of a bar with its gap, px."""
NAMES = (40, 150)
"""Room of the names of bars, px: as much as the longest needs, between these."""
EM = 12.0
"""Height of letters, as in page.css, px."""


def draw(chart: Chart) -> Markup:
    """Return a chart as a figure; empty when there is nothing to draw or the kind is not known."""
    if not chart.y:
        return Markup("")
    kinds = {"bar": bars, "histogram": histogram, "scatter": scatter, "heatmap": heatmap}
    inside = kinds.get(chart.kind)
    if inside is None:
        return Markup("")
    height, content = inside(chart)
    return Markup('<figure><figcaption>{title}</figcaption><svg viewBox="0 0 {width} {height}" role="img" '
                  'aria-label="{title}">{content}</svg></figure>').format(
        title=chart.title, width=WIDTH, height=round(height), content=content)


def bars(chart: Chart) -> tuple[float, Markup]:
    """Draw horizontal bars with names and values; the many smallest are summed up in a line."""
    n = len(chart.y)
    shown = list(range(n)) if n <= MAX_BARS else [*range(MAX_BARS - 4), *range(n - 3, n)]
    top = max((float(v) for v in chart.y if math.isfinite(float(v))), default=0.0) or 1.0
    room = min(max([NAMES[0], *(width_of(str(chart.x[k])) for k in shown)]), NAMES[1]) + 4
    parts, row = [], 0
    for place, k in enumerate(shown):
        if len(shown) < n and place == MAX_BARS - 4:
            parts.append(text(room, TOP + (row + 0.7) * BAR, f"and {n - len(shown):,} more", "end", "quiet"))
            row += 1
        y, value = TOP + row * BAR, float(chart.y[k])
        length = max(value, 0.0) / top * (WIDTH - room - 64) if math.isfinite(value) else 0.0
        parts.append(text(room, y + 0.7 * BAR, fitted(str(chart.x[k]), room - 4), "end"))
        parts.append(rect(room + 6, y + 3, max(length, 1), BAR - 6, f"{chart.x[k]}: {number(value)}"))
        parts.append(text(room + 11 + length, y + 0.7 * BAR, number(value), "start", "quiet"))
        row += 1
    return 2 * TOP + row * BAR, Markup("").join(parts)


def histogram(chart: Chart) -> tuple[float, Markup]:
    """Draw columns between edges; `x` has one edge more than `y` has heights. One value alone is one bar."""
    edges, heights = [float(v) for v in chart.x], [float(v) for v in chart.y]
    filled = [k for k, h in enumerate(heights) if h > 0]
    if len(filled) <= 1:  # a single size or a single count: axes would pretend a spread that is not there
        k = filled[0] if filled else 0
        low, high = edges[k], edges[k + 1]
        name = number(low) if high - low <= 1.0 + 0.01 * abs(low) else f"{number(low)} to {number(high)}"
        return bars(Chart("bar", chart.title, (name,), (heights[k],)))
    low, high, top = edges[0], edges[-1], max(heights) or 1.0
    counts = is_of_counts(chart)  # each bar is one number, which stands below it
    parts = [axes(chart, low, high, 0.0, top, 0.5 if counts else 0.0, whole=(counts, all(map(float.is_integer, heights))))]
    for k, value in enumerate(heights):
        x, end = scaled(edges[k], low, high), scaled(edges[k + 1], low, high)
        length = value / top * (HEIGHT - ABOVE - BOTTOM)
        parts.append(rect(x + 0.4, HEIGHT - BOTTOM - length, max(end - x - 0.8, 0.6), length,
                          f"{number(edges[k])}{'' if counts else f' to {number(edges[k + 1])}'}: {number(value)}"))
    return HEIGHT, Markup("").join(parts)


def scatter(chart: Chart) -> tuple[float, Markup]:
    """Draw points, on axes that begin at 0."""
    points = [(float(x), float(y)) for x, y in zip(chart.x, chart.y, strict=True)]
    points = [p for p in points if all(map(math.isfinite, p))]
    high_x, high_y = (max((p[k] for p in points), default=0.0) * 1.1 or 1.0 for k in (0, 1))
    parts = [axes(chart, 0.0, high_x, 0.0, high_y)]
    for x, y in points:
        place = HEIGHT - BOTTOM - y / high_y * (HEIGHT - ABOVE - BOTTOM)
        parts.append(Markup('<circle class="mark soft" cx="{:.1f}" cy="{:.1f}" r="4"><title>{} x {}</title></circle>').format(
            scaled(x, 0.0, high_x), place, number(x), number(y)))
    return HEIGHT, Markup("").join(parts)


def heatmap(chart: Chart) -> tuple[float, Markup]:
    """Draw a grid of cells, the more the stronger, and say so: the maps below it on the page are brightest there."""
    rows = [[float(v) for v in row] for row in chart.y]
    top = max((max(r) for r in rows if r), default=0.0) or 1.0
    size = min(200 / len(rows), (WIDTH - 2 * LEFT) / max(len(rows[0]), 1))
    left = (WIDTH - size * len(rows[0])) / 2
    parts = [Markup('<rect class="frame" x="{:.1f}" y="{}" width="{:.1f}" height="{:.1f}"/>').format(
        left, TOP, size * len(rows[0]), size * len(rows))]
    parts += [Markup('<rect class="mark" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill-opacity="{:.3f}">'
                     "<title>{}</title></rect>").format(left + x * size, TOP + y * size, size, size, value / top, number(value))
              for y, row in enumerate(rows) for x, value in enumerate(row) if value > 0]
    below = 2 * TOP + size * len(rows)
    parts.append(text(WIDTH / 2, below + 4, "The strongest colour is the most.", "middle", "quiet"))
    return below + TOP, Markup("").join(parts)


def axes(chart: Chart, low_x: float, high_x: float, low_y: float, high_y: float, shift: float = 0.0,
         whole: tuple[bool, bool] = (False, False)) -> Markup:
    """Draw axes with round numbers and their names.

    Args:
        chart: whose names.
        low_x: number at the left end; `high_x`, `low_y` and `high_y` are those at the other ends.
        high_x: see `low_x`.
        low_y: see `low_x`.
        high_y: see `low_x`.
        shift: puts the numbers of x into the middle of bars.
        whole: whether only whole numbers make sense, of x and of y.
    """
    base, height = HEIGHT - BOTTOM, HEIGHT - ABOVE - BOTTOM
    parts = [Markup('<path class="axis" d="M{} {}V{}H{}"/>').format(LEFT, ABOVE, base, WIDTH - RIGHT)]
    parts += [text(min(scaled(value + shift, low_x, high_x), WIDTH - RIGHT - 8), base + 15, number(value), "middle", "quiet")
              for value in ticks(low_x, high_x - shift) if not whole[0] or value.is_integer()]
    for value in ticks(low_y, high_y, 4):
        if whole[1] and not value.is_integer():
            continue
        y = base - (value - low_y) / (high_y - low_y) * height
        parts.append(Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(LEFT, y, WIDTH - RIGHT))
        parts.append(text(LEFT - 5, y + 4, number(value), "end", "quiet"))
    if chart.y_label:
        parts.append(text(6, 14, clipped(chart.y_label, 44), "start", "quiet"))
    if chart.x_label:
        parts.append(text(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 8, clipped(chart.x_label, 44), "middle", "quiet"))
    return Markup("").join(parts)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers between two others, about `count` of them.

    >>> ticks(0, 23.4)
    [0.0, 5.0, 10.0, 15.0, 20.0]
    >>> ticks(554, 555)
    [554.0, 554.2, 554.4, 554.6, 554.8, 555.0]
    """
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return [low]
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def scaled(value: float, low: float, high: float) -> float:
    """Return the place of a value on the x axis."""
    return LEFT + (value - low) / max(high - low, 1e-9) * (WIDTH - LEFT - RIGHT)


def rect(x: float, y: float, width: float, height: float, title: str) -> Markup:
    """Return a mark with a title."""
    return Markup('<rect class="mark" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1"><title>{}</title></rect>').format(
        x, y, width, height, title)


def number(value: float) -> str:
    """Return a number as people write it.

    >>> [number(v) for v in (27980, 0.5, 1234.5, 1e-05)]
    ['27,980', '0.5', '1,234', '1e-05']
    """
    if not math.isfinite(value):
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"


def text(x: float, y: float, content: str, anchor: str, style: str = "") -> Markup:
    """Return a text element."""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>').format(x, y, anchor, style, escape(content))


def width_of(content: str) -> float:
    """Return about how wide a text is, px: letters of a sans serif, the wide ones of CJK a whole em."""
    return EM * sum(1.0 if east_asian_width(c) in "WF" else 0.95 if c in "MWmw@%" else 0.72 if c.isupper() else 0.56
                    for c in content)


def fitted(content: str, room: float) -> str:
    """Return a text that fits into some px, cut at its end.

    >>> fitted("car", 90.0), fitted("ROAD_SURFACE_MARKING", 90.0)
    ('car', 'ROAD_SURF…')
    """
    if width_of(content) <= room:
        return content
    cut = content
    while cut and width_of(cut) > room - EM:
        cut = cut[:-1]
    return cut + "…"


def clipped(content: str, limit: int) -> str:
    """Return at most `limit` characters."""
    return content if len(content) <= limit else content[:limit - 1] + "…"


__all__: Sequence[str] = ("draw",)

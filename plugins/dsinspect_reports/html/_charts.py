"""Charts as inline SVG; colours come from the page, so that they follow its light and dark modes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dsinspect.protocols.chart import Chart

WIDTH, HEIGHT = 640, 300
LEFT, BOTTOM, TOP, RIGHT = 56, 46, 12, 12
MAX_BARS = 24


def draw(chart: Chart) -> str:
    """Return a chart as a figure, or an empty string for a kind that is not drawn."""
    inside = {"bar": bars, "histogram": histogram, "scatter": scatter, "heatmap": heatmap}.get(chart.kind)
    if inside is None or not chart.y:
        return ""
    title = escape(chart.title)
    return (f'<figure><figcaption>{title}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
            f"{inside(chart)}</svg></figure>")


def bars(chart: Chart) -> str:
    """Draw horizontal bars with names and values; the many smallest are summed up in a line."""
    n = len(chart.y)
    shown = list(range(n)) if n <= MAX_BARS else [*range(MAX_BARS - 4), *range(n - 3, n)]
    rows = len(shown) + (len(shown) < n)
    step = (HEIGHT - 2 * TOP) / rows
    top = max(float(v) for v in chart.y) or 1.0
    parts = []
    row = 0
    for place, k in enumerate(shown):
        if len(shown) < n and place == MAX_BARS - 4:
            parts.append(text(150, TOP + (row + 0.7) * step, f"and {n - len(shown):,} more", "end", "quiet"))
            row += 1
        y, value = TOP + row * step, float(chart.y[k])
        length = value / top * (WIDTH - 240)
        parts.append(text(150, y + 0.7 * step, clipped(str(chart.x[k]), 22), "end"))
        parts.append(f'<rect class="mark" x="156" y="{y + 0.12 * step:.1f}" width="{max(length, 1):.1f}" '
                     f'height="{0.76 * step:.1f}" rx="2"><title>{escape(str(chart.x[k]))}: {value:,.0f}</title></rect>')
        parts.append(text(162 + length, y + 0.7 * step, f"{value:,.0f}", "start", "quiet"))
        row += 1
    return "".join(parts)


def histogram(chart: Chart) -> str:
    """Draw columns between edges; `x` has one edge more than `y` has heights."""
    edges, heights = [float(v) for v in chart.x], [float(v) for v in chart.y]
    low, high, top = edges[0], edges[-1], max(heights) or 1.0

    def place(v: float) -> float:
        return LEFT + (v - low) / max(high - low, 1e-9) * (WIDTH - LEFT - RIGHT)

    parts = [axes(chart, low, high, 0.0, top)]
    for k, value in enumerate(heights):
        length = value / top * (HEIGHT - TOP - BOTTOM)
        x = place(edges[k])
        parts.append(f'<rect class="mark" x="{x + 0.5:.1f}" y="{HEIGHT - BOTTOM - length:.1f}" '
                     f'width="{max(place(edges[k + 1]) - x - 1, 0.5):.1f}" height="{length:.1f}">'
                     f"<title>{edges[k]:.4g} to {edges[k + 1]:.4g}: {value:,.0f}</title></rect>")
    return "".join(parts)


def scatter(chart: Chart) -> str:
    """Draw points."""
    xs, ys = [float(v) for v in chart.x], [float(v) for v in chart.y]
    high_x, high_y = max(xs) * 1.05 or 1.0, max(ys) * 1.05 or 1.0
    parts = [axes(chart, 0.0, high_x, 0.0, high_y)]
    for x, y in zip(xs, ys, strict=True):
        cx = LEFT + x / high_x * (WIDTH - LEFT - RIGHT)
        cy = HEIGHT - BOTTOM - y / high_y * (HEIGHT - TOP - BOTTOM)
        parts.append(f'<circle class="mark soft" cx="{cx:.1f}" cy="{cy:.1f}" r="4"><title>{x:g} x {y:g}</title></circle>')
    return "".join(parts)


def heatmap(chart: Chart) -> str:
    """Draw a grid of cells; the darkest is the largest."""
    rows = [[float(v) for v in row] for row in chart.y]
    top = max(max(r) for r in rows) or 1.0
    size = min((HEIGHT - 2 * TOP) / len(rows), (WIDTH - 2 * LEFT) / len(rows[0]))
    left = (WIDTH - size * len(rows[0])) / 2
    return "".join(
        f'<rect class="mark" x="{left + x * size:.1f}" y="{TOP + y * size:.1f}" width="{size:.1f}" height="{size:.1f}" '
        f'fill-opacity="{0.04 + 0.96 * value / top:.3f}"><title>{value:,.0f}</title></rect>'
        for y, row in enumerate(rows) for x, value in enumerate(row))


def axes(chart: Chart, low_x: float, high_x: float, low_y: float, high_y: float) -> str:
    """Draw axes with three labels each and their names."""
    base, width, height = HEIGHT - BOTTOM, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [f'<path class="axis" d="M{LEFT} {TOP}V{base}H{WIDTH - RIGHT}"/>']
    for share in (0.0, 0.5, 1.0):
        parts.append(text(LEFT + share * width, base + 16, number(low_x + share * (high_x - low_x)),
                          ("start", "middle", "end")[round(share * 2)], "quiet"))
        parts.append(text(LEFT - 6, base - share * height + 4, number(low_y + share * (high_y - low_y)), "end", "quiet"))
    parts.append(text(LEFT + width / 2, HEIGHT - 8, chart.x_label, "middle", "quiet"))
    return "".join(parts)


def number(value: float) -> str:
    """Return a number for an axis."""
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"


def text(x: float, y: float, content: str, anchor: str, style: str = "") -> str:
    """Return a text element."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{escape(content)}</text>'


def clipped(content: str, limit: int) -> str:
    """Return at most `limit` characters."""
    return content if len(content) <= limit else content[:limit - 1] + "…"


__all__: Sequence[str] = ("draw",)

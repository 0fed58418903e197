"""One HTML file with everything in it: style, script, charts, pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from inference_worker.engine.errors import BackendUnavailable

STYLE = Path(__file__).with_name("page.css")


@dataclass(frozen=True)
class Section:
    """A heading, a sentence or two in plain text, and HTML below them."""

    title: str
    words: str
    body: str


def plotly_script() -> str:
    """Plotly's script as it was installed; BackendUnavailable where it was not."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise BackendUnavailable(
            "a report needs plotly, which is not installed", "pip install plotly"
        ) from error
    return str(get_plotlyjs())


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The whole document. The policy in it lets no browser ask the network."""
    return _PAGE.format(
        title=escape(title),
        lead=escape(lead),
        style=STYLE.read_text(encoding="utf-8"),
        script=plotly_script(),
        sections="\n".join(map(_section, sections)),
    )


def chart(figure: dict[str, Any], alt: str) -> str:
    """A chart that the page's script draws when it is opened."""
    # A class of the name "</script>" must not end the script.
    data = json.dumps(figure, ensure_ascii=False, allow_nan=False)
    safe = data.replace("<", "\\u003c")
    height = figure["layout"]["height"]
    return (
        f'<div class="chart" role="img" aria-label="{escape(alt)}"'
        f' style="min-height:{height}px">'
        f'<script type="application/json">{safe}</script></div>'
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column names the row."""
    heads = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def tiles(figures: Sequence[tuple[str, str]]) -> str:
    """Figures one should see first, each with what it is."""
    inside = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in figures
    )
    return f'<dl class="tiles">{inside}</dl>'


def _section(section: Section) -> str:
    return (
        f"<section><h2>{escape(section.title)}</h2>"
        f"<p>{escape(section.words)}</p>{section.body}</section>"
    )


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}
</style>
<script>
{script}
</script>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="lead">{lead}</p>
{sections}
</main>
<script>
for (const chart of document.querySelectorAll(".chart")) {{
  const figure = JSON.parse(chart.querySelector("script").textContent);
  figure.config = {{ responsive: true, displaylogo: false, displayModeBar: false }};
  figure.layout.font.family = getComputedStyle(document.body).fontFamily;
  Plotly.newPlot(chart, figure);
}}
</script>
</body>
</html>
"""

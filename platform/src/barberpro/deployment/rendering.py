"""Renders generated documents: Jinja2 templates beside this module, Markdown to a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markdown_it.token import Token

PACKAGE = "barberpro.deployment"


@cache
def environment() -> Environment:
    """Templates by file name. HTML is escaped; a name that is not given is an error."""
    folder = files(PACKAGE).joinpath("templates")
    sources = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".j2")
    }
    made = Environment(
        loader=DictLoader(sources),
        autoescape=select_autoescape(("html.j2",), default_for_string=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["cell"] = cell
    made.filters["code"] = code
    made.filters["contact"] = contact
    return made


def cell(value: object) -> str:
    """Text for a cell of a Markdown table: one line, no markup of its own."""
    text = " ".join(str(value).split())
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"\\{sign}")
    return text


def contact(value: object) -> str:
    """A telephone number or an e-mail address as a link that a phone can follow."""
    text = str(value)
    if "@" in text:
        return f"[{cell(text)}](mailto:{text})"
    return f"[{cell(text)}](tel:{''.join(sign for sign in text if sign.isdigit() or sign == '+')})"


def code(value: object) -> str:
    """Inline code for a Markdown table's cell, whatever the text holds."""
    text = " ".join(str(value).split()).replace("|", "\\|")
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def markdown_page(title: str, language: str, markdown: str) -> str:
    """The Markdown as one HTML file that loads nothing; raw HTML in it is shown as text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    _label_cells(tokens)
    contents = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            name = tokens[at + 1].content
            anchor = "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
            token.attrSet("id", anchor)
            contents.append((anchor, name))
    body = parser.renderer.render(tokens, parser.options, {})
    body = body.replace("<table>", '<div class="table" tabindex="0"><table>')
    body = body.replace("</table>", "</table></div>")
    template = environment().get_template("page.html.j2")
    return template.render(title=title, language=language, contents=contents, body=body)


def _label_cells(tokens: Sequence[Token]) -> None:
    """Gives each cell the heading of its column, for phones, where rows stand as blocks."""
    headings: list[str] = []
    column = 0
    for at, token in enumerate(tokens):
        if token.type == "table_open":
            headings = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            headings.append(tokens[at + 1].content)
        elif token.type == "td_open":
            if len(headings) > 2 and column > 0:
                token.attrSet("data-label", headings[column])
            column += 1

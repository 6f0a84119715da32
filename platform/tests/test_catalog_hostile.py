"""Whatever is done to the documents, there is a valid catalog or a ``CatalogError``, never anything else."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from barberpro.catalog.documents import read_document
from barberpro.catalog.loader import parse_catalog
from barberpro.catalog.model import Catalog
from barberpro.catalog.problems import CatalogError

CATALOG = Path(__file__).resolve().parents[2] / "catalog"
TEXTS = {
    path.relative_to(CATALOG).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(CATALOG.rglob("*.yaml"))
}
PIECES = st.sampled_from([
    "null", "true", "-1", "1.5", "1e400", ".nan", "[]", "{}", "''", "\"\\u0000\"", "[[1]]", "{a: 1}",
    "*x", "&x 1", "!!str 1", "2026-11-24", "<<", "|", ">-", "? a", "- a", ": ", "\t", "\n", "\r", "#",
    "---", "...", "%YAML 1.1", "32+", "$0.15", "120%", "9" * 30, "0x1F", "10:30", "ñ", "\u2028", "\ufeff",
    "id: x", "redefines: [small]", "redefines: 3",
])  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, str]:
    """The shipped files with some lines dropped, repeated, moved, or values replaced."""
    texts = dict(TEXTS)
    for _ in range(draw(st.integers(1, 4))):
        file = draw(st.sampled_from(sorted(texts)))
        lines = texts[file].splitlines(keepends=True) or [""]
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["value", "drop", "repeat", "insert", "indent", "cut", "file"]))
        if how == "value":
            head = lines[at].split(":", 1)[0]
            lines[at] = f"{head}: {draw(PIECES | st.text(max_size=8))}\n"
        elif how == "drop":
            del lines[at]
        elif how == "repeat":
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif how == "insert":
            lines.insert(at, f"{draw(PIECES)}\n")
        elif how == "indent":
            lines[at] = draw(st.sampled_from([" ", "  ", "\t"])) + lines[at]
        elif how == "cut":
            lines = ["".join(lines)[: draw(st.integers(0, 400))]]
        else:
            other = draw(st.sampled_from(sorted(texts)))
            lines = [texts[other]]
        texts[file] = "".join(lines)
    return texts


def told(texts: dict[str, str]) -> CatalogError | Catalog:
    """What the loader makes of the texts; anything but these two escapes and fails the test."""
    try:
        return parse_catalog(texts)
    except CatalogError as error:
        return error


@settings(max_examples=60, deadline=None)
@given(mutations())
def test_mutated_catalogs_end_in_a_catalog_or_in_a_catalog_error(texts: dict[str, str]) -> None:
    result = told(texts)
    if isinstance(result, CatalogError):
        assert result.problems
        assert str(result).encode("utf-8")
        assert all(problem.mark.file for problem in result.problems)
        assert all("\n" not in str(problem) for problem in result.problems)
    else:
        assert set(result.verticals) == set(result.words) == set(result.seeds)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([*sorted(TEXTS), "policies/x.yaml", "controls/x.yaml", "providers/x.yaml"]),
    st.text(max_size=300) | st.lists(PIECES, max_size=30).map(" ".join) | st.lists(PIECES).map("\n".join),
)  # fmt: skip
def test_any_text_as_a_file_is_read_or_told(file: str, text: str) -> None:
    document, problems = read_document(file, text)
    assert document is not None or problems
    result = told({file: text})
    assert isinstance(result, CatalogError)
    assert str(result).encode("utf-8")


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=60), st.sampled_from(["a: 1", "", "[", "controls: {X: {}}"]))
def test_any_name_of_a_file_is_known_or_told(name: str, text: str) -> None:
    result = told({**TEXTS, name: text})
    assert isinstance(result, Catalog) or result.problems

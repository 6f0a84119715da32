"""House rules that no linter has: modules of at most 500 lines, functions of at most 60,
no more than 7 parameters, no exception passed over in silence, no handler that hides imports.

Prints each breach as file:line and exits 1 if there is one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE_LINES, FUNCTION_LINES, PARAMETERS = 500, 60, 7
ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("app/src", "platform/src", "scripts")


def breaches(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    where = path.relative_to(ROOT)
    lines = text.count("\n")
    if lines > MODULE_LINES:
        yield f"{where}:1: module has {lines} lines, the limit is {MODULE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            span = (node.end_lineno or node.lineno) - node.lineno + 1
            if span > FUNCTION_LINES:
                yield f"{where}:{node.lineno}: {node.name} has {span} lines, the limit is {FUNCTION_LINES}"
            arguments = node.args
            count = len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
            if count > PARAMETERS + (
                1 if arguments.args[:1] and arguments.args[0].arg in {"self", "cls"} else 0
            ):
                yield f"{where}:{node.lineno}: {node.name} has {count} parameters, the limit is {PARAMETERS}"
        if isinstance(node, ast.ExceptHandler) and all(isinstance(b, ast.Pass) for b in node.body):
            yield f"{where}:{node.lineno}: exception passed over in silence"


def main() -> int:
    found = [
        breach
        for folder in PRODUCT
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
        for breach in breaches(path)
    ]
    for breach in found:
        print(breach)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

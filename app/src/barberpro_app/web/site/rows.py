"""Rows of the agenda's board as a stylesheet: styles may not come with the page, so a row is a class."""

from __future__ import annotations

ROW_MINUTES = 5
ROWS_OF_DAY = 24 * 60 // ROW_MINUTES
#: Things beside each other in one column; what is more lies over the last.
ABREAST = 4


def stylesheet() -> str:
    """A class for each row at which something starts, and for each number of rows that it takes."""
    starts = (f".r{row}{{grid-row-start:{row + 1}}}" for row in range(ROWS_OF_DAY))
    spans = (f".h{rows}{{grid-row-end:span {rows}}}" for rows in range(1, ROWS_OF_DAY + 1))
    shares = (
        f".of{of}.at{at}{{grid-column:{1 + (at - 1) * 12 // of}/span {12 // of}}}"
        for of in range(1, ABREAST + 1)
        for at in range(1, of + 1)
    )
    return "".join((*starts, *spans, *shares))

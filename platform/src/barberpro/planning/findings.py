"""A finding: something a check saw, and what follows from it (DESIGN §2)."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Severity(StrEnum):
    """``blocking`` refuses the plan or fails the run; the others are shown and recorded."""

    INFO = "info"
    WARNING = "warning"
    BLOCKING = "blocking"


class Finding(BaseModel):
    """``control`` names the rule of law or policy (an id in ``catalog/controls``) where there is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    severity: Severity
    what: str
    where: str = ""
    why: str = ""  # the article, the section of the manual or the limit that it rests on
    mend: str = ""
    control: str = ""
    evidence: str = ""

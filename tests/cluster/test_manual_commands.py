"""The commands that are run against a live deployment are the manual's, all of them."""

from __future__ import annotations

from support_manual import extracted, kept
from support_operator import REPOSITORY

MANUAL = REPOSITORY.parent / "shared" / "procedures.md"


if MANUAL.exists():  # a clone has none beside it, and nothing is missing there

    def test_the_list_of_commands_is_the_manuals() -> None:
        assert kept() == extracted(MANUAL.read_text(encoding="utf-8"))


def test_commands_are_read_out_of_the_sections_that_are_meant() -> None:
    text = (
        "## Other\n```bash\nkubectl get nodes\n```\n## Troubleshooting Guide\n#### 1. Pods\n"
        "kubectl in a sentence\n```bash\n# kubectl get x\nkubectl create \\\n  secret\npsql\n```\n"
        "## End\n```bash\nhelm list\n```\n"
    )
    assert extracted(text) == {"1. Pods": ["kubectl create secret"]}

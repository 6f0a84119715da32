"""The commands of the tutorial, typed one after the other as they stand there."""

from __future__ import annotations

import re
import subprocess

import pytest
from support_operator import REPOSITORY, Operator

TUTORIAL = REPOSITORY / "docs" / "tutorial" / "first-deployment.md"


@pytest.mark.slow
def test_the_tutorial_works_as_it_is_written(operator: Operator) -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.M | re.S)
    commands = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert len(commands) >= 12
    for command in commands:
        finished = subprocess.run(
            ["bash", "-c", command], cwd=REPOSITORY, env=operator.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    assert not operator.processes()


def test_every_link_of_the_readme_leads_somewhere() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", text)
    for link in (a or b for a, b in links):
        assert (REPOSITORY / link).exists(), link

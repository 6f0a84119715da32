"""From ``git clone`` into an empty home to the first booking page served over HTTPS."""

from __future__ import annotations

import re
import subprocess
import time

from figures import Figure, emit
from homes import ARGUMENTS, operator
from support_operator import REPOSITORY


def main() -> None:
    with operator() as someone:
        someone.environment.pop("BARBERPRO_CACHE")
        someone.environment["UV_CACHE_DIR"] = str(someone.home / "uv-cache")
        someone.environment["PIP_CACHE_DIR"] = str(someone.home / "pip-cache")
        started = time.perf_counter()
        clone = someone.home / "clone"
        subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
        someone.repository = clone
        finished = someone.run(
            "deploy", "--vertical", "barbershop", "--name", "Uno", *ARGUMENTS, timeout=300
        )
        assert finished.returncode == 0, finished.stderr
        url = someone.data("status", "uno")["url"]
        page = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail", "--cacert", str(someone.state / "ca" / "root.crt"), url],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        spent = time.perf_counter() - started
        assert "<html" in page.stdout
        match = re.search(r"environment ready in ([0-9.]+) s", finished.stderr)
        packages = float(match.group(1)) if match else 0.0
        emit(Figure("fresh clone and empty cache to first served booking page", spent, "s", 60))
        emit(Figure("of which fetching and installing packages", packages, "s"))


if __name__ == "__main__":
    main()

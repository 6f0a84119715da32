"""Measure every figure and write RESULTS.md: ``scripts/benchmark.sh [NAME ...]``.

Each benchmark is a module of this folder, run as a process of its own, one after the other, that
prints figures as JSON lines. A named run updates only the rows that it measured.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
STATE = FOLDER / "results.json"
BENCHMARKS = (
    "command_line", "planning", "step_overhead", "pipeline", "fresh_clone", "memory", "fleet", "cluster_rollout",
    "cluster_pipeline", "cluster_scaling", "cluster_kills",
    "booking_post", "availability", "agenda", "pages", "race", "combinations", "operations", "api", "messages", "accessibility", "kill",
)  # fmt: skip


def measure(name: str) -> list[dict[str, object]]:
    print(f"== {name}", flush=True)
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / f"{name}.py")], stdout=subprocess.PIPE, text=True
    )
    rows: list[dict[str, object]] = []
    assert process.stdout is not None
    for line in process.stdout:
        print("  " + line.rstrip(), flush=True)
        if line.startswith("{"):
            rows.append(json.loads(line))
    if process.wait() != 0:
        raise SystemExit(
            f"benchmark {name} failed (exit {process.returncode}); nothing was written for it"
        )
    return rows


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), ""
        )
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def number(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value)}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def write(results: dict[str, dict[str, object]]) -> None:
    lines = [
        "# Measured figures",
        "",
        "Written by `scripts/benchmark.sh`, which measures all of them again; each row says when and on what it was",
        "measured. Ratios compare with the named peer in the same run on the same machine.",
        "",
        "| figure | measured | to reach | reached | note | day |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    machines = {str(entry["machine"]) for entry in results.values()}
    for name in [n for n in BENCHMARKS if n in results]:
        entry = results[name]
        rows = entry["rows"]
        assert isinstance(rows, list)
        for row in rows:
            bound = ""
            if row["target"] is not None:
                bound = f"{'≥' if row['at_least'] else '≤'} {number(row['target'])} {row['unit']}".strip()
            reached = {True: "yes", False: "**no**", None: ""}[row["reached"]]
            measured = f"{number(row['value'])} {row['unit']}".strip()
            lines.append(
                f"| {row['name']} | {measured} | {bound} | {reached} | {row['note']} | {entry['day']} |"
            )
    lines += ["", "Machine: " + "; ".join(sorted(machines)) + ".", ""]
    (FOLDER / "RESULTS.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    names = sys.argv[1:] or [name for name in BENCHMARKS if (FOLDER / f"{name}.py").exists()]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(
            f"unknown benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}"
        )
    for name in names:
        rows = measure(name)
        if not rows:  # not on this machine, as it has said
            continue
        # read now: another run may have written meanwhile
        results = json.loads(STATE.read_text()) if STATE.exists() else {}
        results[name] = {
            "rows": rows,
            "machine": machine(),
            "day": time.strftime("%Y-%m-%d"),
        }
        STATE.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        write(results)


if __name__ == "__main__":
    main()

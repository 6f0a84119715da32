"""Where a cluster's processes run: on this machine as they are, or in namespaces of their own.

A node changes its machine: bridges, packet filters, mounts, control groups. Here all of that happens
in namespaces for processes, mounts and network that belong to one holder process; when it ends, the
kernel ends the rest and takes the bridges, filters and mounts away. So several nodes can stand on
one machine side by side, on the same ports.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from testcluster.errors import ClusterError, MissingError
from testcluster.processes import Processes

SLOTS = 64  # clusters with a node at a time on one machine
CGROUPS = Path("/sys/fs/cgroup")
# What a kubelet would set for the whole machine; it finds it set already, in its own mounts only.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}
TOOLS = ("unshare", "nsenter", "ip", "mount", "bash")


@dataclass(frozen=True, slots=True)
class World:
    """``address`` is where the API server listens; ``slot`` is None on the machine as it is."""

    folder: Path
    address: str
    processes: Processes
    slot: int | None = None

    @property
    def cgroup(self) -> str:
        """The control group that holds all pods."""
        return f"barberpro-cluster-{self.slot}"


def as_it_is(folder: Path, *, lasting: bool = False) -> World:
    """This machine, on loopback: no right of root is needed, and nothing but processes is made."""
    return World(folder, "127.0.0.1", Processes(folder, () if lasting else _mortal()))


def _mortal() -> tuple[str, ...]:
    """Ends with whoever started it, so that a test run that is killed leaves no cluster."""
    return ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()


def apart(folder: Path, *, lasting: bool = False) -> World:
    """Namespaces of its own, joined to this machine by one pair of network ends.

    Raises:
        MissingError: not root, or a tool is missing.
    """
    if os.geteuid() != 0:
        raise MissingError("a node needs root: run as root, or use the control plane alone")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise MissingError(
            f"a node needs {', '.join(missing)} (Debian: iproute2, util-linux, mount)"
        )
    pid = _hold(folder, () if lasting else _mortal())
    slot = _join(pid)
    prefix = ("nsenter", "--target", str(pid), "--mount", "--net", "--pid", "--")
    world = World(folder, f"10.213.{slot}.2", Processes(folder, prefix), slot)
    (folder / "slot").write_text(str(slot), encoding="utf-8")
    _make_cgroup(world.cgroup)
    return world


def found(folder: Path) -> World:
    """The world of a cluster that was started before, by another process perhaps."""
    if not (folder / "slot").is_file():
        return as_it_is(folder)
    slot = int((folder / "slot").read_text(encoding="utf-8"))
    holder = Processes(folder).find("holder")
    first = holder.children() if holder is not None else []
    prefix = (
        ("nsenter", "--target", str(first[0].pid), "--mount", "--net", "--pid", "--")
        if first
        else ()
    )
    return World(folder, f"10.213.{slot}.2", Processes(folder, prefix), slot)


def leave(world: World) -> None:
    """End the holder, with it everything inside, and remove what the kernel does not."""
    world.processes.kill("holder")
    if world.slot is not None:
        _remove_cgroup(world.cgroup)
        deadline = time.monotonic() + 10
        while _exists(f"bpc{world.slot}") and time.monotonic() < deadline:
            time.sleep(0.05)  # the kernel takes the namespaces away a moment after the last process


def _hold(folder: Path, prefix: tuple[str, ...]) -> int:
    """Start the first process of the new namespaces; its id as this machine sees it."""
    for name in ("var-lib", "var-log", "settings"):
        (folder / "apart" / name).mkdir(parents=True, exist_ok=True)
    script = folder / "apart" / "first.sh"
    script.write_text(_first_process(folder / "apart"), encoding="utf-8")
    ready = folder / "apart" / "ready"
    processes = Processes(folder, prefix)
    command = (
        "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child=KILL", "--mount-proc",
        "--propagation", "private", "--", "bash", script,
    )  # fmt: skip
    processes.start("holder", command)
    processes.wait("holder", "namespaces of its own", ready.exists, 20)
    holder = processes.find("holder")
    assert holder is not None
    return int(holder.children()[0].pid)


def _first_process(folder: Path) -> str:
    settings = []
    for name, value in KERNEL_SETTINGS.items():
        file = folder / "settings" / name.replace("/", "-")
        file.write_text(f"{value}\n", encoding="utf-8")
        settings.append(f"[ ! -e /proc/sys/{name} ] || mount --bind '{file}' /proc/sys/{name}")
    return dedent("""\
        set -eu
        mount -t tmpfs -o mode=755 none /run
        mkdir -p /run/lock /run/netns
        mount --bind '{folder}/var-lib' /var/lib
        mount --bind '{folder}/var-log' /var/log
        {settings}
        mount --make-rshared /
        ip link set lo up
        touch '{folder}/ready'
        # the first process of a namespace inherits all orphans: wait for them, again and again
        while :; do sleep 3600 & wait $! || true; done
        """).format(folder=folder, settings="\n".join(settings))


def _join(pid: int) -> int:
    """A network end on each side, the first free pair of addresses 10.213.<slot>.1 and .2."""
    for slot in range(SLOTS):
        if _exists(f"bpc{slot}"):
            continue
        made = _run(
            "ip",
            "link",
            "add",
            f"bpc{slot}",
            "type",
            "veth",
            "peer",
            "name",
            "uplink",
            "netns",
            str(pid),
        )
        if made.returncode == 0:
            break
    else:
        raise ClusterError(f"no network end could be made: {made.stderr.strip()}")
    inside = ("nsenter", "--target", str(pid), "--net", "--")
    _must("ip", "address", "add", f"10.213.{slot}.1/30", "dev", f"bpc{slot}")
    _must("ip", "link", "set", f"bpc{slot}", "up")
    _must(*inside, "ip", "address", "add", f"10.213.{slot}.2/30", "dev", "uplink")
    _must(*inside, "ip", "link", "set", "uplink", "up")
    _must(*inside, "ip", "route", "add", "default", "via", f"10.213.{slot}.1")
    return slot


def _exists(link: str) -> bool:
    return Path("/sys/class/net", link).exists()


def _hierarchies() -> list[Path]:
    """Version 1 has one tree for each controller, version 2 one for all."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink()]


def _make_cgroup(name: str) -> None:
    for tree in _hierarchies():
        if tree == CGROUPS:
            known = (tree / "cgroup.controllers").read_text(encoding="ascii").split()
            wanted = [
                f"+{one}"
                for one in known
                if one in {"cpu", "cpuset", "memory", "pids", "io", "hugetlb"}
            ]
            (tree / "cgroup.subtree_control").write_text(" ".join(wanted), encoding="ascii")
        folder = tree / name
        folder.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group of version 1
            if tree != CGROUPS and (folder / setting).exists():
                (folder / setting).write_text(
                    (tree / setting).read_text(encoding="ascii"), encoding="ascii"
                )


def _remove_cgroup(name: str) -> None:
    deadline = time.monotonic() + 10
    for tree in _hierarchies():
        inner = [path for path in (tree / name).rglob("*") if path.is_dir()]
        for folder in sorted([*inner, tree / name], key=lambda path: -len(path.parts)):
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError as error:  # its last process is ending
                    if time.monotonic() > deadline:
                        raise ClusterError(f"{folder} could not be removed: {error}") from error
                    time.sleep(0.05)


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)


def _must(*words: str) -> None:
    finished = _run(*words)
    if finished.returncode != 0:
        raise ClusterError(f"{' '.join(words)}: {finished.stderr.strip()}")

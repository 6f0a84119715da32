"""``scripts/cluster.sh``: a cluster of one's own by one command."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from testcluster import worlds
from testcluster.cache import cache_folder, say
from testcluster.cluster import Cluster, end, environment_for
from testcluster.errors import ClusterError
from testcluster.node import import_image, require
from testcluster.programs import build, recipes


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/cluster.sh", description=__doc__)
    kept = cache_folder() / "cluster" / "running"
    parser.add_argument(
        "--folder",
        type=Path,
        default=kept,
        help="where it lives, for a second one (default: %(default)s)",
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start it, building its programs the first time")
    up.add_argument(
        "--control-plane-only", action="store_true", help="no node: needs no root, runs no pods"
    )
    up.add_argument(
        "--simulated-nodes",
        type=int,
        default=0,
        metavar="N",
        help="nodes whose pods run in name only",
    )
    verbs.add_parser("down", help="end it and remove all of it")
    verbs.add_parser("status", help="what runs, and how to reach it")
    image = verbs.add_parser("load", help="put an image archive into its node")
    image.add_argument("archive", type=Path)
    verbs.add_parser("build", help="only build the programs")
    arguments = parser.parse_args(words)
    try:
        return _carry_out(arguments)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on", file=sys.stderr)
        return 130


def _carry_out(arguments: argparse.Namespace) -> int:
    folder = arguments.folder.resolve()
    match arguments.verb:
        case "up":
            return _up(folder, arguments.control_plane_only, arguments.simulated_nodes)
        case "down":
            if folder.exists():
                _ours(folder)
                end(folder)
            say("down")
            return 0
        case "build":
            build(recipes())
            return 0
        case "load":
            return _load(folder, arguments.archive)
        case _:
            return _status(folder)


def _ours(folder: Path) -> None:
    """Only what ``up`` made is ever removed."""
    if not (folder / "pki").is_dir() and not (folder / "apart").is_dir():
        raise ClusterError(f"{folder} holds no cluster, and is left alone")


def _up(folder: Path, control_plane_only: bool, simulated: int) -> int:
    if folder.exists() and _runs(folder):
        say("it runs already")
        return _status(folder)
    if folder.exists():
        _ours(folder)
        end(folder)  # what a reboot left
    if not control_plane_only and os.geteuid() != 0:
        say("not root: starting the control plane alone, which runs no pods")
        control_plane_only = True
    if not control_plane_only:
        require()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir()
    cluster = Cluster.start(with_node=not control_plane_only, folder=folder, lasting=True)
    if simulated:
        cluster.simulate(simulated)
    say(f"up in {cluster.seconds_to_start:.1f} s; end it with: scripts/cluster.sh down")
    return _status(folder)


def _load(folder: Path, archive: Path) -> int:
    if not (folder / "slot").exists():
        raise ClusterError("no cluster with a node runs\n  mend: scripts/cluster.sh up, as root")
    import_image(worlds.found(folder), archive.resolve())
    say(f"loaded {archive}")
    return 0


def _runs(folder: Path) -> bool:
    world = worlds.found(folder)
    first = "holder" if world.slot is not None else "kube-apiserver"
    return world.processes.find(first) is not None


def _status(folder: Path) -> int:
    """Lines that a shell can take in: ``eval "$(scripts/cluster.sh status)"``."""
    if not folder.exists() or not _runs(folder):
        say("no cluster runs; start one with: scripts/cluster.sh up")
        return 1
    kubeconfig = folder / "admin.kubeconfig"
    added = environment_for(kubeconfig)["PATH"].removesuffix(os.environ.get("PATH", ""))
    print(f"export KUBECONFIG='{kubeconfig}'")
    print(f"export PATH='{added}'\"$PATH\"")
    processes = worlds.found(folder).processes
    for name in processes.names():
        say(f"{name}: {'runs' if processes.find(name) else 'ended, see ' + str(folder / 'logs')}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

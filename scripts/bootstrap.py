"""Build the Python environment that the lock files describe, once, in the user's cache.

Runs on any Python of 3.11 or newer with the standard library alone. Every file that it installs
is checked against the hashes in the lock; the package index is the one that pip is set up for.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from importlib.util import find_spec
from pathlib import Path

UV_LOCK = Path(__file__).with_name("bootstrap.lock")
# uv reads its own settings only: hand it what the user told pip.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
}


class BootstrapError(Exception):
    """The environment could not be built; the message says why and how to mend it."""


def say(text: str) -> None:
    print(f"barberpro: {text}", file=sys.stderr, flush=True)


def pip_command() -> list[str]:
    """A pip that needs no installation: the one beside this Python, or the one inside ensurepip."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    spec = find_spec("ensurepip")
    if spec is not None and spec.origin is not None:
        folders = [Path(spec.origin).parent / "_bundled", Path("/usr/share/python-wheels")]
        wheels = sorted(wheel for folder in folders for wheel in folder.glob("pip-*.whl"))
        if wheels:
            return [sys.executable, str(wheels[-1] / "pip")]
    raise BootstrapError(
        "this Python has neither pip nor ensurepip.\n"
        "  mend: Debian, Ubuntu, WSL: sudo apt install python3-venv; elsewhere: install uv,"
        " or name another Python: BARBERPRO_PYTHON=/path/to/python3"
    )


def run(command: list[str], environment: dict[str, str], doing: str) -> None:
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        tail = "\n".join((finished.stdout + finished.stderr).strip().splitlines()[-12:])
        raise BootstrapError(
            f"{doing} failed (exit {finished.returncode}):\n{tail}\n"
            "  mend: check that this machine reaches a package index and that the disk is not full,"
            " then run the same command again; what was downloaded is kept."
        )


def uv_settings(pip: list[str] | None) -> dict[str, str]:
    """The environment for uv, with what pip is configured for where uv has no word of its own."""
    environment = dict(os.environ)
    configured: dict[str, str] = {}
    if pip is not None:
        listing = subprocess.run(
            [*pip, "config", "list"], capture_output=True, text=True, check=False
        )
        for line in listing.stdout.splitlines():
            name, separator, value = line.partition("=")
            if separator:
                configured[name.rpartition(".")[2]] = value.strip().strip("'\"")
    for pip_name, uv_name in PIP_TO_UV.items():
        given = os.environ.get(
            "PIP_" + pip_name.upper().replace("-", "_"), configured.get(pip_name)
        )
        if given and uv_name not in environment:
            environment[uv_name] = given
    return environment


def find_uv(cache: Path) -> tuple[str, dict[str, str]]:
    """A uv from PATH, or the pinned one fetched into the cache."""
    try:
        pip: list[str] | None = pip_command()
    except BootstrapError:
        pip = None
    on_path = shutil.which("uv")
    if on_path is not None:
        return on_path, uv_settings(pip)
    folder = cache / "tools" / UV_LOCK.read_text().split("\n", 1)[0].strip(" \\").replace("==", "-")
    program = folder / "bin" / "uv"
    if not program.exists():
        say("fetching the installer (about 20 MB) ...")
        fetch = [
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary",
            ":all:",
        ]
        with tempfile.TemporaryDirectory(dir=_made(folder.parent)) as staging:
            target = Path(staging) / "uv"
            command = [
                *pip_command(),
                *fetch,
                "--require-hashes",
                "--target",
                str(target),
                "-r",
                str(UV_LOCK),
            ]
            run(command, dict(os.environ), "fetching the installer")
            shutil.rmtree(folder, ignore_errors=True)
            target.rename(folder)
    return str(program), uv_settings(pip)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def build(environment: Path, locks: list[str]) -> None:
    cache = environment.parent.parent
    _made(environment.parent)
    with (environment.parent / f".{environment.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two first calls at once: the second waits for the first
        if (environment / ".ready").exists() and os.access(environment / "bin" / "python", os.X_OK):
            return
        started = time.monotonic()
        say(f"first run: building the Python environment in {environment} (20 to 60 s once) ...")
        uv, settings = find_uv(cache)
        shutil.rmtree(environment, ignore_errors=True)
        venv.EnvBuilder(with_pip=False, symlinks=True).create(environment)
        say("installing the pinned packages ...")
        sources = [word for lock in locks for word in ("-r", lock)]
        python = str(environment / "bin" / "python")
        # compiled once here: the processes of deployments write nothing into the environment
        command = [uv, "pip", "install", "--quiet", "--compile-bytecode"]
        command += ["--require-hashes", "--only-binary", ":all:"]
        run([*command, "--python", python, *sources], settings, "installing the pinned packages")
        (environment / ".ready").touch()
        say(f"environment ready in {time.monotonic() - started:.1f} s")


def main(arguments: list[str]) -> int:
    environment, locks = Path(arguments[0]), arguments[1:]
    try:
        build(environment, locks)
    except BootstrapError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: cannot build {environment}: {error}", file=sys.stderr)
        print(
            "  mend: free space there, or choose another folder with BARBERPRO_CACHE",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nstopped; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

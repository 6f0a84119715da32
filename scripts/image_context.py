"""The build context of the image: pinned packages, the app's sources, and the bill of materials.

usage: image_context.py FOLDER --python 3.11 [--machine x86_64]

Packages come from the app's lock, each checked against its hashes, for the base's Python rather
than this one. The bill of materials is CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path

from packaging.markers import Marker

from bootstrap import BootstrapError, find_uv

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "app" / "requirements.lock"
GLIBC = "manylinux_2_36"  # Debian 12's; a base with an older one is refused by the first import
# Data for other languages and other uses of a library than ours: 40 MB.
PRUNED = {
    "babel/locale-data": re.compile(r"(root|en|es)(_.*)?\.dat|LICENSE.*"),
    "phonenumbers/geodata": None,
    "phonenumbers/carrierdata": None,
    "phonenumbers/tzdata": None,
}
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: *; *([^\\]+?))? *\\?$")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="image_context.py")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", required=True, metavar="3.11")
    parser.add_argument("--machine", default="x86_64", choices=["x86_64", "aarch64"])
    parser.add_argument("--cache", type=Path, required=True)
    arguments = parser.parse_args(words)
    try:
        prepare(arguments.folder, arguments.python, arguments.machine, arguments.cache)
    except BootstrapError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def prepare(folder: Path, python: str, machine: str, cache: Path) -> None:
    """Fill ``folder``, which must be new or empty.

    Raises:
        BootstrapError: a package cannot be had for this Python and machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    site = folder / "site"
    _install(site, python, machine, cache)
    (site / ".python").write_text(python, encoding="ascii")
    shutil.copytree(
        ROOT / "app" / "src" / "barberpro_app", folder / "app" / "barberpro_app", ignore=LEFT_OUT
    )
    shutil.copy(ROOT / "Containerfile", folder / "Containerfile")
    text = json.dumps(bill_of_materials(python, machine), indent=1, sort_keys=True)
    (folder / "sbom.cdx.json").write_text(text + "\n", encoding="utf-8")


def _install(site: Path, python: str, machine: str, cache: Path) -> None:
    uv, settings = find_uv(cache)
    finished = subprocess.run(
        [uv, "pip", "install", "--quiet", "--target", str(site), "--python-version", python,
         "--python-platform", f"{machine}-{GLIBC}", "--only-binary", ":all:", "--require-hashes",
         "--no-deps", "--link-mode", "copy", "-r", str(LOCK)],
        env=settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if finished.returncode != 0:
        raise BootstrapError(
            f"the packages for Python {python} on {machine} could not be fetched:\n{finished.stderr.strip()}\n"
            "  mend: see that this machine reaches a package index; scripts/lock.sh renews the lock"
        )
    # programs and notes of the installer: not needed at run time, and they name this machine
    shutil.rmtree(site / "bin", ignore_errors=True)
    (site / ".lock").unlink(missing_ok=True)
    for note in (
        *site.glob("*.dist-info/uv_cache.json"),
        *site.glob("*.dist-info/direct_url.json"),
    ):
        note.unlink()


def pins(python: str, machine: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Name, version and SHA-256 digests of every package of the lock that this image gets."""
    environment = {
        "python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux",
        "platform_system": "Linux", "platform_machine": machine, "os_name": "posix",
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    blocks = re.split(r"\n(?=\S)", LOCK.read_text(encoding="utf-8").strip())
    for block in blocks:
        found = PIN.match(block.split("\n", 1)[0])
        if found is None:
            raise BootstrapError(f"{LOCK}: not a pin: {block.splitlines()[0]}")
        name, version, marker = found.groups()
        if marker is None or Marker(marker).evaluate(environment):
            yield name, version, tuple(sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", block)))


def bill_of_materials(python: str, machine: str) -> dict[str, object]:
    """Every package with its version and the digests of its files; equal inputs, equal text."""
    project = tomllib.loads((ROOT / "app" / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests],
        }
        for name, version, digests in pins(python, machine)
    ]
    product = {
        "type": "application",
        "bom-ref": project["name"],
        "name": project["name"],
        "version": project["version"],
    }
    content = json.dumps([product, components], sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
        "version": 1,
        "metadata": {"component": product},
        "components": components,
        "dependencies": [{"ref": project["name"], "dependsOn": [c["bom-ref"] for c in components]}],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

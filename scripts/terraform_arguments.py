#!/usr/bin/env python3
"""Writes anew which arguments Terraform's providers know, for the check of what we export.

Reads the providers' published bindings for Python (generated from the providers' own schemas): the
classes are parsed, nothing of them is run. Run it after a change in ``infrastructure/``, or with newer versions
below:  scripts/terraform_arguments.py        (fetches some 150 MB with pip into a temporary folder)
        scripts/terraform_arguments.py FOLDER (with the archives in it already)
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests" / "support" / "terraform_arguments.json"
#: Package and version, and the provider's version that it was made from.
PACKAGES = {
    "aws": ("cdktf-cdktf-provider-aws", "21.22.1", "hashicorp/aws 6.25.0"),
    "google": ("cdktf-cdktf-provider-google", "16.12.1", "hashicorp/google 6.50.0"),
    "azurerm": ("cdktf-cdktf-provider-azurerm", "14.23.1", "hashicorp/azurerm 4.55.0"),
    "huaweicloud": ("pulumi-huaweicloud", "0.0.12", "huaweicloud/huaweicloud"),
}
META = {
    "connection",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "provider",
    "provisioners",
    "dynamic",
}
#: Where Pulumi's module is not the resource's own name without the provider.
MODULES = {
    "huaweicloud_vpc": "vpc/vpc",
    "huaweicloud_networking_secgroup": "vpc/secgroup",
    "huaweicloud_networking_secgroup_rule": "vpc/secgroup_rule",
}
#: Pulumi puts the names of lists into the plural (docs/resources/rds_instance.md of the provider).
RENAMED = {("huaweicloud_rds_instance", "availability_zones"): "availability_zone"}
REWORDED = {"self_attribute": "self"}  # a word of Python's that cdktf keeps clear of
#: Pulumi makes up names; Terraform asks for them.
NAMED = ("name",)
Known = dict[str, dict[str, Any]]
Files = Callable[[str], str]


def used() -> dict[str, list[dict[str, Any]]]:
    """Every resource that our files have, with what is written for each of its kind."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(ROOT.glob("infrastructure/*/main.tf.json")):
        for kind, ones in json.loads(path.read_text())["resource"].items():
            found.setdefault(kind, []).extend(ones.values())
    return found


def arguments(source: str, name: str) -> list[tuple[str, bool, str]]:
    """The keyword arguments of a class: name, whether it is required, and its type as text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name == name:
            made = next(
                one for one in node.body
                if isinstance(one, ast.FunctionDef) and one.name == "__init__"
            )  # fmt: skip
            return [
                (
                    REWORDED.get(one.arg, one.arg),
                    default is None,
                    ast.unparse(one.annotation) if one.annotation else "",
                )
                for one, default in zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True)
            ]
    raise SystemExit(f"there is no class {name}")


def pieces(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from body.items()
    for name, block in body.get("dynamic", {}).items():
        yield name, block["content"]


def known(
    found: list[tuple[str, bool, str]], bodies: list[dict[str, Any]], inner: Callable[[str], Any]
) -> Known:
    """Those that are required or written in one of ``bodies``; ``inner`` gives a block's own."""
    said: dict[str, list[dict[str, Any]]] = {}
    for body in bodies:
        for name, value in pieces(body):
            values = value if isinstance(value, list) else [value]
            said.setdefault(name, []).extend(one for one in values if isinstance(one, dict))
    result: Known = {}
    for name, required, annotation in found:
        if name in META or (name not in said and not required):
            continue
        result[name] = {"required": required}
        block = inner(annotation)
        if block is not None:
            result[name]["block"] = known(block, said.get(name, []), inner)
    return result


def of_cdktf(kind: str, files: Files, bodies: list[dict[str, Any]]) -> Known:
    provider, _, rest = kind.partition("_")
    source = files(f"cdktf_cdktf_provider_{provider}/{rest}/__init__.py")
    name = re.search(r"^class (\w+)\(\s*_cdktf", source, re.MULTILINE)
    assert name is not None, kind

    def inner(annotation: str) -> list[tuple[str, bool, str]] | None:
        block = re.search(rf"\b({name[1]}\w+)\b", annotation)
        return arguments(source, block[1]) if block else None

    return known(arguments(source, f"{name[1]}Config"), bodies, inner)


def of_pulumi(kind: str, files: Files, bodies: list[dict[str, Any]]) -> Known:
    provider, _, rest = kind.partition("_")
    module = MODULES.get(kind) or "/".join(rest.split("_", 1))
    source = files(f"pulumi_{provider}/{module}.py")
    inputs = files(f"pulumi_{provider}/{module.split('/')[0]}/_inputs.py")
    name = re.search(r"^class (\w+Args):", source, re.MULTILINE)
    assert name is not None, kind

    def inner(annotation: str) -> list[tuple[str, bool, str]] | None:
        block = re.search(r"'(\w+Args)'", annotation)
        return arguments(inputs, block[1]) if block else None

    found = [
        (RENAMED.get((kind, argument), argument), required or argument in NAMED, annotation)
        for argument, required, annotation in arguments(source, name[1])
    ]
    return known(found, bodies, inner)


def opened(archive: Path) -> Files:
    """Reads members of a wheel, or of an archive of sources below its one folder."""

    def read(name: str) -> str:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(name).decode()
        with tarfile.open(archive) as sources:
            top = sources.getnames()[0].split("/")[0]
            member = sources.extractfile(f"{top}/{name}")
            assert member is not None, name
            return member.read().decode()

    return cache(read)


def fetch(folder: Path) -> dict[str, Files]:
    found = {}
    for provider, (package, version, _) in PACKAGES.items():
        pattern = f"{package.replace('-', '_')}-{version}*"
        if not [*folder.glob(pattern)]:
            words = [
                "pip",
                "download",
                "-q",
                "--no-deps",
                f"{package}=={version}",
                "-d",
                str(folder),
            ]
            subprocess.run([sys.executable, "-m", *words], check=True)
        found[provider] = opened(next(folder.glob(pattern)))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        files = fetch(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(made))
        resources = {}
        for kind, bodies in used().items():
            provider = kind.partition("_")[0]
            read = of_pulumi if provider == "huaweicloud" else of_cdktf
            resources[kind] = read(kind, files[provider], bodies)
    names = ", ".join(f"{name} {version} ({of})" for name, version, of in PACKAGES.values())
    source = f"{names}: the arguments that the exported files use, and all that are required; by scripts/terraform_arguments.py"
    TARGET.write_text(json.dumps({"source": source, "resources": resources}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Images without a builder: a docker archive is a tar file of tar files, and small ones are quick
to write. Equal contents give equal bytes."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Image:
    """``files`` maps a path in the image to a program, ``links`` a path to what it points to."""

    name: str
    files: Mapping[str, Path]
    entrypoint: tuple[str, ...] = ()
    links: Mapping[str, str] | None = None
    user: str = ""

    def write(self, archive: Path) -> Path:
        """Write the archive that ``ctr images import`` and ``docker load`` read."""
        layer = self._layer()
        digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
        config = json.dumps({
            "architecture": ARCHITECTURES[platform.machine()], "os": "linux",
            "config": {"Entrypoint": [*self.entrypoint], "User": self.user, "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [digest]},
        }).encode()  # fmt: skip
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": name, "RepoTags": [self.name], "Layers": ["layer.tar"]}]
        with tarfile.open(archive, "w") as tar:
            _add(tar, name, config)
            _add(tar, "layer.tar", layer)
            _add(tar, "manifest.json", json.dumps(manifest).encode())
        return archive

    def _layer(self) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for folder in sorted({str(Path(path).parent) for path in self.files} - {"."}):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            for path, source in sorted(self.files.items()):
                _add(tar, path, source.read_bytes(), 0o755)
            for path, target in sorted((self.links or {}).items()):
                entry = tarfile.TarInfo(path)
                entry.type, entry.linkname = tarfile.SYMTYPE, target
                tar.addfile(entry)
        return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))

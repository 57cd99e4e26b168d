"""Creates the committed protobuf and gRPC stubs in ``src/everturn/v1``.

The generator lives in a throwaway virtual environment: stubs refuse to run on
a grpcio or protobuf older than the one that made them, so the versions are
pinned to the oldest that the package supports.

Usage::

    python scripts/generate_stubs.py            # write the stubs
    python scripts/generate_stubs.py --check    # fail if they are out of date
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO_ROOT = ROOT.parent.parent / "proto"
TARGET = ROOT / "src" / "everturn" / "v1"
PACKAGE_OPENING = '"""Generated stubs of the protobuf package ``everturn.v1``; usable alone."""\n'


def main() -> int:
    """Generates or checks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    parser.add_argument("--python", help="interpreter that already has the `stubs` group")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="everturn-stubs-") as scratch:
        python = arguments.python or _make_environment(Path(scratch) / "venv")
        fresh = _generate(str(python), Path(scratch) / "out")
        if arguments.check:
            return _report_drift(fresh)
        _write(fresh)
    return 0


def _make_environment(directory: Path) -> str:
    """Creates a virtual environment with the pinned generator."""
    venv.create(directory, with_pip=True)
    python = directory / "bin" / "python"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pins: list[str] = project["dependency-groups"]["stubs"]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *pins], check=True)
    return str(python)


def _generate(python: str, out: Path) -> dict[str, str]:
    """Runs the generator and returns the files by name."""
    out.mkdir()
    protos = sorted(path.relative_to(PROTO_ROOT).as_posix() for path in PROTO_ROOT.rglob("*.proto"))
    if not protos:
        raise SystemExit(f"no .proto file below {PROTO_ROOT}")
    # The plugins of mypy-protobuf are scripts beside the interpreter.
    plugins = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", "")])
    flags = [f"--{kind}_out={out}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    command = [python, "-m", "grpc_tools.protoc", f"-I{PROTO_ROOT}", *flags, *protos]
    subprocess.run(command, check=True, env={**os.environ, "PATH": plugins}, capture_output=True)
    generated = (out / "everturn" / "v1").iterdir()
    files = {path.name: path.read_text("utf-8") for path in generated if path.is_file()}
    # Files without a service give an empty gRPC module; nobody needs those.
    files = {name: text for name, text in files.items() if not _is_empty_grpc_module(name, files)}
    files["__init__.py"] = PACKAGE_OPENING
    return files


def _is_empty_grpc_module(name: str, files: dict[str, str]) -> bool:
    """True for the gRPC module (or its .pyi) of a proto file without services."""
    stem = name.split(".", 1)[0]
    return stem.endswith("_pb2_grpc") and "Servicer" not in files.get(f"{stem}.py", "")


def _report_drift(fresh: dict[str, str]) -> int:
    """Compares the generated files with the committed ones."""
    committed = {path.name for path in TARGET.iterdir() if path.is_file()}
    drifted = sorted(committed ^ fresh.keys())
    for name in sorted(committed & fresh.keys()):
        if (TARGET / name).read_text("utf-8") != fresh[name]:
            drifted.append(name)
    for name in drifted:
        print(f"out of date: {TARGET / name}", file=sys.stderr)
    if drifted:
        print("run: python scripts/generate_stubs.py", file=sys.stderr)
    return 1 if drifted else 0


def _write(fresh: dict[str, str]) -> None:
    """Replaces the committed files."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for path in TARGET.iterdir():
        if path.is_file() and path.name not in fresh:
            path.unlink()
    for name, text in fresh.items():
        (TARGET / name).write_text(text, "utf-8")
    print(f"wrote {len(fresh)} files to {TARGET}")


if __name__ == "__main__":
    sys.exit(main())

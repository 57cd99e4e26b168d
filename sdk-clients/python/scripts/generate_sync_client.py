"""Makes the synchronous client of the asynchronous one: the same calls, without ``await``.

Usage::

    python scripts/generate_sync_client.py            # write it
    python scripts/generate_sync_client.py --check    # fail if it is out of date
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import unasync  # pyright: ignore[reportMissingTypeStubs]

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "src" / "everturn" / "client"
NAMES = (
    "approvals",
    "client",
    "control",
    "conversations",
    "customers",
    "messages",
    "task_queues",
    "workflows",
)


def _class_name(module: str) -> str:
    """The class of a module: ``TaskQueues`` of ``task_queues``."""
    return module.title().replace("_", "")


WORDS = {
    **{f"_{name}_async": f"_{name}_sync" for name in (*NAMES, "transport")},
    **{f"Async{name}": name for name in (_class_name(name) for name in NAMES)},
    "AsyncTransport": "SyncTransport",
    "async_channel": "sync_channel",
    "aclose": "close",
}
"""What unasync does not know by itself."""

TEXTS = (
    ("asynchronous code", "blocking code"),
    ("The asynchronous client", "The blocking client"),
    ("Asynchronous client", "Synchronous client"),
    ("``AsyncClient``", "``Client``"),
    (
        "Belongs to the event loop that first uses it. Close it, or use it as\n    ``async with``.",
        "Safe to share by threads. Close it, or use it as ``with``.",
    ),
)
"""Words of the docs; unasync reads code only."""


def main() -> int:
    """Generates or checks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    arguments = parser.parse_args()
    drifted: list[str] = []
    with tempfile.TemporaryDirectory(prefix="everturn-sync-") as scratch:
        for name in NAMES:
            target = CLIENT / f"_{name}_sync.py"
            fresh = generated(name, Path(scratch))
            if arguments.check and target.read_text("utf-8") != fresh:
                drifted.append(target.name)
            elif not arguments.check:
                target.write_text(fresh, "utf-8")
    if drifted:
        files = ", ".join(drifted)
        sys.stderr.write(f"not what the asynchronous client says: {files}\n")
    return 1 if drifted else 0


def generated(name: str, scratch: Path) -> str:
    """The synchronous twin of a module, sorted and formatted."""
    rule = unasync.Rule(f"{CLIENT}/", f"{scratch}/", additional_replacements=WORDS)
    source = str(CLIENT / f"_{name}_async.py")
    unasync.unasync_files([source], [rule])  # pyright: ignore[reportUnknownMemberType]
    path = scratch / f"_{name}_async.py"
    text = path.read_text("utf-8")
    for asynchronous, synchronous in TEXTS:
        text = text.replace(asynchronous, synchronous)
    made = f"# Made of `_{name}_async.py` by scripts/generate_sync_client.py.\n"
    path.write_text(text.replace('"""\n', f'"""\n\n{made}', 1), "utf-8")
    ruff = Path(sysconfig.get_path("scripts")) / "ruff"
    settings = ["--config", str(ROOT / "pyproject.toml"), "--quiet"]
    # The order of imports, whose names are others now.
    sort = [str(ruff), "check", "--select", "I", "--fix", *settings, str(path)]
    subprocess.run(sort, check=True, cwd=ROOT)
    subprocess.run([str(ruff), "format", *settings, str(path)], check=True, cwd=ROOT)
    return path.read_text("utf-8")


if __name__ == "__main__":
    raise SystemExit(main())

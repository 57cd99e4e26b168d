"""What users see: exported names, types, the README, the raw worker."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import everturn

ROOT = Path(__file__).resolve().parent.parent
SNIPPET = re.compile(r"```python\n(.*?)```", re.DOTALL)


def snippets() -> list[str]:
    return SNIPPET.findall((ROOT / "README.md").read_text("utf-8"))


def test_all_is_sorted_and_complete() -> None:
    exported = everturn.__all__
    public = {
        name
        for name, value in vars(everturn).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert list(exported) == sorted(exported)
    assert set(exported) == public | {"__version__"}


def test_everything_exported_is_documented() -> None:
    for name in everturn.__all__:
        value: Any = getattr(everturn, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), name


def test_exceptions_share_a_root() -> None:
    for name in everturn.__all__:
        value: Any = getattr(everturn, name)
        if inspect.isclass(value) and issubclass(value, Exception):
            assert issubclass(value, everturn.EverturnError), name


def test_both_clients_have_the_same_methods_and_parameters() -> None:
    from everturn.client import (
        _approvals_async,
        _approvals_sync,
        _client_async,
        _client_sync,
        _control_async,
        _control_sync,
        _conversations_async,
        _conversations_sync,
        _workflows_async,
        _workflows_sync,
    )

    pairs: tuple[tuple[type, type], ...] = (
        (_client_async.AsyncClient, _client_sync.Client),
        (_conversations_async.AsyncConversations, _conversations_sync.Conversations),
        (_control_async.AsyncControl, _control_sync.Control),
        (_workflows_async.AsyncWorkflows, _workflows_sync.Workflows),
        (_approvals_async.AsyncApprovals, _approvals_sync.Approvals),
    )
    for one, other in pairs:
        names = [name for name in vars(one) if not name.startswith("__")]
        assert names == [name for name in vars(other) if not name.startswith("__")]
        for name in (*names, "__init__"):
            if callable(getattr(one, name, None)):
                first = inspect.signature(getattr(one, name)).parameters
                second = inspect.signature(getattr(other, name)).parameters
                if name != "__init__" or "transport" not in first:
                    assert dict(first) == dict(second), name


def test_version_is_the_packages() -> None:
    assert f'version = "{everturn.__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_stubs_work_alone() -> None:
    code = "from everturn.v1 import worker_service_pb2_grpc as s; print(s.WorkerServiceStub)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True)


def check_types(directory: Path) -> set[tuple[str, int]]:
    """Files and lines (from 1) that the strict type checker objects to."""
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": ["."]}
    (directory / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "-p", str(directory)]
    command += ["--pythonpath", sys.executable]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    report = json.loads(output)
    assert report["summary"]["filesAnalyzed"] > 0
    return {
        (Path(found["file"]).name, found["range"]["start"]["line"] + 1)
        for found in report["generalDiagnostics"]
        if found["severity"] == "error"
    }


def test_wrong_code_fails_to_type_check_and_the_readme_does_not(tmp_path: Path) -> None:
    wrong = tmp_path / "calls.py"
    shutil.copy(ROOT / "tests" / "type_checks" / "wrong" / "calls.py", wrong)
    shutil.copy(ROOT / "tests" / "type_checks" / "right.py", tmp_path / "right.py")
    for number, snippet in enumerate(snippets()):
        (tmp_path / f"readme_{number}.py").write_text(snippet, "utf-8")
    lines = wrong.read_text("utf-8").splitlines()
    expected = {("calls.py", n) for n, line in enumerate(lines, 1) if line.endswith("# WRONG")}
    assert len(expected) == 14
    assert check_types(tmp_path) == expected


@pytest.mark.parametrize("number", range(11))
def test_readme_snippet_imports(number: int, tmp_path: Path) -> None:
    found = snippets()
    assert len(found) == 11
    path = tmp_path / f"readme_{number}.py"
    path.write_text(found[number], "utf-8")
    code = f"import runpy; found = runpy.run_path({str(path)!r})"
    code += "; [test() for name, test in found.items() if name.startswith('test_')]"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True)


def test_every_module_says_what_it_is() -> None:
    for path in (ROOT / "src" / "everturn").glob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), path

"""The tasks of this project: `python3 run.py` lists them, `python3 run.py demo` shows the shop.

Needs Python 3.11 and nothing else. The first call makes `.venv` and fills it from `requirements.lock`; later
calls see by a stamp that the lock has not changed and start at once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
BENCH_LOCK = ROOT / "requirements-bench.lock"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
OLDEST_PYTHON = (3, 11)


# --- the tasks, in the order a newcomer meets them


def demo(arguments: list[str]) -> int:
    """A café with a programme, members and purchases on this machine, and its server, at once."""
    return call(str(PYTHON), "-m", "loyalty_engine.cli", "demo", *arguments)


def test(arguments: list[str]) -> int:
    """The whole test suite on SQLite and PostgreSQL; further arguments go to pytest."""
    return call(str(PYTHON), "-m", "pytest", "-n", "2", *arguments)


def check(arguments: list[str]) -> int:
    """Everything a change must pass: format, lint, types, architecture, docs, neighbours, tests, each timed."""
    steps = {
        "format": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["mypy"],
        "architecture": ["lint-imports"],
        "reference": ["python", "docs/make_reference.py", "--check"],
        "neighbours": ["python", "-m", "pytest", "-m", "browser or interop", *arguments],
        "tests": ["python", "-m", "pytest", "-n", "2", *arguments],
    }
    took: dict[str, tuple[int, float]] = {}
    for name, command in steps.items():
        print(f"\n== {name}: {' '.join(command)}", flush=True)
        began = time.monotonic()
        status = call(tool(command[0]), *command[1:])
        took[name] = (status, time.monotonic() - began)
    print()
    for name, (status, seconds) in took.items():
        print(f"{'ok    ' if status == 0 else 'FAILED'}  {name:<14}{seconds:7.1f} s")
    return max(int(status != 0) for status, _ in took.values())


def docs(arguments: list[str]) -> int:
    """Write docs/reference again from the code it describes."""
    return call(str(PYTHON), "docs/make_reference.py", *arguments)


def bench(arguments: list[str]) -> int:
    """Measure against the yardsticks, side by side in one run; installs the `bench` extra first."""
    install_locked(BENCH_LOCK, "bench")
    return call(str(PYTHON), "-m", "benchmarks", *arguments)


def faults(arguments: list[str]) -> int:
    """The long suite: kill, stop, fill and flood the server, and judge fifty thousand random events twice."""
    return call(
        str(PYTHON),
        "-m",
        "pytest",
        "-m",
        "fault_long",
        "tests/faults",
        "tests/api",
        "tests/engine",
        "tests/proving",
        "tests/rules",
        *arguments,
    )


def postgres(arguments: list[str]) -> int:
    """A throw-away PostgreSQL, its address printed; Ctrl-C stops it and removes its data."""
    return call(str(PYTHON), "-m", "tests.postgres", *arguments)


def lock(arguments: list[str]) -> int:
    """Resolve the dependencies again into the two lock files; needs the network."""
    every = ["--extra", "test", "--extra", "docs", *arguments]
    bench_only = ["--extra", "bench", "--constraint", LOCK.name, *arguments]
    with tempfile.TemporaryDirectory(prefix="loyalty-lock-") as folder:
        venv.create(folder, with_pip=True)
        tools = Path(folder) / BIN.name
        if status := call(str(tools / PYTHON.name), "-m", "pip", "install", "--quiet", "uv"):
            return status
        return resolve(tools / "uv", LOCK, every) or resolve(tools / "uv", BENCH_LOCK, bench_only)


TASKS: dict[str, Callable[[list[str]], int]] = {
    task.__name__: task for task in (demo, test, check, docs, bench, faults, postgres, lock)
}


# --- how they are run


def call(*command: str) -> int:
    """Run one program from the project's root with the environment's programs first on the path."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    environment = os.environ | {"PATH": path, "VIRTUAL_ENV": str(VENV)}
    try:
        return subprocess.call(command, cwd=ROOT, env=environment)
    except KeyboardInterrupt:
        return 130


def tool(name: str) -> str:
    return shutil.which(name, path=str(BIN)) or name


def resolve(uv: Path, target: Path, options: list[str]) -> int:
    """Write one lock file: every version with its hashes, and no word of where it was fetched from."""
    return call(
        str(uv), "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-emit-index-url",
        "--no-emit-find-links", "--no-annotate", "--python-version", "3.11", "--upgrade",
        "--custom-compile-command", "python3 run.py lock", *options,
        "--output-file", target.name, "pyproject.toml",
    )  # fmt: skip


def install() -> None:
    """Make `.venv` when it is not there, fill it when the lock is another, and install the project."""
    if not PYTHON.exists():
        print("making .venv", flush=True)
        make_environment()
    install_locked(LOCK, "lock")
    install_project()


def make_environment() -> None:
    try:
        venv.create(VENV, with_pip=True, symlinks=os.name != "nt")
    except subprocess.CalledProcessError:
        # Some distributions ship Python without ensurepip: then this Python's own pip fills the environment.
        venv.create(VENV, with_pip=False, symlinks=os.name != "nt", clear=True)


def install_locked(source: Path, name: str) -> None:
    """Install one lock file unless its stamp says that very file is installed."""
    wanted = hashlib.sha256(source.read_bytes()).hexdigest()
    stamp = VENV / f"{name}.stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"installing {source.name}", flush=True)
    pip("install", "--require-hashes", "--requirement", str(source))
    stamp.write_text(wanted)


def install_project() -> None:
    """Install the project itself in place; again only when its installation would differ."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[tool.")[0]
    wanted = hashlib.sha256(project.encode()).hexdigest()
    stamp = VENV / "project.stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp.write_text(wanted)


def pip(*arguments: str) -> None:
    own = subprocess.call([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0
    command = [str(PYTHON), "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if status := call(*command, "-qq", "--disable-pip-version-check", *arguments):
        sys.exit(status)


def inside() -> bool:
    return Path(sys.prefix).resolve() == VENV.resolve()


def step_inside() -> int:
    """Run this very command with the environment's Python."""
    command = [str(PYTHON), str(ROOT / "run.py"), *sys.argv[1:]]
    if os.name != "nt":
        sys.stdout.flush()
        os.execv(command[0], command)  # noqa: S606 - it is this file
    return call(*command)


def list_tasks() -> None:
    print("python3 run.py <task> [arguments]\n")
    for name, task in TASKS.items():
        print(f"  {name:<10}{(task.__doc__ or '').splitlines()[0]}")


def main() -> int:
    if sys.version_info < OLDEST_PYTHON:
        print("Python 3.11 or newer is needed; this is", sys.version.split()[0])
        return 2
    name, arguments = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if name not in TASKS:
        list_tasks()
        return 0 if name in {"", "help", "--help", "-h"} else 2
    if name == "lock":
        return lock(arguments)
    if inside():
        return TASKS[name](arguments)
    install()
    return step_inside()


if __name__ == "__main__":
    sys.exit(main())

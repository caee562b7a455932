"""One process at a time works on a run: a lock that the system itself lets go of with its holder.

The lock is the operating system's own on the file ``.lock`` of the run folder, so that of a killed
process is never in the way. The file says who holds it: process, machine and start. On a file
system without locks that text decides.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from layerwise.errors import RunError
from layerwise.run import Run

FILE = ".lock"
FAR = 1 << 30  # where Windows locks a byte, so that the text before it can be read


@contextmanager
def only_process(run: Run, say: Callable[[str], None] = print) -> Iterator[None]:
    """Hold the run; says so where its last holder died.

    Raises RunError where another process holds it.
    """
    path = run.path(FILE)
    file, notice = _taken(path)
    if notice:
        say(notice)
    try:
        yield
    finally:
        if os.name == "posix":  # elsewhere an open file cannot be removed
            path.unlink(missing_ok=True)
        else:
            file.truncate(0)
        file.close()


def _taken(path: Path) -> tuple[Any, str]:
    """The open lock file, locked and signed, and the notice."""
    while True:
        file = _opened(path)
        try:
            by_system = _lock(file)
            if by_system is False:
                raise _in_use(path, _holder(file))
            with suppress(OSError):
                if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    file.close()  # its holder ended and removed it in between
                    continue
            before = _holder(file)
            if by_system is None and before and _may_live(before):
                raise _in_use(path, before)
            _sign(file)
        except BaseException:
            file.close()
            raise
        return file, _notice(before)


def _opened(path: Path) -> Any:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+", encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"Cannot lock the run: {path} cannot be written ({error.strerror}). "
            "Make its folder writable, or choose another place."
        ) from error


def _lock(file: Any) -> bool | None:
    """Whether the system gave the lock; None where the file system has none."""
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            file.seek(FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def _sign(file: Any) -> None:
    file.seek(0)
    file.truncate()
    began = time.strftime("%Y-%m-%d %H:%M:%S")  # for people; nothing is decided by the wall clock
    here = {"process": os.getpid(), "machine": socket.gethostname(), "began": began}
    json.dump({**here, "ticks": _ticks(os.getpid())}, file)
    file.flush()


def _holder(file: Any) -> dict[str, Any]:
    """What the lock file says; nothing where it is empty or cut."""
    file.seek(0)
    try:
        found = json.loads(file.read(10_000))
        return {**dict.fromkeys(("process", "machine", "began", "ticks"), "unknown"), **found}
    except (ValueError, TypeError):
        return {}


def _may_live(holder: dict[str, Any]) -> bool:
    """Whether the process that signed may still be there; of other machines nothing is known."""
    if holder["machine"] != socket.gethostname() or os.name != "posix":
        return True
    try:
        os.kill(int(holder["process"]), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass  # another person's process
    return holder["ticks"] in (None, _ticks(int(holder["process"])))


def _ticks(process: int) -> int | None:
    """When a process began, in ticks since the start of the machine; None where unknown."""
    with suppress(OSError, ValueError, IndexError):
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
        return int(stat.rpartition(")")[2].split()[19])
    return None


def _in_use(path: Path, holder: dict[str, Any]) -> RunError:
    who = _in_words(holder) if holder else "another process"
    return RunError(
        f"Run '{path.parent}' is in use by {who}. Wait until it ends or stop it; if it is gone "
        f"for certain, remove {path}. To train beside it, give another --folder."
    )


def _notice(before: dict[str, Any]) -> str:
    if not before:
        return ""
    return f"The run was left by {_in_words(before)}, which ended without a word; it is taken over."


def _in_words(holder: dict[str, Any]) -> str:
    return f"process {holder['process']} on {holder['machine']} (since {holder['began']})"

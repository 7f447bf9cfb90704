"""Starting and ending the processes of one checkout, and of no other.

Every child runs in a session of its own, so a Ctrl-C in the terminal reaches only the supervisor, and dies with the
process that started it even when that one is killed with SIGKILL. A pid file remembers the pid together with the
process's start time: after a crash the leftovers of this checkout, and nothing else, can be found and ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from devnet.places import Account

PR_SET_PDEATHSIG = 1
# Same boot, same process: a start time is compared with this tolerance, because it is read as a float.
SAME_START_SECONDS = 0.05


class ServiceError(RuntimeError):
    """A service did not come up; the message says what to look at."""


def _die_with_parent(signal_number: int | None) -> Callable[[], None] | None:
    """What a child runs before exec so that it gets `signal_number` once the thread that started it is gone.

    Linux only. Because the kernel watches the starting *thread*, children are started from the main thread.
    """
    if signal_number is None or not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return prepare


@dataclass
class Child:
    """One program that is started, watched and ended.

    `stop_signal` asks it to end in good order; `orphan_signal` is what it gets when its supervisor vanishes, None lets
    it live on.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    account: Account | None = None
    pid_file: Path | None = None
    stop_signal: int = signal.SIGTERM
    orphan_signal: int | None = signal.SIGKILL
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def spawn(self) -> None:
        """Starts the program. Call it from the main thread (see the module's head)."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # one prctl call, nothing that could deadlock
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.env) if self.env is not None else None,
                cwd=self.cwd,
                start_new_session=True,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
                preexec_fn=_die_with_parent(self.orphan_signal),  # noqa: PLW1509  # one system call, no lock to wait for
            )
        if self.pid_file:
            remember(self.pid_file, self.process.pid, stop_signal=self.stop_signal)

    @property
    def pid(self) -> int:
        if self.process is None:
            raise ServiceError(f"{self.name} has not been started")
        return self.process.pid

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.running():
            self._signal(self.stop_signal)

    def stop(self, *, seconds: float = 10.0) -> None:
        """Ends it and everything it started: politely first, with SIGKILL after `seconds`."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait()
        end_session(self.process.pid)
        if self.pid_file:
            self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL to it and to everything it started, as the kernel's out-of-memory killer would."""
        if self.process is None:
            return
        end_session(self.process.pid)
        self.process.wait()

    def _signal(self, number: int) -> None:
        assert self.process is not None  # noqa: S101  # callers checked
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def last_words(self, lines: int = 15) -> str:
        """The end of its log, for a message about why it did not come up."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 8_000))
                text = log.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


def wait_until(condition: Callable[[], bool], *, what: str, child: Child | None = None, seconds: float = 30.0) -> None:
    """Returns once `condition` holds; raises `ServiceError` when `child` ends before that or the time is over."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while not condition():
        if child is not None and not child.running():
            raise ServiceError(f"{what}: {child.name} ended at once. Its log {child.log} ends:\n{child.last_words()}")
        if time.monotonic() > deadline:
            tail = f" Its log {child.log} ends:\n{child.last_words()}" if child else ""
            raise ServiceError(f"{what}: not within {seconds:.0f} s.{tail}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


def remember(pid_file: Path, pid: int, *, stop_signal: int = signal.SIGTERM) -> None:
    """Writes `pid_file` so that a later run can tell this very process from a newer one with the same number."""
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    draft = pid_file.with_suffix(f".{os.getpid()}.new")
    draft.write_text(json.dumps({"pid": pid, "started": started, "stop_signal": int(stop_signal)}), encoding="utf-8")
    draft.replace(pid_file)


def remembered(pid_file: Path) -> psutil.Process | None:
    """The process of `pid_file` if that very process is still alive."""
    try:
        facts = json.loads(pid_file.read_text(encoding="utf-8"))
        process = psutil.Process(int(facts["pid"]))
        same = abs(process.create_time() - float(facts["started"])) < SAME_START_SECONDS
        alive = process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        return None
    return process if same and alive else None


def session_members(session: int) -> list[psutil.Process]:
    """Every process of one session. A child's session bears its pid, which nobody gets while the session lasts."""
    members = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getsid(pid) == session:
                members.append(psutil.Process(pid))
    return members


def end_session(session: int) -> None:
    """SIGKILL to every process of a session, until none is left."""
    if session in {os.getsid(0), 0}:
        raise ServiceError("refusing to end my own session")
    while members := [each for each in session_members(session) if _alive(each)]:
        for process in members:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(members, timeout=5)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def end_leftovers(
    pid_files: Iterable[Path], *, belongs: Callable[[psutil.Process], bool], seconds: float = 5.0
) -> list[str]:
    """Ends what an earlier run of this checkout left behind; returns the names of what was found.

    Each is asked first and given `seconds`: a chain may still be writing its state. A leader that is gone can leave
    members of its session behind: `belongs` is asked about those one by one, because a pid file alone says too little.
    """
    files = sorted(pid_files)
    leaders = {path: process for path in files if (process := remembered(path)) is not None}
    for path, process in leaders.items():
        with contextlib.suppress(psutil.Error):
            process.send_signal(int(json.loads(path.read_text(encoding="utf-8")).get("stop_signal", signal.SIGTERM)))
    psutil.wait_procs(list(leaders.values()), timeout=seconds)
    found = [path.stem for path in leaders]
    for path in files:
        if path in leaders and _alive(leaders[path]):
            end_session(leaders[path].pid)
        elif (ended := _end_orphans(path, belongs)) and path not in leaders:
            found += ended
        path.unlink(missing_ok=True)
    return found


def _end_orphans(pid_file: Path, belongs: Callable[[psutil.Process], bool]) -> list[str]:
    try:
        session = int(json.loads(pid_file.read_text(encoding="utf-8"))["pid"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []
    orphans = [each for each in session_members(session) if _alive(each) and belongs(each)]
    for process in orphans:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(orphans, timeout=5)
    return [pid_file.stem] if orphans else []


def carries(variable: str, value: str) -> Callable[[psutil.Process], bool]:
    """A test for `end_leftovers`: the process was started with this environment variable."""

    def check(process: psutil.Process) -> bool:
        try:
            return bool(process.environ().get(variable) == value)
        except psutil.Error:
            return False

    return check

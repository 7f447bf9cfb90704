"""Where a checkout keeps its state, and where things go that cannot live there.

Everything belongs in one git-ignored folder (`.exchequer`, or `EXCHEQUER_STATE`). Two facts of Unix push a few things
out of it: a socket's path holds 107 bytes at most, and PostgreSQL refuses to run as root, so as root it runs as
`nobody`, who may be unable to enter the checkout's parents. What has to move goes to a private folder of `/tmp` or
`/var/tmp` whose name is a digest of the state folder's path, so that two checkouts never meet; `outside_folders` lists
them for `make clean`.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_SOCKET_PATH = 107


@dataclass(frozen=True)
class Account:
    """The system account that a server runs as."""

    uid: int
    gid: int
    name: str


def state_folder() -> Path:
    """This checkout's state folder."""
    return Path(os.environ.get("EXCHEQUER_STATE") or ROOT / ".exchequer").resolve()


def unprivileged_account() -> Account | None:
    """Who a server that refuses root should run as; None when we are not root ourselves."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name)


def digest_of(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def may_enter(path: Path, account: Account | None) -> bool:
    """Whether `account` can walk down to `path`; folders that do not exist yet will be made enterable."""
    if account is None:
        return True
    for folder in (path, *path.parents):
        try:
            found = folder.stat()
        except FileNotFoundError:
            continue
        if found.st_uid == account.uid:
            allowed = found.st_mode & stat.S_IXUSR
        elif found.st_gid == account.gid:
            allowed = found.st_mode & stat.S_IXGRP
        else:
            allowed = found.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def private_folder(path: Path, account: Account | None = None, *, mode: int = 0o700) -> Path:
    """Makes `path`, or takes it over when it is already ours. Anybody else's folder or a symbolic link is refused."""
    owner = account.uid if account else os.geteuid()
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
        raise PermissionError(f"{path} is not a folder of ours; remove it and start again")
    if account and found.st_uid != owner:
        os.chown(path, account.uid, account.gid)
    path.chmod(mode)
    return path


def outside_folder(state: Path, *, lasting: bool) -> Path:
    """The folder that stands in for `state` where `state` itself will not do. `lasting`: it survives a reboot."""
    parent = Path("/var/tmp") if lasting else Path(tempfile.gettempdir())
    if len(str(parent)) > 40:
        parent = Path("/tmp")
    return parent / f"exchequer-{os.geteuid()}-{digest_of(state)}"


def outside_folders(state: Path) -> list[Path]:
    """Every folder outside `state` that may belong to it, whether it exists or not."""
    return sorted({outside_folder(state, lasting=True), outside_folder(state, lasting=False)})


def socket_folder(state: Path, name: str, *, longest_file: str, account: Account | None = None) -> Path:
    """A private folder for a server's socket whose file name is at most as long as `longest_file`.

    It lies in the state folder when the whole path fits into a socket address and `account` can get there.
    """
    inside = state / "run" / name
    if len(str(inside / longest_file)) <= LONGEST_SOCKET_PATH and may_enter(state, account):
        private_folder(state / "run", mode=0o711)
        return private_folder(inside, account)
    outside = private_folder(outside_folder(state, lasting=False), mode=0o711)
    return private_folder(outside / name, account)


def data_folder(state: Path, name: str, account: Account | None = None) -> Path:
    """A private folder for a server's data, in the state folder unless `account` cannot get there.

    When it lies elsewhere the state folder holds a symbolic link of the same name, so that it can be found.
    """
    inside = state / name
    if may_enter(state, account):
        return private_folder(inside, account)
    outside = private_folder(private_folder(outside_folder(state, lasting=True), mode=0o711) / name, account)
    if not inside.is_symlink():
        inside.symlink_to(outside)
    return outside


def reachable_tree(base: Path, parts: Sequence[str], state: Path, account: Account | None) -> Path:
    """`base` itself, or a folder with copies of its `parts` where `account` can reach them (hard links if they can be).

    Programs find their libraries by relative paths, so the parts keep their places beside one another.
    """
    if may_enter(base, account):
        return base
    programs = private_folder(outside_folder(state, lasting=True), mode=0o711) / "programs"
    stamps = "".join(f"{part}{(base / part).stat().st_mtime_ns}" for part in parts)
    copy = programs / digest_of(base / hashlib.sha256(stamps.encode()).hexdigest())
    if copy.exists():
        return copy
    programs.mkdir(mode=0o755, exist_ok=True)
    unfinished = programs / f"{copy.name}.{os.getpid()}"
    try:
        for part in parts:
            shutil.copytree(base / part, unfinished / part, symlinks=True, copy_function=_link_or_copy)
        unfinished.rename(copy)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        if copy.exists():  # another process was faster
            return copy
        raise
    return copy


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)

"""Writing results: a file is whole or absent, and nothing is overwritten unasked; and keeping what takes long to work out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

PART = ".escsim-part"
PENDING: set[str] = set()  # files being written: to be removed by whoever ends the program


class OccupiedError(Exception):
    """Files with other contents are already there.

    Attributes
    ----------
    paths : tuple of Path
        The files in the way.
    """

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self.paths = paths
        super().__init__(", ".join(map(str, paths)))


def write(contents: Mapping[Path, bytes], *, force: bool = False) -> None:
    """Write files, each whole or not at all.

    Every file is written beside its place under another name, flushed to disk and renamed, so that a kill or a full
    disk leaves the old file or none. A file that already has these very bytes is left alone.

    Parameters
    ----------
    contents : mapping of Path to bytes
        What to write where; missing folders are made.
    force : bool
        Whether to replace files that have other contents.

    Raises
    ------
    OccupiedError
        If a file with other contents is there and `force` is not set; then nothing is written.
    OSError
        If the disk is full or the folder cannot be written.
    """
    todo = {path: data for path, data in contents.items() if not _same(path, data)}
    if not force and (occupied := tuple(path for path in todo if os.path.lexists(path))):
        raise OccupiedError(occupied)
    for path, data in todo.items():
        with whole(path) as file:
            file.write(data)


def as_csv(rows: Iterable[Sequence[object]]) -> bytes:
    """Give rows as CSV: every cell on one line, and no text that a spreadsheet takes for a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([_harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return out.getvalue().encode()


def _harmless(text: str) -> str:
    text = " ".join(text.split())
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text


def kept(key: str, make: Callable[[], bytes]) -> bytes:
    """Give what was made before and kept in the user's cache folder, `escsim` in `XDG_CACHE_HOME` or `~/.cache`; make and keep it else.

    What is damaged is made anew, and what cannot be kept is made each time.

    Parameters
    ----------
    key : str
        Names everything that the bytes depend on.
    make : callable

    Returns
    -------
    bytes
    """
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "escsim"
    except RuntimeError:  # a user without a home
        return make()
    path = folder / hashlib.sha256(key.encode()).hexdigest()[:32]
    found = unsealed(path)
    if found is None:
        found = make()
        with suppress(OSError):
            seal(path, found)
    return found


def seal(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, so that it is noticed if it is damaged later; one that is there is replaced."""
    write({path: hashlib.sha256(data).digest() + data}, force=True)


def unsealed(path: Path) -> bytes | None:
    """Give what was sealed in a file, None if it is not there or damaged."""
    try:
        found = path.read_bytes()
    except OSError:
        return None
    return found[32:] if hashlib.sha256(found[32:]).digest() == found[:32] else None


def as_json(data: Any) -> bytes:
    """Lay plain data out as JSON in UTF-8."""
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def _same(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be written bit by bit: it comes to its place, in that of another, when all is written, or not at all.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    target = path.resolve() if path.is_file() else path
    name = ""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{os.getpid()}.", suffix=PART)
        PENDING.add(name)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, target.stat().st_mode & 0o777 if target.is_file() else 0o666 & ~_umask())
        os.replace(name, target)
    except OSError as error:  # name the file that was asked for, not the hidden one
        raise type(error)(error.errno, error.strerror, str(path)) from None
    finally:
        if name:
            Path(name).unlink(missing_ok=True)
            PENDING.discard(name)
    with suppress(OSError):  # make the rename last through a power cut, which Windows and some network disks cannot
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed left behind."""
    for stray in folder.glob(f".*{PART}"):
        try:
            os.kill(int(stray.name.split(".")[1]), 0)
        except ProcessLookupError:
            stray.unlink(missing_ok=True)
        except (ValueError, OverflowError, OSError):  # no file of ours, or another's process
            continue

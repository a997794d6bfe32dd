"""Writing under faults: whatever fails and whenever, a file is the old one or the new one, whole."""

from __future__ import annotations

import errno
import os
import random
import re
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from escsim import files
from tests.conftest import Told, environment

OLD = {"a.png": b"old a" * 99, "b.json": b"old b", "c.csv": b""}
NEW = {"a.png": b"new a" * 70, "b.json": b"", "c.csv": b"new c\n" * 5000}


def laid(folder: Path, contents: dict[str, bytes]) -> dict[Path, bytes]:
    return {folder / name: data for name, data in contents.items()}


def found(folder: Path) -> dict[str, bytes]:
    """Give all that is in a folder, hidden files too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# What it does when nothing fails


def test_files_are_written_whole_and_missing_folders_made(tmp_path: Path) -> None:
    contents = laid(tmp_path / "new" / "folder", NEW)
    files.write(contents)
    assert found(tmp_path / "new" / "folder") == NEW


def test_a_file_of_other_contents_is_replaced_only_with_force(tmp_path: Path) -> None:
    files.write(laid(tmp_path, OLD))
    with pytest.raises(files.OccupiedError) as caught:
        files.write(laid(tmp_path, NEW))
    assert caught.value.paths == tuple(laid(tmp_path, NEW))
    assert str(caught.value) == ", ".join(map(str, laid(tmp_path, NEW)))
    assert found(tmp_path) == OLD
    files.write(laid(tmp_path, NEW), force=True)
    assert found(tmp_path) == NEW


@pytest.mark.parametrize("name", NEW)
def test_if_one_file_is_in_the_way_none_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(files.OccupiedError) as caught:
        files.write(laid(tmp_path, NEW))
    assert caught.value.paths == (tmp_path / name,)
    assert found(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize("force", [False, True])
def test_a_file_with_these_very_bytes_is_left_alone(tmp_path: Path, force: bool) -> None:
    contents = laid(tmp_path, NEW)
    files.write(contents)
    for path in contents:
        os.utime(path, ns=(10**18, 10**18))
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in contents}
    files.write(contents, force=force)
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in contents} == before


def test_what_is_missing_is_added_beside_what_is_there_already(tmp_path: Path) -> None:
    contents = laid(tmp_path, NEW)
    files.write(contents)
    (tmp_path / "b.json").unlink()
    files.write(contents)
    assert found(tmp_path) == NEW


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o755, 0o400])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(mode)
    files.write({path: b"new"}, force=True)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_the_user_wants(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        files.write({tmp_path / "a": b"new"})
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~mask
        assert os.umask(mask) == mask
    finally:
        os.umask(before)


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "target"
    target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(files.OccupiedError):
        files.write({link: b"new"})
    files.write({link: b"new"}, force=True)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["far", "link", "target"]


def test_a_link_that_leads_nowhere_is_in_the_way(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(files.OccupiedError):
        files.write({link: b"new"})
    files.write({link: b"new"}, force=True)
    assert link.read_bytes() == b"new"


def test_a_folder_is_in_the_way_and_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(files.OccupiedError):
        files.write({tmp_path / "a": b"new"})
    with pytest.raises(IsADirectoryError, match="directory") as caught:
        files.write({tmp_path / "a": b"new"}, force=True)
    assert (caught.value.filename, caught.value.filename2) == (str(tmp_path / "a"), None)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["with space", "new\nline", "ümläut ü", ".hidden", "-dash", "a" * 180, "a" * 255])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    files.write({tmp_path / name: b"new"})
    assert found(tmp_path) == {name: b"new"}


def test_what_is_being_written_is_hidden_and_pending_until_it_is_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or whoever ends the program could not remove it."""
    real, seen = os.replace, []

    def replace(source: str, target: Path) -> None:
        assert {source} == files.PENDING
        assert Path(source).parent == target.parent
        assert re.fullmatch(rf"\.{os.getpid()}\.[^.]+{re.escape(files.PART)}", Path(source).name)
        seen.append(target)
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    contents = laid(tmp_path, NEW)
    files.write(contents)
    assert seen == list(contents)
    assert not files.PENDING
    assert files.PART == ".escsim-part"


# What it leaves behind when something fails

CALLS = ("mkdir", "mkstemp", "write", "flush", "fsync", "chmod", "replace", "open")


class Failing:
    """Lets the n-th call of one kind fail, and counts the calls."""

    def __init__(self, kind: str, number: int, error: BaseException, patch: pytest.MonkeyPatch) -> None:
        self.kind, self.left, self.error = kind, number, error
        self.seen = 0
        patch.setattr(Path, "mkdir", self.wrapped("mkdir", Path.mkdir))
        patch.setattr(tempfile, "mkstemp", self.wrapped("mkstemp", tempfile.mkstemp))
        for name in ("fsync", "chmod", "replace", "open"):
            patch.setattr(os, name, self.wrapped(name, getattr(os, name)))
        opened = os.fdopen

        @contextmanager
        def fdopen(*args: Any, **named: Any) -> Iterator[Any]:
            with opened(*args, **named) as file:
                yield _Half(file, self)

        patch.setattr(os, "fdopen", fdopen)

    def wrapped(self, kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def failing(*args: Any, **named: Any) -> Any:
            self.count(kind)
            return call(*args, **named)

        return failing

    def count(self, kind: str) -> None:
        if kind == self.kind:
            self.seen += 1
            self.left -= 1
            if not self.left:
                raise self.error


class _Half:
    """A file that writes half of what it is given before it fails."""

    def __init__(self, file: Any, failing: Failing) -> None:
        self.file, self.failing = file, failing

    def write(self, data: bytes) -> None:
        self.file.write(data[: len(data) // 2])
        self.failing.count("write")
        self.file.write(data[len(data) // 2 :])

    def flush(self) -> None:
        self.failing.count("flush")
        self.file.flush()

    def fileno(self) -> int:
        return int(self.file.fileno())


def test_every_kind_of_call_is_counted(tmp_path: Path) -> None:
    """The net of the tests below has no holes: each kind of fault can come up."""
    for kind in CALLS:
        (tmp_path / kind).mkdir()
        with pytest.MonkeyPatch.context() as patch:
            failing = Failing(kind, 0, OSError(), patch)
            files.write(laid(tmp_path / kind, NEW))
        assert failing.seen >= len(NEW), kind


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=["full", "interrupted"])
def test_whatever_fails_every_file_is_the_old_one_or_the_new_one(tmp_path: Path, kind: str, number: int, there: bool, error: BaseException) -> None:
    if there:
        files.write(laid(tmp_path, OLD))
    failed: BaseException | None = None
    with pytest.MonkeyPatch.context() as patch:
        failing = Failing(kind, number, error, patch)
        try:
            files.write(laid(tmp_path, NEW), force=True)
        except type(error) as raised:
            failed = raised
    after = found(tmp_path)
    for name, data in NEW.items():
        assert after.pop(name, None) in ((OLD[name], data) if there else (None, data)), name
    assert not after, "no stray is left"
    assert not files.PENDING
    if isinstance(failed, OSError) and kind != "mkdir":  # the file asked for is named, not the hidden one
        first = next(path for path, data in laid(tmp_path, NEW).items() if not path.exists() or path.read_bytes() != data)
        assert (type(failed), failed.errno, failed.strerror, failed.filename) == (OSError, errno.ENOSPC, "No space left on device", str(first))
    elif failed:
        assert failed is error
    if not failed:  # either it never came to the n-th call, or the fault did no harm (a folder that cannot be synced)
        assert failing.left > 0 or kind in ("open", "fsync")
        assert found(tmp_path) == NEW
    files.write(laid(tmp_path, NEW), force=True)
    assert found(tmp_path) == NEW


@pytest.mark.parametrize("what", ["open", "fsync"])
def test_a_folder_that_cannot_be_synced_does_no_harm(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows opens no folders, and some network disks sync none; the file is in its place by then."""
    real = getattr(os, what)

    def refusing(at: Any, *args: Any, **named: Any) -> Any:
        if (what == "open" and Path(at) == tmp_path) or (what == "fsync" and stat.S_ISDIR(os.fstat(at).st_mode)):
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(at, *args, **named)

    monkeypatch.setattr(os, what, refusing)
    files.write(laid(tmp_path, NEW))
    assert found(tmp_path) == NEW


LIMITED = """
import resource, sys
from pathlib import Path
from escsim import files
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    files.write({Path("small"): b"x" * 999, Path("large"): b"y" * 2001}, force=True)
except OSError as error:
    print(error.errno, error.filename)
from escsim import cli
sys.argv = ["escsim", "new", "crisis"]
cli.main()
"""


def test_a_full_disk_leaves_the_old_file_and_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"old" * 1000)
    done = subprocess.run([sys.executable, "-c", LIMITED], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == f"{errno.EFBIG} large\n"
    assert done.stderr == "escsim: error: File too large: crisis.yaml\n"
    assert done.returncode == 1
    assert found(tmp_path) == {"small": b"x" * 999, "large": b"old" * 1000}


WRITING = """
import itertools, sys
from pathlib import Path
from escsim import files
print("ready", flush=True)
for letter in itertools.cycle("ab"):
    files.write({Path(name): letter.encode() * 300_000 for name in ("one", "two")}, force=True)
"""


def killed(folder: Path, after: float) -> None:
    """Let a process write for some time and kill it."""
    with subprocess.Popen([sys.executable, "-c", WRITING], cwd=folder, env=environment(), stdout=subprocess.PIPE) as writing:
        assert writing.stdout is not None
        assert writing.stdout.readline() == b"ready\n"
        time.sleep(after)
        writing.send_signal(signal.SIGKILL)
    assert writing.returncode == -signal.SIGKILL


def whole(folder: Path) -> None:
    """Check that each file of a killed writer is whole."""
    for name in ("one", "two"):
        data = (folder / name).read_bytes() if (folder / name).exists() else b"a" * 300_000
        assert data in (b"a" * 300_000, b"b" * 300_000), f"{name} is torn"


def test_a_kill_leaves_whole_files_and_its_strays_are_swept(tmp_path: Path) -> None:
    chance = random.Random(1)
    for _ in range(30):
        killed(tmp_path, chance.uniform(0, 0.02))
        whole(tmp_path)
        assert len(found(tmp_path)) <= 3, "the strays of earlier kills are swept"
    files.write({tmp_path / "one": b"c"}, force=True)
    assert set(found(tmp_path)) <= {"one", "two"}


@pytest.mark.slow
def test_three_hundred_kills_leave_whole_files(tmp_path: Path) -> None:
    chance = random.Random(2)
    for _ in range(300):
        killed(tmp_path, chance.uniform(0, 0.05))
        whole(tmp_path)


def test_only_strays_of_the_dead_are_swept(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    stray = tmp_path / f".{dead.pid}.x0y1z2{files.PART}"
    kept = [tmp_path / f".{os.getpid()}.x0y1z2{files.PART}", tmp_path / f".mine{files.PART}", tmp_path / f"..{files.PART}", tmp_path / ".a.1.b"]
    for path in [stray, *kept]:
        path.write_bytes(b"part")
    files.write({tmp_path / "a": b"new"})
    assert sorted(found(tmp_path)) == sorted(["a", *(path.name for path in kept)])


def test_a_folder_that_may_not_be_written_is_told_in_a_line(tmp_path: Path, powerless: Callable[..., Told]) -> None:
    (tmp_path / "old").write_bytes(b"old")
    tmp_path.chmod(0o555)
    done = powerless("new", "crisis")
    tmp_path.chmod(0o755)
    assert (done.code, done.out, done.err) == (1, "", "escsim: error: Permission denied: crisis.yaml\n")
    assert found(tmp_path) == {"old": b"old"}


def test_limits_of_this_process_are_untouched() -> None:
    """The tests above set limits in processes of their own."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# What takes long to make is kept


@pytest.fixture
def makes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], bytes]:
    """Count how often something is made, whose place to be kept is `tmp_path / "cache"`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made: list[bytes] = []

    def make() -> bytes:
        made.append(b"made %d" % len(made))
        return made[-1]

    return make


def test_what_was_made_is_kept_under_its_key(makes: Callable[[], bytes], tmp_path: Path) -> None:
    assert [files.kept("one", makes), files.kept("one", makes), files.kept("other", makes), files.kept("one", makes)] == [b"made 0"] * 2 + [
        b"made 1",
        b"made 0",
    ]
    assert len(found(tmp_path / "cache" / "escsim")) == 2


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b" ", lambda data: b"", lambda data: bytes([data[0] ^ 1]) + data[1:]])
def test_what_was_kept_and_is_damaged_is_made_anew(damage: Callable[[bytes], bytes], makes: Callable[[], bytes], tmp_path: Path) -> None:
    files.kept("one", makes)
    (path,) = (tmp_path / "cache" / "escsim").iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert [files.kept("one", makes), files.kept("one", makes)] == [b"made 1"] * 2


def test_what_cannot_be_kept_is_made_each_time(makes: Callable[[], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_bytes(b"a file where a folder should be")
    assert [files.kept("one", makes), files.kept("one", makes)] == [b"made 0", b"made 1"]

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert files.kept("one", makes) == b"made 2"


def test_what_breaks_off_while_it_is_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "log"

    def breaks_off(there: int) -> None:
        with files.whole(path) as file:
            file.write(b"half")
            assert len(list(tmp_path.iterdir())) == there + 1
            raise RuntimeError("enough")

    for there in (0, 1):
        with pytest.raises(RuntimeError, match="enough"):
            breaks_off(there)
        assert len(list(tmp_path.iterdir())) == there
        path.write_bytes(b"before")
    with files.whole(path) as file:
        file.write(b"whole, ")
        assert path.read_bytes() == b"before"
        file.write(b"now")
    assert path.read_bytes() == b"whole, now"
    assert not files.PENDING


def test_what_was_sealed_comes_back_unless_a_bit_of_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "part"
    assert files.unsealed(path) is None
    for data in (b"", b"counts"):
        files.seal(path, data)
        assert files.unsealed(path) == data
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert files.unsealed(path) is None

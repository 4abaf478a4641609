"""Keeps some files as they are: what Python code writes to them goes to other files.

The C library beside it does the same one level deeper, for programs, too; this module is there for machines where that
cannot be built, and for writers in Python packages that make system calls of their own (safetensors).

Python imports this module when it starts, since its folder is first on PYTHONPATH; it then imports the machine's own
`sitecustomize`, if there is one. GOLFSWEEP_KEPT has a line for each kept file: its device, its inode, and the file to
which writes go. It needs the standard library alone, of Python 3.8 or later.
"""

from __future__ import annotations

import builtins
import functools
import importlib.machinery
import importlib.util
import io
import os
import shutil
import sys

_WRAPPED_AT_IMPORT = ("safetensors", "torch.serialization")
"""Modules that hand paths to code which is not Python's."""


def _read_table():
    table = {}
    for line in os.environ.get("GOLFSWEEP_KEPT", "").splitlines():
        device, inode, aside = line.split(" ", 2)
        table[int(device), int(inode)] = aside
    return table


_KEPT = _read_table()


def _aside(path, follow=True, folder=None):
    """The file to which writes to a path go; None for one that names no kept file."""
    try:
        status = os.stat(path, dir_fd=folder, follow_symlinks=follow)
    except (OSError, TypeError, ValueError):
        return None
    return _KEPT.get((status.st_dev, status.st_ino))


def _for_change(path):
    """The file to change instead of a kept one, which begins as a copy of it."""
    aside = _aside(path)
    if aside is not None and not os.path.exists(aside):
        shutil.copyfile(path, aside)
    return aside


def _is_path(path):
    return isinstance(path, (str, bytes, os.PathLike))


class _Instead:
    """A function in place of one of C: unlike other functions of Python, it does not become a method in a class.

    `pathlib` of Python 3.10 and earlier takes functions of `os` into a class.
    """

    def __init__(self, function, original):
        self._function = function
        functools.update_wrapper(self, original)

    @classmethod
    def of(cls, original):
        return lambda function: cls(function, original)

    def __call__(self, *args, **options):
        return self._function(*args, **options)


def _wrap_open(original):
    @_Instead.of(original)
    def redirected(file, mode="r", *args, **options):
        if _is_path(file) and isinstance(mode, str) and "x" not in mode and set(mode) & set("wa+"):
            aside = _aside(file) if "w" in mode else _for_change(file)
            file = file if aside is None else aside
        return original(file, mode, *args, **options)

    return redirected


def _wrap_os_open(original):
    @_Instead.of(original)
    def redirected(path, flags, mode=0o777, *, dir_fd=None):
        changes = flags & os.O_ACCMODE != os.O_RDONLY or flags & os.O_TRUNC
        if changes and _is_path(path) and not (flags & os.O_CREAT and flags & os.O_EXCL):
            aside = _aside(path, folder=dir_fd)
            if aside is not None:
                if not flags & os.O_TRUNC and dir_fd is None:
                    _for_change(path)
                return original(aside, flags | os.O_CREAT, 0o644)
        return original(path, flags, mode, dir_fd=dir_fd)

    return redirected


def _wrap_rename(original):
    @_Instead.of(original)
    def redirected(src, dst, *, src_dir_fd=None, dst_dir_fd=None):
        onto = _aside(dst, follow=False, folder=dst_dir_fd)
        if _aside(src, follow=False, folder=src_dir_fd) is not None:  # it stays, and is found under its new name, too
            if onto is None:
                if os.path.lexists(dst):
                    _unlink(dst)
                _link(src, dst, follow_symlinks=False)
            return None
        if onto is not None:
            return original(src, onto, src_dir_fd=src_dir_fd)
        return original(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    return redirected


def _wrap_unlink(original):
    @_Instead.of(original)
    def redirected(path, *, dir_fd=None):
        return None if _aside(path, follow=False, folder=dir_fd) else original(path, dir_fd=dir_fd)

    return redirected


def _wrap_link(original):
    @_Instead.of(original)
    def redirected(src, dst, *args, **options):
        onto = _aside(dst, follow=False)
        if onto is None:
            return original(src, dst, *args, **options)
        if os.path.lexists(onto):
            _unlink(onto)
        return original(src, onto, *args, **options)

    return redirected


def _wrap_truncate(original):
    @_Instead.of(original)
    def redirected(path, length):
        aside = _for_change(path) if _is_path(path) else None
        return original(path if aside is None else aside, length)

    return redirected


def _wrap_module(module):
    """Redirect the writers of a module that has just been imported, or was before."""
    if module.__name__ == "safetensors":
        before = module.serialize_file

        @functools.wraps(before)
        def serialize_file(tensor_dict, filename, *args, **options):
            return before(tensor_dict, _aside(filename) or filename, *args, **options)

        for known in list(sys.modules.values()):  # `from safetensors import serialize_file` made names of their own
            if getattr(known, "__dict__", {}).get("serialize_file") is before:
                known.serialize_file = serialize_file
        return
    native = sys.modules["torch"]._C
    if isinstance(native.PyTorchFileWriter, type):

        class PyTorchFileWriter(native.PyTorchFileWriter):
            def __init__(self, target, *args, **options):
                super().__init__(str(_aside(target) or target) if _is_path(target) else target, *args, **options)

        native.PyTorchFileWriter = PyTorchFileWriter


class _Finder:
    """Wraps the writers of a module when somebody imports it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in _WRAPPED_AT_IMPORT:
            return None
        finders = [finder for finder in sys.meta_path if finder is not _Finder and hasattr(finder, "find_spec")]
        spec = next((spec for spec in (finder.find_spec(name, path, target) for finder in finders) if spec), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                _wrap_module(module)

            spec.loader.exec_module = exec_module
        return spec


def _install():
    instead = {io.open: _wrap_open(io.open)}
    wraps = {
        "open": _wrap_os_open,
        "rename": _wrap_rename,
        "replace": _wrap_rename,
        "unlink": _wrap_unlink,
        "remove": _wrap_unlink,
        "link": _wrap_link,
        "symlink": _wrap_link,
        "truncate": _wrap_truncate,
    }
    for name, wrap in wraps.items():
        original = getattr(os, name)
        instead[original] = wrap(original)
        setattr(os, name, instead[original])
    builtins.open = io.open = instead[io.open]
    paths = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)  # Python 3.10 and earlier remember them there
    for name, value in list(vars(paths).items()) if paths is not None else ():
        function = getattr(value, "__func__", value)
        if callable(function) and function in instead:
            setattr(paths, name, instead[function])
    sys.meta_path.insert(0, _Finder)
    for name in _WRAPPED_AT_IMPORT:
        if name in sys.modules:
            _wrap_module(sys.modules[name])


def _import_own():
    """Import the sitecustomize that this one stands before, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = sys.modules["sitecustomize"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


_unlink, _link = os.unlink, os.link
if _KEPT:
    _install()
_import_own()

"""Scripts that are packed into a string and execute what they unpack."""

import base64
import bz2
import gzip
import lzma
import zlib
from pathlib import Path

import pytest
import zstandard

from jobs.scripts.source import read_source
from jobs.scripts.source.limits import MAX_SOURCE_BYTES

INNER = b'import os\nx = int(os.environ.get("INSIDE", 3))\nprint("final_exact val_loss:1.0 val_bpb:2.0")\n'
RAW = [{"id": lzma.FILTER_LZMA2}]


def raw_lzma(inner: bytes) -> str:
    packed = base64.b85encode(lzma.compress(inner, format=lzma.FORMAT_RAW, filters=RAW)).decode()
    call = f'L.decompress(B.b85decode("{packed}"),format=L.FORMAT_RAW,filters=[{{"id":L.FILTER_LZMA2}}])'
    return f"import lzma as L,base64 as B\nexec({call})\n"


def base85(inner: bytes) -> bytes:
    return base64.b85encode(lzma.compress(inner))


def zlib64(inner: bytes) -> str:
    return base64.b64encode(zlib.compress(inner)).decode()


DEFLATED = zlib.compress(INNER)
LZMA_CALL = f"lzma.decompress(base64.b85decode({base85(INNER)!r}))"
WRAPPERS = {
    "raw LZMA": raw_lzma(INNER),
    "bytes": f"import lzma,base64;exec({LZMA_CALL})",
    "compiled": f"import lzma,base64\nexec(compile({LZMA_CALL},'t.py','exec'),globals())",
    "decoded": f"import zlib,base64 as b\nP={zlib64(INNER)!r}\nexec(zlib.decompress(b.b64decode(P)).decode('utf8'))",
    "imported in place": f"exec(__import__('zlib').decompress(__import__('base64').b64decode({zlib64(INNER)!r})))",
    "by name": f"from lzma import decompress as d\nfrom base64 import b85decode as b\nexec(d(b({base85(INNER)!r})))",
    "bz2": f"import bz2,base64\nexec(bz2.decompress(base64.a85decode({base64.a85encode(bz2.compress(INNER))!r})))",
    "gzip": f"import gzip\nexec(gzip.decompress(bytes.fromhex({gzip.compress(INNER).hex()!r})))",
    "zstandard": f"import zstandard\nexec(zstandard.decompress({zstandard.compress(INNER)!r}))",
    "raw deflate": f"import zlib\nexec(zlib.decompress({zlib.compress(INNER, wbits=-15)!r}, -15))",
    "in pieces": f"import zlib\nP = [{DEFLATED[:40]!r}, {DEFLATED[40:]!r}]\nexec(zlib.decompress(b''.join(P)))",
    "run from a file": f"import lzma,runpy,base64\nopen('u.py','wb').write({LZMA_CALL})\nrunpy.run_path('u.py')",
    "twice": raw_lzma(raw_lzma(INNER).encode()),
}


@pytest.mark.parametrize("form", WRAPPERS)
def test_each_form_is_unpacked(form: str) -> None:
    source = read_source(WRAPPERS[form].encode())
    assert source.unpacked[-1] == INNER.decode()
    assert len(source.unpacked) == (2 if form == "twice" else 1)
    assert [(entry.name, entry.default, entry.line) for entry in source.names.values()] == [("INSIDE", "3", 2)]
    assert [metric.name for metric in source.metrics] == ["final"]
    assert source.whole == ()


def test_a_packed_text_may_be_in_a_file_beside_it() -> None:
    packed = b"base64.b85decode(Path('code.b85').read_text())"
    script = b"import lzma,base64\nfrom pathlib import Path\nexec(lzma.decompress(" + packed + b"))"
    assert list(read_source(script, {"code.b85": base85(INNER)}).names) == ["INSIDE"]
    (reason,) = read_source(script).whole
    assert "not among those beside the script" in reason


def test_executing_a_file_beside_it_is_reading_that_file() -> None:
    source = read_source(b"exec(open('lib.py').read())", {"lib.py": INNER})
    assert list(source.names) == ["INSIDE"]
    assert source.whole == ()
    assert source.unpacked == ()


def test_nothing_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    inner = f"open({str(mark)!r}, 'w')\n".encode()
    read_source(raw_lzma(inner).encode())
    read_source(f"exec((lambda: open({str(mark)!r}, 'w'))() or '')".encode())
    assert not mark.exists()


@pytest.mark.parametrize(
    "script",
    [
        raw_lzma(bytes(MAX_SOURCE_BYTES + 1)),
        f"import zlib\nexec(zlib.decompress({zlib.compress(bytes(20 * MAX_SOURCE_BYTES))!r}))",
        "import lzma\nexec(lzma.decompress(b'no archive'))",
        'import lzma as L\nF=[{"id":L.FILTER_LZMA2,"dict_size":4294967295}]\n'
        'exec(L.decompress(b"x",format=L.FORMAT_RAW,filters=F))',
        "import zlib\n" + "".join(f"x{i} = x{i + 1} + x{i + 1}\n" for i in range(60)) + "x60 = ''\nexec(x0)",
        "x = x + x\nexec(x)",
        "exec(y)",
    ],
)
def test_what_cannot_be_unpacked_is_said(script: str) -> None:
    source = read_source(script.encode())
    assert source.unpacked == ()
    assert len(source.whole) == 1


def test_wrappers_within_each_other_have_a_bound() -> None:
    script = INNER
    for _ in range(8):
        script = raw_lzma(script).encode()
    source = read_source(script)
    assert len(source.unpacked) == 4
    assert any("wrappers within each other" in reason for reason in source.whole)

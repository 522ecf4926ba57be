"""From delivered bytes to plain UTF-8 text: unpacking within limits, encoding, byte-level facts.

Here live decompression, the detection and strict decoding of encodings and what one pass over the
bytes can prove. Splitting text into records lives in the readers of each format.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zstandard
from charset_normalizer import from_bytes

from ingest.readers.records import FileRejectedError

CHUNK_BYTES: Final = 4_194_304
_ZSTANDARD_INPUT_BYTES: Final = 1_024
"""Input given to the decompressor at once: a run-length block of 4 bytes unpacks to 128 KiB."""

_SAMPLE_BYTES: Final = 65_536
_MAGIC: Final = (
    (b"PK\x03\x04", "a ZIP archive or workbook"),
    (b"\xd0\xcf\x11\xe0", "an old or protected Office file"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data"),
    (b"%PDF", "a PDF file"),
)
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMON_SHARE: Final = 0.9
"""Chinese text in GB18030 is nearly all of GB 2312 level 1; other encodings misread are not."""


@dataclass(frozen=True)
class Limits:
    """What a packed file may become.

    Attributes:
        max_bytes: The largest unpacked size.
        max_ratio: The largest unpacked size for one packed byte.
        ratio_from_bytes: Below this unpacked size the ratio is not judged.
        max_string_bytes: The largest unpacked size of a workbook's table of texts, which is held
            in memory.
    """

    max_bytes: int = 32 * 1024**3
    max_ratio: int = 100
    ratio_from_bytes: int = 64 * 1024**2
    max_string_bytes: int = 1024**3


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True)
class TextFile:
    """A file of valid UTF-8 text whose lines end in LF or CRLF.

    Attributes:
        path: The file: the archived one, or a private copy of it in UTF-8.
        is_ascii: No byte above 127.
        has_nul: A NUL byte stands somewhere.
    """

    path: Path
    is_ascii: bool
    has_nul: bool


def chunks_of(path: Path) -> Iterator[bytes]:
    """The file's bytes in chunks of bounded size."""
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK_BYTES):
            yield chunk


def unpack(path: Path, *, packing: str, target: Path, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Decompress a file into a private one, within limits.

    Args:
        path: The packed file.
        packing: `gz` or `zst`.
        target: Where to write.
        limits: What the file may become.

    Returns:
        The target.

    Raises:
        FileRejectedError: CORRUPT_ARCHIVE, BOMB or TOO_LARGE.
    """
    packed_bytes = path.stat().st_size
    unpacked_bytes = 0
    pieces = _gunzipped(path) if packing == "gz" else _unzstandarded(path)
    try:
        with target.open("wb") as handle:
            for piece in pieces:
                unpacked_bytes += len(piece)
                if unpacked_bytes > limits.max_bytes:
                    raise FileRejectedError(
                        "TOO_LARGE",
                        f"expected at most {limits.max_bytes} bytes unpacked, found more; "
                        "split the delivery",
                    )
                if (
                    unpacked_bytes > limits.ratio_from_bytes
                    and unpacked_bytes > packed_bytes * limits.max_ratio
                ):
                    raise FileRejectedError(
                        "BOMB",
                        f"expected at most {limits.max_ratio} bytes for each packed byte, found "
                        f"more after {unpacked_bytes} bytes; deliver the file unpacked",
                    )
                handle.write(piece)
    except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
        raise FileRejectedError(
            "CORRUPT_ARCHIVE",
            f"expected a whole {packing} archive, found {error}; transfer the file again",
        ) from error
    return target


def _gunzipped(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as handle:
        while piece := handle.read(CHUNK_BYTES):
            yield piece


def _unzstandarded(path: Path) -> Iterator[bytes]:
    context = zstandard.ZstdDecompressor()
    frame = context.decompressobj()
    has_input = False
    for chunk in chunks_of(path):
        for start in range(0, len(chunk), _ZSTANDARD_INPUT_BYTES):
            packed = chunk[start : start + _ZSTANDARD_INPUT_BYTES]
            while packed:
                if frame.eof:
                    frame = context.decompressobj()
                has_input = True
                piece = frame.decompress(packed)
                packed = frame.unused_data if frame.eof else b""
                if piece:
                    yield piece
    if has_input and not frame.eof:
        message = "the end of the file inside a frame"
        raise EOFError(message)


def open_text(
    path: Path,
    *,
    packing: str | None,
    encoding: str | None,
    scratch: Path,
    limits: Limits = DEFAULT_LIMITS,
) -> TextFile:
    """Make a delivered text file readable as UTF-8, copying it only where it must change.

    Args:
        path: The archived file.
        packing: `gz`, `zst` or None.
        encoding: The declared encoding; detected when None.
        scratch: A private folder for copies.
        limits: What a packed file may become.

    Returns:
        The text file.

    Raises:
        FileRejectedError: EMPTY_FILE, FORMAT_MISMATCH, ENCODING, NUL_BYTES or a reason of
            `unpack`.
    """
    if path.stat().st_size == 0:
        raise FileRejectedError("EMPTY_FILE", "expected records, found zero bytes; deliver again")
    if path.stat().st_size > limits.max_bytes:
        raise FileRejectedError(
            "TOO_LARGE", f"expected at most {limits.max_bytes} bytes; split the delivery"
        )
    if packing is not None:
        path = unpack(path, packing=packing, target=scratch / "unpacked", limits=limits)
    with path.open("rb") as handle:
        head = handle.read(_SAMPLE_BYTES)
    if not head.strip():
        raise FileRejectedError("EMPTY_FILE", "expected records, found none; deliver again")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            raise FileRejectedError(
                "FORMAT_MISMATCH",
                f"expected text as the file's name says, found {kind}; correct the file's suffix",
            )
    found = encoding or _marked_encoding(head)
    if found in (None, "utf-8", "utf-8-sig", "ascii"):
        survey = _survey(path)
        if survey.is_utf8:
            return _checked(survey, path=path, scratch=scratch)
        if found is not None:
            raise FileRejectedError(
                "ENCODING",
                f"expected valid {found} throughout, found other bytes at byte {survey.position}; "
                f"{_encoding_hint(head)}",
            )
        found = _guessed_encoding(path, head)
    assert found is not None  # noqa: S101 - the guess above never gives None
    private = _transcode(path, encoding=found, target=scratch / "text")
    return _checked(_survey(private), path=private, scratch=scratch)


@dataclass(frozen=True)
class _Survey:
    is_utf8: bool
    is_ascii: bool
    has_nul: bool
    has_line_feed: bool
    has_carriage_return: bool
    ends_in_nul: bool
    position: int


def _survey(path: Path) -> _Survey:
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_ascii = True
    has_nul = has_line_feed = has_carriage_return = False
    position = 0
    chunk = b""
    is_utf8 = True
    for chunk in chunks_of(path):
        if not (is_ascii and chunk.isascii()):
            is_ascii = False
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                is_utf8 = False
                position += error.start
                break
        has_nul = has_nul or b"\0" in chunk
        has_line_feed = has_line_feed or b"\n" in chunk
        has_carriage_return = has_carriage_return or b"\r" in chunk
        position += len(chunk)
    if is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    return _Survey(
        is_utf8=is_utf8,
        is_ascii=is_ascii,
        has_nul=has_nul,
        has_line_feed=has_line_feed,
        has_carriage_return=has_carriage_return,
        ends_in_nul=chunk.rstrip(b"\r\n").endswith(b"\0"),
        position=position,
    )


def _checked(survey: _Survey, *, path: Path, scratch: Path) -> TextFile:
    if survey.ends_in_nul:
        raise FileRejectedError(
            "NUL_BYTES",
            "expected text to the end, found NUL bytes there, as after a power cut; deliver again",
        )
    if survey.has_carriage_return and not survey.has_line_feed:
        target = scratch / "lines"
        with target.open("wb") as handle:
            for chunk in chunks_of(path):
                handle.write(chunk.replace(b"\r", b"\n"))
        path = target
    return TextFile(path=path, is_ascii=survey.is_ascii, has_nul=survey.has_nul)


def _marked_encoding(head: bytes) -> str | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0::2], head[1::2]
    if not odd or b"\0" not in head:
        return None
    threshold = 0.3
    even_share, odd_share = even.count(0) / len(even), odd.count(0) / len(odd)
    if odd_share > threshold and even_share == 0:
        return "utf-16-le"
    if even_share > threshold and odd_share == 0:
        return "utf-16-be"
    return None


def _guessed_encoding(path: Path, head: bytes) -> str:
    """Decide between GB18030 and refusal for text that is not UTF-8.

    Every pair of high bytes is some character of GB18030, so that decoding alone proves nothing:
    the characters must be the common ones, and no line may be Chinese in UTF-8.
    """
    decoder = codecs.getincrementaldecoder("gb18030")()
    common = others = 0
    carry = b""
    try:
        for chunk in chunks_of(path):
            for character in decoder.decode(chunk):
                if character > "\x7f":
                    if _is_common_chinese(character):
                        common += 1
                    else:
                        others += 1
            *lines, carry = (carry + chunk).split(b"\n")
            if any(_is_chinese_utf8(line) for line in lines):
                raise FileRejectedError(
                    "ENCODING",
                    "expected one encoding, found lines in UTF-8 among lines in another; "
                    "deliver the parts as separate files",
                )
        decoder.decode(b"", final=True)
        if _is_chinese_utf8(carry):
            raise FileRejectedError(
                "ENCODING",
                "expected one encoding, found a line in UTF-8 among lines in another; "
                "deliver the parts as separate files",
            )
    except UnicodeDecodeError as error:
        raise FileRejectedError(
            "ENCODING",
            f"expected UTF-8, UTF-16 or GB18030, found bytes of neither; {_encoding_hint(head)}",
        ) from error
    if common < _COMMON_SHARE * (common + others):
        raise FileRejectedError(
            "ENCODING",
            f"expected UTF-8, UTF-16 or GB18030, found neither; {_encoding_hint(head)}",
        )
    return "gb18030"


def _is_common_chinese(character: str) -> bool:
    try:
        encoded = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    first = encoded[0]
    return 0xB0 <= first <= 0xD7 or 0xA1 <= first <= 0xA3


def _is_chinese_utf8(line: bytes) -> bool:
    if line.isascii():
        return False
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return any("\u3000" <= character <= "\u9fff" for character in text)


def _encoding_hint(head: bytes) -> str:
    best = from_bytes(head).best()
    if best is None:
        return "declare format.encoding in the mapping"
    return f"it looks like {best.encoding}: if so, declare format.encoding in the mapping"


def _transcode(path: Path, *, encoding: str, target: Path) -> Path:
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    try:
        with target.open("wb") as handle:
            for chunk in chunks_of(path):
                handle.write(decoder.decode(chunk).encode("utf-8"))
                position += len(chunk)
            handle.write(decoder.decode(b"", final=True).encode("utf-8"))
    except UnicodeError as error:
        raise FileRejectedError(
            "ENCODING",
            f"expected valid {encoding} throughout, found other bytes near byte {position}; "
            "correct format.encoding in the mapping or deliver the file again",
        ) from error
    return target

"""JMeter's results as XML (JTL): an element per sample, read without keeping any of them.

Its attributes: "XML format" in JMeter's user manual (Listeners): t elapsed, ts time of the start
(both in ms), s success, lb label, rc response code, rm response message, tn thread name, na active
threads.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.parsers import expat

import numpy as np

from capsim.errors import InputError
from capsim.loadtest.formats.columns_growing import Floats, Texts, number
from capsim.loadtest.formats.jtl_csv import TRANSACTION, transactions
from capsim.loadtest.guarded import blocks, escaped
from capsim.loadtest.recording import Pattern, Recording
from capsim.loadtest.samples import as_samples, sound
from capsim.loadtest.samples_summary import Read, recording_of

_MS = 1e-3
# JMeter writes control characters of answers, raw or as references; XML 1.0 has no place for them.
_CONTROL = bytes(
    ord("?") if code < ord(" ") and chr(code) not in "\t\n\r" else code for code in range(256)
)
_REFERENCE = re.compile(
    rb"&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:d[89a-f]..|fff[ef]));",
    re.IGNORECASE,
)
_LONGEST_REFERENCE = 16  # bytes
_SAMPLES = frozenset({"httpSample", "sample"})


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a file is a JTL in XML, by its first elements."""
    begin = head.lstrip("\ufeff\r\n \t")
    return begin.startswith("<") and bool(re.search(r"<(testResults|httpSample|sample)\b", begin))


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:
    """Return the load test of one JTL, or of several that were written at the same time.

    Raises:
        InputError: a file has a document type, is no XML, or has no sample.
    """
    return recording_of(paths, _read, pattern, "jmeter")


class _Elements:
    """Which samples count, as their elements open and close.

    The parts of a sample (redirects, embedded resources) are in its own time, so that only the
    sample counts. A transaction is the other way round: its requests count, and it does not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[str] = []  # `sample`, `transaction`, or `full`: a transaction with parts
        self.rows = 0
        self.full_transactions = 0
        self.knows_success = True
        self.start_ms, self.elapsed_ms, self.users = Floats(), Floats(), Floats()
        self.label, self.status, self.success = Texts(), Texts(), Texts()
        self.worker, self.message = Texts(), Texts()
        self._waiting: list[Mapping[str, str]] = []  # attributes of open transactions

    def refuse_doctype(self, *_: object) -> None:
        raise InputError(
            f"{escaped(self._path)}: has a document type, which JMeter does not write and which "
            "could do harm; remove the <!DOCTYPE ...>"
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag not in _SAMPLES:
            return
        self.rows += 1
        inside = self._open[-1] if self._open else ""
        if inside == "sample":
            self._open.append("sample")  # a part of a sample
            return
        if inside == "transaction":
            self._open[-1] = "full"
        if TRANSACTION.match(attributes.get("rm", "")):
            self._open.append("transaction")
            self._waiting.append(attributes)
            return
        self._open.append("sample")
        self._add(attributes)

    def end(self, tag: str) -> None:
        if tag not in _SAMPLES or not self._open:
            return
        closed = self._open.pop()
        if closed == "sample":
            return
        attributes = self._waiting.pop()
        if closed == "full":
            self.full_transactions += 1
        else:
            self._add(attributes)

    def _add(self, attributes: Mapping[str, str]) -> None:
        self.start_ms.add(number(attributes.get("ts")))
        self.elapsed_ms.add(number(attributes.get("t")))
        self.users.add(number(attributes.get("na")))
        self.label.add(attributes.get("lb", ""))
        self.status.add(attributes.get("rc", ""))
        self.success.add(attributes.get("s", ""))
        self.worker.add(attributes.get("tn", ""))
        message = TRANSACTION.match(attributes.get("rm", ""))
        self.message.add(message[0] if message else "")


def _read(path: Path) -> Read:
    elements = _Elements(path)
    broken = _parse(path, elements)
    label, status, success = elements.label.all(), elements.status.all(), elements.success.all()
    worker, users = elements.worker.all(), elements.users.all()
    start_s, elapsed_s = elements.start_ms.all() * _MS, elements.elapsed_ms.all() * _MS
    is_sound = sound(start_s, elapsed_s)
    sums, notes = transactions(elements.message.all(), len(start_s))
    keep = is_sound & ~sums
    known = not success.where("").any()
    samples = as_samples(
        start_s[keep],
        elapsed_s[keep],
        endpoint=label.only(keep).codes,
        endpoints=label.names,
        status=status.only(keep).codes,
        statuses=status.names,
        failed=~success.where("true")[keep] if known else None,
        users=users[keep] if np.isfinite(users).any() else None,
        worker=worker.only(keep).codes if len(worker.names) > 1 else None,
        time_step_s=_MS,
    )
    if elements.full_transactions:
        notes.append(
            f"{elements.full_transactions} transactions were left out: their requests are counted."
        )
    if not known:
        notes.append("The attribute s is missing of some samples: failures are not known.")
    return Read(
        samples=samples,
        rows=elements.rows + len(broken),
        skipped=int((~is_sound).sum()) + len(broken),
        notes=(*notes, *broken),
        has_failures=known,
    )


def _legal(source: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the same text with a question mark for every character that XML does not allow."""
    rest = b""
    for block in source:
        text = _REFERENCE.sub(b"?", (rest + block).translate(_CONTROL))
        begun = text.rfind(b"&", max(0, len(text) - _LONGEST_REFERENCE))
        whole = len(text) if begun < 0 else begun  # a reference may go on in the next block
        rest = text[whole:]
        yield text[:whole]
    yield rest


def _parse(path: Path, elements: _Elements) -> list[str]:
    """Parse a file; return what to say of its end if it is cut or broken.

    Raises:
        InputError: it has a document type, or breaks before the first sample.
    """
    parser = expat.ParserCreate("utf-8")  # which the guarded bytes are, whatever the file says
    parser.StartDoctypeDeclHandler = elements.refuse_doctype
    parser.StartElementHandler = elements.start
    parser.EndElementHandler = elements.end
    try:
        for block in _legal(blocks(path)):
            parser.Parse(block, False)  # noqa: FBT003 (the parser's own order)
        parser.Parse(b"", True)  # noqa: FBT003 (as above)
    except expat.ExpatError as error:
        if elements.rows == 0:
            raise InputError(
                f"{escaped(path)}: is no XML ({error}); name a JTL that JMeter wrote"
            ) from None
        return [f"The XML is cut or broken ({error}): what stands before that was read."]
    return []

"""The file that spans go into where there is no collector: JSON lines, bounded, of many processes.

A file that has grown large is renamed to `<name>.1`, in the place of the last one.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

MOST_BYTES = 20_000_000


class FileExporter(SpanExporter):
    """Appends spans to a file; without a name, nowhere."""

    def __init__(self, file: str, most_bytes: int = MOST_BYTES) -> None:
        self._file, self._most = Path(file) if file else None, most_bytes

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append one line for each span."""
        if self._file is None:
            return SpanExportResult.SUCCESS
        lines = b"".join(msgspec.json.encode(_line(span)) + b"\n" for span in spans)
        with self._file.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # whoever renames it is alone
            with self._file.open("ab") as file:
                file.write(lines)
                full = file.tell() > self._most
            if full:
                os.replace(self._file, f"{self._file}.1")
        return SpanExportResult.SUCCESS


def _line(span: ReadableSpan) -> dict[str, Any]:
    context, parent = span.context, span.parent
    assert context
    return {
        "trace": f"{context.trace_id:032x}",
        "span": f"{context.span_id:016x}",
        "parent": f"{parent.span_id:016x}" if parent else None,
        "name": span.name,
        "kind": span.kind.name,
        "service": span.resource.attributes["service.name"],
        "began": span.start_time,
        "ended": span.end_time,
        "wrong": span.status.description,
        "links": [f"{link.context.trace_id:032x}" for link in span.links],
        "attributes": dict(span.attributes or {}),
    }

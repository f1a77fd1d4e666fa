"""How times, spans, money and ids are written on a page; the same everywhere."""

import json
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

GLANCE = 160  # characters of an error
SHORT = 8  # characters of an id that tell it apart: the last ones, for the first are its time
# ISO 4217: currencies whose minor unit is not a hundredth.
WHOLE = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"} | {
    *("VND", "VUV", "XAF", "XOF", "XPF")
}
THOUSANDTHS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥"}


def when(value: Any) -> Markup:
    """A time as people say it, with the exact one for who points at it and for machines."""
    at = _time(value)
    if at is None:
        return Markup('<span class="none">–</span>')
    away = (datetime.now(UTC) - at).total_seconds()
    said = f"{span(away)} ago" if away >= 0 else f"in {span(-away)}"
    exact = at.astimezone(UTC).strftime("%d %b %Y %H:%M:%S.%f")[:-3]
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        at.isoformat(), exact, said
    )


def clock(value: Any) -> Markup:
    """The time of the day, for lists of what happened one after the other."""
    at = _time(value)
    if at is None:
        return Markup("–")
    exact = at.astimezone(UTC).strftime("%d %b %Y %H:%M:%S.%f")[:-3]
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        at.isoformat(), exact, exact[-12:]
    )


def span(seconds: Any) -> str:
    """A span of time in the two largest units that say it: `3 min 02 s`, `5 min`."""
    if seconds is None:
        return "–"
    total = max(float(seconds), 0.0)
    if total < 10:
        return f"{total:.1f} s".replace(".0 s", " s")
    if total < 60:
        return f"{int(total)} s"
    if total < 3600:
        return _two(total, 60, "min", 1, "s")
    if total < 86400:
        return _two(total, 3600, "h", 60, "min")
    return _two(total, 86400, "d", 3600, "h")


def age(value: Any) -> float:
    """How many seconds ago that was; 0 of nothing."""
    at = _time(value)
    return (datetime.now(UTC) - at).total_seconds() if at else 0.0


def money(value: Any) -> str:
    """Money in its own units: `£19.99`, `¥1,999`, `1.999 KWD`."""
    if not value:
        return "–"
    amount, currency = int(value["amount"]), str(value["currency"])
    digits = 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2
    number = f"{abs(amount) / 10**digits:,.{digits}f}"
    sign = "−" if amount < 0 else ""
    if currency in SIGNS:
        return f"{sign}{SIGNS[currency]}{number}"
    return f"{sign}{number} {currency}"


def short(identifier: Any, href: str = "") -> Markup:
    """An id by its last characters; the whole of it is copied, and shown to who points at it."""
    text = str(identifier or "")
    if len(text) <= SHORT + 4:
        shown = Markup('<span class="id">{}</span>').format(text)
    else:
        rest, end = text[:-SHORT], text[-SHORT:]
        shown = Markup('<span class="id" title="{}"><span class="rest">{}</span>{}</span>').format(
            text, rest, end
        )
    return Markup('<a href="{}">{}</a>').format(href, shown) if href else shown


def name(kind: Any) -> str:
    """`concerto.OrderConfirmed.v1` as `OrderConfirmed`."""
    text = str(kind or "")
    return text.split(".")[1] if text.startswith("concerto.") else text


def first_line(text: Any) -> str:
    """The first line of an error, or as much of it as is read at a glance."""
    line = str(text or "").partition("\n")[0]
    return line if len(line) <= GLANCE else f"{line[:GLANCE]}…"


def pretty(value: Any) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def percent(share: Any) -> str:
    """A share as per cent."""
    return "–" if share is None else f"{100 * float(share):.1f} %".replace(".0 %", " %")


def _two(total: float, large: int, large_name: str, small: int, small_name: str) -> str:
    whole, rest = divmod(int(total), large)
    more = f" {rest // small:02d} {small_name}" if rest >= small else ""
    return f"{whole} {large_name}{more}"


def _time(value: Any) -> datetime | None:
    if not value:
        return None
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


FILTERS: dict[str, Any] = {
    each.__name__: each
    for each in (when, clock, span, age, money, short, name, first_line, pretty, percent)
}

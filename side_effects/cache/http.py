"""What is available of a SKU, over HTTP: from the cache, with its age, or from the source.

The header `Cache-Status` says where the answer is from (RFC 9211), `Age` how old it is in seconds.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from contracts.runtime.settings import settings
from side_effects.cache.kept import Away, Kept, kept_at

Reader = Annotated[Caller, Depends(allow("shop", "customer", "support"))]
Sku = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
Available = Callable[[str], int | None]
NAME = "concerto"


def nobody(sku: str) -> int | None:
    """Stands for inventory where the API was not told whom to ask."""
    raise Problem(503, "not-now", "There is nobody to ask what is available")


def routes(db: Database, available: Available = nobody, kept: Kept | None = None) -> APIRouter:
    """The routes of cache; `available` asks inventory what is on hand, None of an unknown SKU."""
    router = APIRouter(tags=["inventory"])

    @router.get("/availability/{sku}")
    def availability(sku: Sku, caller: Reader, response: Response) -> dict[str, Any]:
        """How many units can be had, and how many seconds ago that was so."""
        units, age, where = _asked(kept or kept_at(settings().broker_url), sku, available)
        response.headers["Age"] = str(int(age))
        response.headers["Cache-Status"] = f"{NAME}; {where}"
        return {"sku": sku, "available": units, "age_seconds": round(age, 3)}

    return router


def _asked(kept: Kept, sku: str, available: Available) -> tuple[int, float, str]:
    """Units, their age in seconds, and where they are from."""
    try:
        found = kept.look(sku)
    except Away:
        return _source(sku, available), 0.0, "fwd=bypass; detail=unreachable"
    if found.units is not None:
        age = max(time.time() - found.since, 0.0)
        return found.units, age, f"hit; ttl={max(int(kept.seconds - age), 0)}"
    units = _source(sku, available)
    kept.keep(sku, found.turn, units)
    return units, 0.0, "fwd=miss; stored"


def _source(sku: str, available: Available) -> int:
    units = available(sku)
    if units is None:
        raise Problem(404, "not-found", "There is no such SKU")
    return units

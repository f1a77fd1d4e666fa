"""Rules, blocked cards and checks over HTTP; a change holds from the next check on."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from participants.fraud import rules
from participants.fraud.tables import BlockedCard, Check, RuleRow

LIMITS_MOST = 200
LIMIT_MOST = 1_000_000_000_000
Reader = Annotated[Caller, Depends(allow("support", "risk", "operator"))]
Keeper = Annotated[Caller, Depends(allow("risk", "operator"))]
RuleId = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[a-z0-9\-]+$")]
Token = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_\-]+$")]
Limit = Annotated[int, Field(ge=0, le=LIMIT_MOST, strict=True)]


class RuleBody(BaseModel):
    """A rule as it shall stand; which limits it takes depends on its kind."""

    model_config = ConfigDict(extra="forbid")
    verdict: Literal["review", "reject"]
    limits: dict[str, Limit] = Field(max_length=LIMITS_MOST)
    enabled: bool


class BlockBody(BaseModel):
    """Why the card is blocked."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")


def routes(db: Database) -> APIRouter:
    """The routes of fraud."""
    router = APIRouter(tags=["fraud"], prefix="/fraud")
    _of_rules(router, db)
    _of_cards(router, db)

    @router.get("/checks/{order_id}")
    def look(order_id: UUID, caller: Reader) -> dict[str, Any]:
        """How the order was judged, by which rule, and why."""
        with db.transaction() as session:
            return _shown(_found(session, Check, str(order_id), "There is no check of this order"))

    return router


def _of_rules(router: APIRouter, db: Database) -> None:
    @router.get("/rules")
    def listed(caller: Reader) -> dict[str, Any]:
        """Every rule, those that are not enabled too."""
        with db.transaction() as session:
            rows = session.scalars(select(RuleRow).order_by(RuleRow.id))
            return {"rules": [_shown(row) for row in rows]}

    @router.put("/rules/{rule_id}")
    def change(rule_id: RuleId, body: RuleBody, caller: Keeper) -> dict[str, Any]:
        """Set the verdict and the limits of a rule, and whether it is enabled."""
        with db.transaction() as session:
            session.load(RuleRow, {rule_id})
            row = _found(session, RuleRow, rule_id, "There is no such rule")
            _fit(row.kind, body.limits)
            row.verdict, row.limits, row.enabled = body.verdict, body.limits, body.enabled
            return _shown(row)


def _of_cards(router: APIRouter, db: Database) -> None:
    @router.get("/blocked-cards/{token}")
    def blocked(token: Token, caller: Reader) -> dict[str, Any]:
        """Who blocked the card, and why."""
        with db.transaction() as session:
            return _shown(_found(session, BlockedCard, token, "This card is not blocked"))

    @router.put("/blocked-cards/{token}")
    def block(token: Token, body: BlockBody, caller: Keeper) -> dict[str, Any]:
        """Block the card; one that is blocked already gets the new reason."""
        said = {"reason": body.reason, "by": caller.subject, "at": func.now()}
        row = insert(BlockedCard).values(token=token, **said)
        with db.transaction() as session:
            session.execute(row.on_conflict_do_update(index_elements=["token"], set_=said))
            return _shown(session.get(BlockedCard, token))

    @router.delete("/blocked-cards/{token}", status_code=204)
    def unblock(token: Token, caller: Keeper) -> None:
        """Let the card be used again."""
        gone = delete(BlockedCard).where(BlockedCard.token == token).returning(BlockedCard.token)
        with db.transaction() as session:
            if not session.scalar(gone):
                raise Problem(404, "not-found", "This card is not blocked")


def _found(session: BatchSession, mapped: Any, key: str, missing: str) -> Any:
    row = session.get(mapped, key)
    if row is None:
        raise Problem(404, "not-found", missing)
    return row


def _fit(kind: str, limits: dict[str, int]) -> None:
    if wanted := rules.wanted(kind, limits):
        wrong = [{"at": "body.limits", "what": f"{kind} takes {wanted}"}]
        raise Problem(422, "invalid", "The request is not valid", "See errors.", errors=wrong)


def _shown(row: Any) -> dict[str, Any]:
    """The columns of a row."""
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}

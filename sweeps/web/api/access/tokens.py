"""Tokens, for those with the scope `admin`: who has one, until when, last used. Nothing shows a token's secret."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sweeps.web.api.parameters import HomePlace
from sweeps.web.problems import declare

router = APIRouter(tags=["tokens"])


class TokenView(BaseModel):
    """A token without its secret."""

    id: str
    scope: str
    owner: str
    created: float = Field(description="Epoch seconds.")
    expires: float | None
    revoked: float | None
    used: float | None = Field(description="About when it was last used.")


class TokenList(BaseModel):
    """All tokens, oldest first."""

    tokens: list[TokenView]


@router.get("/tokens", responses=declare())
def list_tokens(place: HomePlace) -> TokenList:
    """All tokens, those that are no longer good among them."""
    return TokenList(tokens=[TokenView.model_validate(token, from_attributes=True) for token in place.store.tokens()])

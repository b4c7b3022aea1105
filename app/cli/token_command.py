"""`coursegen token`: mints a token to try the service with."""

from uuid import UUID

import click

from app.auth.minting import mint_token
from app.cli.command_setup import Span, with_services
from app.cli.output import CommandFailed, echo
from app.generation.tiers import Tier
from app.services import Services


@click.command("token")
@click.option("--user", "user_id", type=click.UUID, required=True, help="The user's id.")
@click.option("--tier", type=click.Choice([tier.value for tier in Tier], case_sensitive=False), default="FREE")
@click.option(
    "--admin", is_flag=True, help="An admin's: it may read and cancel every course, or those of --organization."
)
@click.option("--organization", "organization_id", type=click.UUID, help="The user's organisation.")
@click.option("--expires", "expires_s", type=Span(), default="1h", show_default=True, help="When it expires.")
@with_services
def command(
    services: Services, user_id: UUID, tier: str, admin: bool, organization_id: UUID | None, expires_s: int
) -> None:
    """Mint a development token, signed with JWT_SECRET, that this service accepts. Rejected in production."""
    settings = services.settings
    if settings.app_env == "production":
        raise CommandFailed("APP_ENV is production: only the sign-in may issue tokens there.")
    if settings.jwt_secret is None:
        raise CommandFailed("There is no JWT_SECRET to sign a token with.")
    token = mint_token(
        settings.jwt_secret,
        user_id,
        tier,
        admin=admin,
        organization_id=organization_id,
        expires_s=expires_s,
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
        tier_claim=settings.tier_claims[0],
    )
    echo(token)

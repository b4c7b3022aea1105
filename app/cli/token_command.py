"""`coursegen token`: a token to try the service with."""

from uuid import UUID

import click
from flask.cli import with_appcontext

from app.auth.minting import mint_token
from app.cli.operating import Since, operating
from app.generation.tiers import Tier


@click.command("token")
@click.option("--user", "user_id", type=click.UUID, required=True, help="The user's id.")
@click.option("--tier", type=click.Choice([tier.value for tier in Tier], case_sensitive=False), default="FREE")
@click.option("--admin", is_flag=True, help="One of an admin, who may see and cancel every course.")
@click.option("--expires", "expires_s", type=Since(), default="1h", show_default=True, help="When it ends.")
@with_appcontext
def command(user_id: UUID, tier: str, admin: bool, expires_s: int) -> None:
    """Mint a development token, signed with JWT_SECRET, that this service takes. Refused in production."""
    with operating() as services:
        settings = services.settings
    if settings.app_env == "production":
        raise click.ClickException("APP_ENV is production: there only the sign-in says who somebody is.")
    if settings.jwt_secret is None:
        raise click.ClickException("There is no JWT_SECRET to sign a token with.")
    click.echo(
        mint_token(
            settings.jwt_secret,
            user_id,
            tier,
            admin=admin,
            expires_s=expires_s,
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
            tier_claim=settings.tier_claims[0],
        )
    )

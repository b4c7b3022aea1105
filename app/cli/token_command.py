"""`coursegen token` and `console-link`: ways in, for development and for operators."""

from uuid import UUID

import click

from app.auth.minting import mint_token
from app.auth.operators import ConsoleRole
from app.cli.command_setup import Span, operator, reason, with_services
from app.cli.output import CommandFailed, echo
from app.generation.tiers import Tier
from app.operations.sign_in import MAX_LINK_S, create_link
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
    """Mint a development token. It is signed with JWT_SECRET. Rejected in production."""
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


@click.command("console-link")
@click.option("--role", type=click.Choice([role.value for role in ConsoleRole]), required=True, help="What it allows.")
@click.option("--expires", "expires_s", type=Span(), default="15m", show_default=True, help="When it expires.")
@reason
@with_services
def console_link(services: Services, role: str, expires_s: int, reason: str | None) -> None:
    """Print a link that signs in at the console, once."""
    if not 0 < expires_s <= MAX_LINK_S:
        raise CommandFailed("A link expires within 24h")
    secret = create_link(services.db, ConsoleRole(role), expires_s, operator(reason))
    host, port = services.settings.console_host, services.settings.console_port
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    echo(f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/login?link={secret}")

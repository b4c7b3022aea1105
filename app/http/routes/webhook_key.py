"""`/.well-known/webhook-key`."""

from flask import Blueprint, Response, abort, jsonify

from app.generation.webhooks.signing_keys import read_public_key
from app.services.current import current_services

#: How long a cache may keep it, in seconds.
MAX_AGE_S = 300

blueprint = Blueprint("webhook_key", __name__)


@blueprint.get("/.well-known/webhook-key")
def webhook_key() -> Response:
    """The public key that verifies the `v1a` signatures of webhooks."""
    signing_key = current_services().settings.webhook_signing_key
    if signing_key is None:
        abort(404)
    response = jsonify({"publicKey": read_public_key(signing_key)})
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    return response

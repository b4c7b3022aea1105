"""A sign-in with keys: their JWKS endpoint, and tokens signed with them."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm


@dataclass(frozen=True)
class SigningKey:
    """A key of the sign-in, with the name its tokens call it by."""

    kid: str
    algorithm: str
    private: Any

    def sign(self, claims: Mapping[str, Any], **headers: Any) -> str:
        """The claims as a token; a header given as None is left out."""
        found = {name: value for name, value in {"kid": self.kid, **headers}.items() if value is not None}
        return jwt.encode(dict(claims), self.private, self.algorithm, headers=found)

    def jwk(self, **more: Any) -> dict[str, Any]:
        """The public key as an entry of a JWKS; a member given as None is left out."""
        library: Any = {"ES256": ECAlgorithm, "RS256": RSAAlgorithm, "EdDSA": OKPAlgorithm}[self.algorithm]
        members = {
            **library.to_jwk(self.private.public_key(), as_dict=True),
            "kid": self.kid,
            "use": "sig",
            "alg": self.algorithm,
            **more,
        }
        return {name: value for name, value in members.items() if value is not None}


def make_key(algorithm: str, kid: str | None = None) -> SigningKey:
    """A new key; its name is that of the algorithm by default."""
    generate: dict[str, Callable[[], Any]] = {
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }
    return SigningKey(kid or algorithm.lower(), algorithm, generate[algorithm]())


@dataclass
class Endpoint:
    """What the endpoint answers, and how often it was asked. While `released` is not set it hangs."""

    url: str
    body: bytes = b'{"keys": []}'
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def show(self, *keys: SigningKey | dict[str, Any]) -> None:
        """From now on it answers with these keys."""
        entries = [key.jwk() if isinstance(key, SigningKey) else key for key in keys]
        self.body = json.dumps({"keys": entries}).encode()


@contextmanager
def jwks_endpoint() -> Iterator[Endpoint]:
    """An endpoint on loopback, without keys."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            endpoint.asked += 1
            endpoint.released.wait(10)
            self.send_response(endpoint.status)
            for name, value in {"Content-Length": str(len(endpoint.body)), **endpoint.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(endpoint.body)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """The client has left."""

    with Server(("127.0.0.1", 0), Handler) as server:
        endpoint = Endpoint(f"http://127.0.0.1:{server.server_address[1]}/auth/v1/.well-known/jwks.json?a=b")
        endpoint.released.set()
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.released.set()
            server.shutdown()
            thread.join()

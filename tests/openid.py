"""A provider of log-ins (OpenID Connect) on a port of this machine, made with Authlib's server: code flow, and PKCE is
asked of everybody. Whoever comes is let in as `Provider.person`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from flask import Flask, jsonify, request
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "thongsuot", "client-secret-marked"


class Client(ClientMixin):
    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, uri: str) -> bool:
        return uri.endswith("/dang-nhap/chung/ve")

    def check_client_secret(self, secret: str) -> bool:
        return secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, kind: str) -> bool:
        return kind == "code"

    def check_grant_type(self, kind: str) -> bool:
        return kind == "authorization_code"


@dataclass
class Provider:
    """Attributes:
    person: what is vouched for: sub, email, email_verified, amr, …
    says: claims that are put in the place of the right ones.
    """

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    signs_with: RSAKey | None = None


@contextmanager
def serving() -> Iterator[Provider]:
    provider = Provider()
    app = _app(provider)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Grant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]
    provider: Provider

    def save_authorization_code(self, code: str, request: Any) -> None:
        said, person = request.payload.data, self.provider.person
        self.provider.codes[code] = SimpleNamespace(
            code=code, nonce=said.get("nonce"), code_challenge=said.get("code_challenge"),
            code_challenge_method=said.get("code_challenge_method"), scope=request.payload.scope,
            get_redirect_uri=lambda: said["redirect_uri"], get_scope=lambda: said["scope"],
            get_nonce=lambda: said.get("nonce"), get_auth_time=lambda: None, get_acr=lambda: None,
            get_amr=lambda: person.get("amr"),
        )  # fmt: skip

    def query_authorization_code(self, code: str, client: Any) -> Any:
        return self.provider.codes.get(code)

    def delete_authorization_code(self, authorization_code: Any) -> None:
        self.provider.codes.pop(authorization_code.code)

    def authenticate_user(self, authorization_code: Any) -> Any:
        return self.provider.person


class Code(OpenIDCode):
    def __init__(self, provider: Provider) -> None:
        super().__init__(require_nonce=True)
        self.provider = provider

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return False

    def resolve_client_private_key(self, client: Any) -> RSAKey:
        return self.provider.signs_with or self.provider.key

    def get_client_algorithm(self, client: Any) -> str:
        return "RS256"

    def get_client_claims(self, client: Any) -> dict[str, Any]:
        return {"iss": self.provider.issuer, "aud": [CLIENT]}

    def get_encode_header(self, client: Any) -> dict[str, Any]:
        return {"alg": "RS256", "kid": "one"}

    def generate_user_info(self, user: Any, scope: str) -> dict[str, Any]:
        return self.provider.person | self.provider.says


def _app(provider: Provider) -> Flask:
    app = Flask("provider")
    server = AuthorizationServer(app, query_client=lambda key: Client() if key == CLIENT else None,
                                 save_token=lambda token, request: None)  # fmt: skip

    ours = type("OurGrant", (Grant,), {"provider": provider})
    server.register_grant(ours, [Code(provider), CodeChallenge(required=True)])

    @app.get("/.well-known/openid-configuration")
    def about() -> Any:
        return jsonify(issuer=provider.issuer, authorization_endpoint=f"{provider.issuer}/authorize",
                       token_endpoint=f"{provider.issuer}/token", jwks_uri=f"{provider.issuer}/keys")  # fmt: skip

    @app.get("/keys")
    def keys() -> Any:
        return jsonify(keys=[provider.key.as_dict(private=False)])

    @app.get("/authorize")
    def authorize() -> Any:
        grant = server.get_consent_grant(end_user=provider.person)
        return server.create_authorization_response(grant_user=provider.person, grant=grant)

    @app.post("/token")
    def token() -> Any:
        request.get_data()
        return server.create_token_response()

    return app

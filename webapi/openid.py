"""Logging in at a provider (OpenID Connect): code flow with PKCE; what is signed is checked by
Authlib.

    THONGSUOT_OPENID={"issuer": "https://sso.example", "client_id": "thongsuot", "client_secret": "…"}
"""

from __future__ import annotations

import logging
import secrets
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from engine.errors import NotAuthenticated
from engine.people.identities import Identity

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # signed with a key of the provider's own; never "none", nor HS256
LEEWAY = 60  # seconds by which clocks may differ
TIMEOUT = 10  # seconds
log = logging.getLogger(__name__)
_FAILED = NotAuthenticated("The provider of log-ins could not be asked, or its answer does not hold: try again.")


def check(settings: dict[str, Any]) -> None:
    """Raises:
    ValueError: with the end of a sentence.
    """
    unknown = settings.keys() - {"issuer", "client_id", "client_secret"}
    if unknown or not {"issuer", "client_id"} <= settings.keys():
        raise ValueError('must be like {"issuer": "https://sso.example", "client_id": "…", "client_secret": "…"}')
    issuer = urlsplit(str(settings["issuer"]))
    if issuer.scheme != "https" and issuer.hostname not in ("localhost", "127.0.0.1"):
        raise ValueError("needs an issuer that begins with https://")


def begin(settings: dict[str, Any], back: str) -> tuple[str, dict[str, str]]:
    """Where to send the browser, and what to keep of it until it comes ``back``.

    Raises:
        NotAuthenticated: the provider does not answer.
    """
    kept = {"state": secrets.token_urlsafe(24), "nonce": secrets.token_urlsafe(24),
            "verifier": secrets.token_urlsafe(48), "back": back}  # fmt: skip
    asked = {
        "response_type": "code", "client_id": settings["client_id"], "redirect_uri": back, "scope": "openid email",
        "state": kept["state"], "nonce": kept["nonce"], "code_challenge_method": "S256",
        "code_challenge": create_s256_code_challenge(kept["verifier"]),
    }  # fmt: skip
    return add_params_to_uri(_about(settings)["authorization_endpoint"], asked.items()), kept


def finish(settings: dict[str, Any], kept: dict[str, str], answer: dict[str, str]) -> Identity:
    """Who came back.

    Args:
        kept: what `begin` gave.
        answer: the query that the browser brought.

    Raises:
        NotAuthenticated: it is not the browser that was sent, or the provider refused, or what it says does not hold.
    """
    if not kept or not secrets.compare_digest(answer.get("state", "").encode(), kept["state"].encode()):
        raise NotAuthenticated("This log-in was not begun in this browser: begin again.")
    if "code" not in answer:
        raise NotAuthenticated("The provider of log-ins did not let you in.")
    try:
        about = _about(settings)
        token = _token(about, settings, answer["code"], kept)
        keys = KeySet.import_key_set(_client().get(about["jwks_uri"]).raise_for_status().json())
        return _identity(settings, about, keys, token, kept["nonce"])
    except (httpx.HTTPError, AuthlibBaseError, JoseError, KeyError, TypeError, ValueError) as error:
        log.warning("A log-in at %s failed: %s: %s", settings["issuer"], type(error).__name__, error)
        raise _FAILED from error


@cache
def _client() -> httpx.Client:
    """Made once: reading the certificates costs more than asking. It keeps no connection."""
    return httpx.Client(timeout=TIMEOUT, limits=httpx.Limits(max_keepalive_connections=0))


def _about(settings: dict[str, Any]) -> dict[str, Any]:
    """What the provider says of itself."""
    issuer = settings["issuer"].rstrip("/")
    try:
        found = _client().get(f"{issuer}/.well-known/openid-configuration").raise_for_status().json()
        if found["issuer"].rstrip("/") != issuer:
            raise ValueError("the issuer is another one")
    except (httpx.HTTPError, KeyError, ValueError) as error:
        log.warning("%s does not say what it is: %s: %s", issuer, type(error).__name__, error)
        raise _FAILED from error
    return found  # type: ignore[no-any-return]


def _token(about: dict[str, Any], settings: dict[str, Any], code: str, kept: dict[str, str]) -> dict[str, Any]:
    sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": kept["back"],
            "code_verifier": kept["verifier"]}  # fmt: skip
    key, secret = settings["client_id"], settings.get("client_secret")
    auth = httpx.BasicAuth(quote(key, safe=""), quote(secret, safe="")) if secret else None
    answer = _client().post(about["token_endpoint"], data=sent if secret else sent | {"client_id": key}, auth=auth)
    return answer.raise_for_status().json()  # type: ignore[no-any-return]


def _identity(
    settings: dict[str, Any], about: dict[str, Any], keys: KeySet, token: dict[str, Any], nonce: str
) -> Identity:
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    decoded = jwt.decode(token["id_token"], keys, registry=registry)
    wanted = {"iss": {"essential": True, "value": about["issuer"]},
              "aud": {"essential": True, "value": settings["client_id"]}, "sub": {"essential": True}}  # fmt: skip
    asked = {"nonce": nonce, "client_id": settings["client_id"], "access_token": token["access_token"]}
    claims = CodeIDToken(decoded.claims, decoded.header, wanted, asked)
    claims.validate(leeway=LEEWAY)
    email = claims.get("email") if claims.get("email_verified") is True else None
    return Identity(about["issuer"], str(claims["sub"]), email, tuple(claims.get("amr") or ()))

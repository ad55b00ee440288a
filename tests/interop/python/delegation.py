"""A hop as spec/delegation.md says it, made with jwskate: the delegator's side from the page alone."""

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

from jwskate import SignedJwt


def base64url(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64url(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(text):
    return base64url(hashlib.sha256(text.encode()).digest())


def claims_of(token):
    return json.loads(unbase64url(token.split(".")[1]))


def did_of(jwk):
    """The `did:key` of a JWK: base58btc of the multicodec prefix and the key, an elliptic one compressed."""
    point = unbase64url(jwk["x"])
    if jwk["kty"] == "OKP":
        coded = b"\xed\x01" + point
    else:
        coded = b"\x80\x24" + (b"\x03" if unbase64url(jwk["y"])[-1] & 1 else b"\x02") + point
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(coded, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = alphabet[rest] + text
    return f"did:key:z{text}"


def as_list(audience):
    return [audience] if isinstance(audience, str) else audience


def hop(parent, delegator, delegate, **changes):
    """A good hop from the holder of `parent` (a root token or a hop) to the key `delegate`; `changes` alter its claims."""
    above = claims_of(parent)
    issuer, now = did_of(delegator), int(time.time())
    task = above["task"]
    claims = {
        "iss": issuer,
        "aud": did_of(delegate),
        "sub": above["sub"],
        "cnf": {"jkt": delegate.thumbprint()},
        "task": task["id"] if isinstance(task, dict) else task,
        "scope": above["scope"],
        "resource": above.get("resource") or as_list(above["aud"]),
        "del_depth": above["del_depth"] + 1,
        "del_max_depth": above["del_max_depth"],
        "iat": now,
        "exp": min(above["exp"], now + 600),
        "jti": f"hop_{secrets.token_urlsafe(16)}",
        "par_hash": sha256(parent.rpartition(".")[0]),
        **changes,
    }
    key_id = f"{issuer}#{issuer.removeprefix('did:key:')}"
    return str(SignedJwt.sign(claims, delegator, typ="delegation+jwt", extra_headers={"kid": key_id}))


def chain_hash(members):
    """The hash by which a proof covers its chain (`dch`)."""
    return sha256(",".join(members))

"""DPoP proofs made by hand in two ways: with joserfc, and with nothing but cryptography."""

import hashlib
import json
import time
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey


def base64url(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64url(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(key, algorithm, method, url, token=None, nonce=None, **changes):
    """Header and claims of a proof by the private JWK `key`; a claim changed to `None` is left out."""
    claims = {
        "jti": str(uuid.uuid4()),
        "htm": method,
        "htu": url.split("?")[0],
        "iat": int(time.time()),
        "ath": token and base64url(hashlib.sha256(token.encode()).digest()),
        "nonce": nonce,
        **changes,
    }
    public = {name: key[name] for name in ("kty", "crv", "x", "y") if name in key}
    header = {"typ": "dpop+jwt", "alg": algorithm, "jwk": public}
    return header, {name: value for name, value in claims.items() if value is not None}


def by_joserfc(key, algorithm, method, url, **more):
    header, claims = parts(key, algorithm, method, url, **more)
    private = ECKey.import_key(key) if key["kty"] == "EC" else OKPKey.import_key(key)
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(header, json.dumps(claims).encode(), private, registry=registry)


def by_cryptography(key, algorithm, method, url, **more):
    header, claims = parts(key, algorithm, method, url, **more)
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    secret = unbase64url(key["d"])
    if key["kty"] == "EC":
        private = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
        r, s = decode_dss_signature(private.sign(signed.encode(), ec.ECDSA(SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        signature = ed25519.Ed25519PrivateKey.from_private_bytes(secret).sign(signed.encode())
    return f"{signed}.{base64url(signature)}"


def fresh_key(algorithm):
    """A new private JWK."""
    made = ECKey.generate_key("P-256") if algorithm == "ES256" else OKPKey.generate_key("Ed25519")
    return made.as_dict(private=True)

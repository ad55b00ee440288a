"""requests_oauth2client, unmodified, drives a token exchange by the delegate's key, and uses what comes of it.

A hop from a root to the delegate is exchanged by the plain package. What RFC 8693 and RFC 9449 do not know, the claim `dch`
beside the field `Delegation`, goes through its extension points: `DPoPKey` is documented as a class to subclass for "adding or
modifying claims to the proofs", and fields are those of any call of `requests`.
"""

import sys
from functools import partial

import requests
from jwskate import Jwk, SignedJwt
from requests_oauth2client import DPoPKey, DPoPToken, OAuth2Client, PublicApp
from requests_oauth2client.dpop import InvalidUseDPoPNonceResponse
from requests_oauth2client.exceptions import EndpointError

import lib
from delegation import chain_hash, claims_of, did_of, hop, sha256

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
dev = lib.start_dev(sys.argv[1])
by_name = {credential["name"]: credential for credential in dev["credentials"]}
PACKAGES = ["requests-oauth2client"]


class ChainKey(DPoPKey):
    """A key whose proofs name the chain beside them (`dch`)."""

    def __init__(self, private_key, members):
        super().__init__(private_key)
        self.members = members

    def proof(self, *args, **kwargs):
        claims = {**super().proof(*args, **kwargs).claims, "dch": chain_hash(self.members)}
        header = {"jwk": self.public_jwk}
        return SignedJwt.sign(claims, self.private_key, alg=self.alg, typ=self.jwt_typ, extra_headers=header)


def key_of(credential):
    """A credential's key; the package wants one that says its algorithm."""
    return Jwk(credential["key"] | {"alg": "ES256" if credential["key"]["kty"] == "EC" else "EdDSA"})


def client_of(key):
    url = f"{dev['issuer']}/.well-known/oauth-authorization-server"
    # `testing`: `dev` is on loopback, where it speaks plain http
    return OAuth2Client.from_discovery_endpoint(url, issuer=dev["issuer"], auth=PublicApp(did_of(key)), testing=True)


def exchange(dpop_key, root, actor=None, *, client=None, members=(), **more):
    """Exchanges as the client would; gives the token, or the error and reason of the refusal."""
    if actor is not None:
        more |= {"actor_token": actor, "actor_token_type": "jwt"}
    if members:
        more["requests_kwargs"] = {"headers": {"Delegation": ",".join(members)}}
    client = client or client_of(dpop_key.private_key)
    try:
        return client.token_exchange(subject_token=root, subject_token_type="access_token", dpop_key=dpop_key, **more)
    except EndpointError as error:
        return f"{error.error} {error.response.json()['reason']}"


def call(token, **options):
    """Calls the API with the package's own authentication; gives what the API says, or the reason of the refusal."""
    try:
        response = requests.get(dev["resource"]["url"], auth=token, timeout=10, **options)
    except InvalidUseDPoPNonceResponse as error:
        # the package takes every challenge for the wish for a nonce
        response = error.response
    return response.json() if response.ok else response.json()["reason"]


def call_with(key, token, members, named=None):
    """A call with an exchanged token and its whole chain; `named` is the chain of the proof if it is another."""
    bound = DPoPToken(access_token=token.access_token, _dpop_key=ChainKey(key, named or members))
    return call(bound, headers={"Delegation": ",".join(members)})


def used_by(*actors, answer):
    """'accepted' if that was the API's answer to the first of these actors, the last one to act first."""
    if not isinstance(answer, dict):
        return answer
    dids = [did_of(actor) for actor in actors]
    is_right = answer["client_id"] == dids[0] and answer["actors"] == dids and answer["scope"] == ["echo:read"]
    return "accepted" if is_right else answer


def made_of(root, hops, *actors, token):
    """'accepted' if `token` is what an exchange of these hops makes, told by the answer and by the token itself."""
    if not isinstance(token, DPoPToken):
        return token
    dids, above, claims = [did_of(actor) for actor in actors], claims_of(root), claims_of(token.access_token)
    act, level = [], claims["act"]
    while level:
        act, level = [*act, level["sub"]], level.get("act")
    pairs = {
        "issued_token_type": (token.kwargs["issued_token_type"], ACCESS_TOKEN),
        "scope": ((token.scope, claims["scope"]), ("echo:read", "echo:read")),
        "client_id": (claims["client_id"], dids[0]),
        "cnf": (claims["cnf"]["jkt"], actors[0].thumbprint()),
        "act": (act, dids),
        "del_depth": (claims["del_depth"], len(hops)),
        "hops": (claims.get("hops", []), [sha256(one.rpartition(".")[0]) for one in hops]),
        "chain_hash": (claims.get("chain_hash"), chain_hash([root, *hops]) if hops else None),
        "sub and task": ((claims["sub"], token.kwargs["task"]["id"]), (above["sub"], above["task"]["id"])),
        "exp": (claims["exp"] <= min(claims_of(one)["exp"] for one in [root, *hops]), True),
        "jti": (claims["jti"] != above["jti"], True),
    }
    wrong = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    return f"found and expected: {wrong}" if wrong else "accepted"


def one_hop(credential, algorithm):
    """A root of `credential`, one hop below it to a new key, what both can do with it and nobody else can."""
    holder, worker, stranger = key_of(credential), Jwk.generate(alg=algorithm), Jwk.generate(alg=algorithm)
    root_token = client_of(holder).client_credentials(
        scope="echo:read", resource=dev["audience"], dpop=True, dpop_key=DPoPKey(holder)
    )
    root = root_token.access_token
    check = partial(lib.check, (PACKAGES, "client that exchanges", algorithm))
    check("a call with the root", "accepted", lambda: used_by(holder, answer=call(root_token)))
    narrower = exchange(DPoPKey(holder), root_token, scope="echo:read")
    check("the root becomes another of its holder", "accepted", lambda: made_of(root, [], holder, token=narrower))
    check("a call with that", "accepted", lambda: used_by(holder, answer=call(narrower)))

    good = hop(root, holder, worker, inst=True)
    bundle, worker_key = [root, good], DPoPKey(worker)
    token = exchange(worker_key, root_token, good, scope="echo:read", resource=dev["audience"])
    check("a hop becomes a token of its delegate", "accepted", lambda: made_of(root, [good], worker, holder, token=token))
    check("after the registry's nonce", "accepted", lambda: "accepted" if worker_key.as_nonce else "no nonce")
    check("which is nothing without its chain", "evidence_required", lambda: call(token))
    check("a call with both", "accepted", lambda: used_by(worker, holder, answer=call_with(worker, token, bundle)))
    check("by another key", "holder_mismatch", lambda: call_with(stranger, token, bundle))
    check("by the delegator", "holder_mismatch", lambda: call_with(holder, token, bundle))
    other = [root, hop(root, holder, worker, inst=True)]
    check("with another chain", "chain_malformed", lambda: call_with(worker, token, other))
    check("with a proof for another chain", "chain_malformed", lambda: call_with(worker, token, bundle, other))

    for name, expected, key, changes in [
        ("more scope than the parent", "invalid_scope scope_widened", worker, {"scope": "echo:read other:read"}),
        ("a later end", "invalid_request expiry_widened", worker, {"exp": claims_of(root)["exp"] + 1}),
        ("another parent", "invalid_request parent_hash_mismatch", worker, {"par_hash": sha256("x")}),
        ("a client that is not the delegate", "invalid_request holder_mismatch", stranger, {}),
    ]:
        wrong = hop(root, holder, worker, **({"inst": True} | changes))
        check(name, expected, partial(exchange, DPoPKey(key), root_token, wrong))
    as_worker = partial(exchange, DPoPKey(stranger), root_token, good, client=client_of(worker))
    check("the delegate's name under another key", "invalid_client invalid_client", as_worker)


def two_hops():
    """From A to B to a new key: the earlier hop goes along, under the proof.

    Every agent of `dev` has an owner of its own, so the registry, once it has read the whole chain, refuses B.
    """
    first, second, worker = key_of(by_name["A"]), key_of(by_name["B"]), Jwk.generate(alg="EdDSA")
    root = by_name["A"]["access_token"]
    earlier = hop(root, first, second)
    last = hop(earlier, second, worker, inst=True)
    for name, expected, key, members in [
        ("the earlier under the proof", "invalid_request delegate_not_permitted", ChainKey(worker, [earlier]), [earlier]),
        ("another under the proof", "invalid_request chain_malformed", ChainKey(worker, [last]), [earlier]),
        ("the earlier left out", "invalid_request depth_invalid", DPoPKey(worker), []),
    ]:
        lib.check((PACKAGES, "client that exchanges", "EdDSA"), f"two hops, {name}", expected, partial(exchange, key, root, last, members=members))


one_hop(by_name["A"], "EdDSA")
one_hop(by_name["C"], "ES256")
two_hops()
lib.finish()

"""httpx, httpx2 and requests, unmodified, with proofs made by hand: with joserfc for the first two, with cryptography alone for the last."""

import sys
import time
from functools import partial

import httpx
import httpx2
import requests

import lib
from proofs import by_cryptography, by_joserfc, fresh_key

AN_HOUR = 3600
dev = lib.start_dev(sys.argv[1])
by_name = {credential["name"]: credential for credential in dev["credentials"]}
url, elsewhere = dev["resource"]["url"], f"{dev['public_origin']}/other"


def verdict(response):
    """'accepted', or the reason that handfast gives for its refusal."""
    return "accepted" if response.status_code == 200 else response.json()["reason"]


def cases(packages, send, prove, algorithm, credential):
    check = partial(lib.check, (packages, "client", algorithm))
    key, endpoint = credential["key"], dev["token_endpoint"]
    by = partial(prove, algorithm=algorithm, method="GET", url=url)

    def ask_for_token(**more):
        form = {"grant_type": "client_credentials", "client_id": credential["client_id"], "scope": "echo:read"}
        proof = by(key, method="POST", url=endpoint, **more)
        return send("POST", endpoint, data=form | {"resource": dev["audience"]}, headers={"DPoP": proof})

    first = ask_for_token()
    check("a token without the nonce asked for", "nonce_required", lambda: verdict(first))
    answer = ask_for_token(nonce=first.headers["DPoP-Nonce"])
    check("a token, with that nonce", "accepted", lambda: verdict(answer))
    token = answer.json()["access_token"]

    def call(proof, method="GET", at=url, scheme="DPoP"):
        headers = {"Authorization": f"{scheme} {token}"} | ({"DPoP": proof} if proof else {})
        return send(method, at, headers=headers)

    # a server that has just started wants a nonce of its own
    nonce = call(by(key, token=token)).headers["DPoP-Nonce"]
    good = partial(by, key, token=token, nonce=nonce)
    say = lambda name, expected, run: check(name, expected, lambda: verdict(run()))
    say("GET", "accepted", lambda: call(good()))
    say("POST", "accepted", lambda: call(good(method="POST"), "POST"))
    say("wrong key", "holder_mismatch", lambda: call(by(fresh_key(algorithm), token=token, nonce=nonce)))
    say("wrong htu", "target_mismatch", lambda: call(good(url=elsewhere)))
    say("wrong htm", "method_mismatch", lambda: call(good(method="PUT")))
    say("no ath", "token_hash_mismatch", lambda: call(by(key, nonce=nonce)))
    say("an hour old", "proof_stale", lambda: call(good(iat=int(time.time()) - AN_HOUR)))
    say("an hour ahead", "proof_from_future", lambda: call(good(iat=int(time.time()) + AN_HOUR)))
    say("nonce of another server", "nonce_unknown", lambda: call(by(key, token=token, nonce="another")))
    say("under Bearer", "bearer_downgrade", lambda: call(good(), scheme="Bearer"))
    say("without a proof", "proof_missing", lambda: call(None))
    say("scope too small", "insufficient_scope", lambda: call(good(url=elsewhere), at=elsewhere))
    proof = good()
    say("the first use of a proof", "accepted", lambda: call(proof))
    say("replay", "proof_replayed", lambda: call(proof))


with httpx.Client(timeout=10) as by_httpx, httpx2.Client(timeout=10) as by_httpx2, requests.Session() as by_requests:
    for algorithm, name in [("EdDSA", "A"), ("Ed25519", "A"), ("ES256", "C")]:
        cases(["joserfc", "httpx"], by_httpx.request, by_joserfc, algorithm, by_name[name])
        cases(["joserfc", "httpx2"], by_httpx2.request, by_joserfc, algorithm, by_name[name])
        cases(["cryptography", "requests"], by_requests.request, by_cryptography, algorithm, by_name[name])
lib.finish()

"""A registry to explore: set up and served by the binary, with an admin, an owner, a resource that introspects, and keys for all."""

import atexit
import hashlib
import itertools
import json
import re
import socket
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

RESOURCE = "https://api.example"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base64url(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return text


class Key:
    """An Ed25519 key, its DID, and what it signs."""

    _seeds = itertools.count(1)

    def __init__(self):
        # the same in every run: what is explored does not depend on chance
        seed = hashlib.sha256(b"handfast openapi %d" % next(self._seeds)).digest()
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url(public)}
        self.did = "did:key:z" + base58(b"\xed\x01" + public)
        self.kid = f"{self.did}#{self.did.removeprefix('did:key:')}"

    def sign(self, header, claims):
        parts = [base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)]
        return ".".join([*parts, base64url(self._private.sign(".".join(parts).encode()))])

    def statement(self, typ, claims):
        return self.sign({"typ": typ, "alg": "EdDSA", "kid": self.kid}, claims)

    def proof(self, method, url, nonce, token=None):
        claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": url.split("?")[0], "iat": int(time.time())}
        claims |= {"nonce": nonce} if nonce else {}
        claims |= {"ath": base64url(hashlib.sha256(token.encode()).digest())} if token else {}
        return self.sign({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": self.jwk}, claims)


class Site:
    """The registry, and whoever calls it."""

    def __init__(self, binary):
        self._binary = binary
        self.home = Path(tempfile.mkdtemp(prefix="handfast-openapi-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{port}"
        self.http = requests.Session()
        self._nonce = None
        self._tokens = {}
        init = ["registry", "init", "--dir", "registry", "--development", "--issuer", self.issuer]
        init += ["--listen", f"127.0.0.1:{port}", "--tool-resource", f"{RESOURCE}=files:read files:write introspect"]
        code = self._run(init)["admin_code"]
        config = self.home / "registry" / "registry.toml"
        text = re.sub(r"(?m)^(registrations_per_source|registrations_in_total) = .*\n", "", config.read_text())
        limits = "registrations_per_source = 100000\nregistrations_in_total = 100000\n"
        text = text.replace("[limits]\n", f"[limits]\n{limits}") if "[limits]\n" in text else f"{text}\n[limits]\n{limits}"
        config.write_text(text)
        served = [binary, "--json", "registry", "serve", "--dir", "registry"]
        child = subprocess.Popen(served, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        atexit.register(child.wait)
        atexit.register(child.terminate)
        if not child.stdout.readline():
            raise RuntimeError(f"the registry ended with code {child.wait()}")
        self.admin = Key()
        self.admin_id = self._owner(self.admin, code)
        self.owner, self.owner_id = self.new_owner()
        self.resource = self.agent(scope="introspect")

    def _run(self, arguments):
        command = [self._binary, "--json", *arguments]
        return json.loads(subprocess.run(command, cwd=self.home, check=True, capture_output=True).stdout)

    def claims(self, key, **more):
        return {"iss": key.did, "aud": self.issuer, "iat": int(time.time()), "jti": str(uuid.uuid4()), **more}

    def registration(self, key, **more):
        said = {"name": "explored", "version": "1", "purpose": "is explored", "environment": "dev", **more}
        return key.statement("agent-registration+jwt", self.claims(key, **said))

    def _owner(self, key, code):
        statement = key.statement("owner-registration+jwt", self.claims(key, enrolment=code))
        return self.state("/owners", statement).json()["id"]

    def new_owner(self):
        key = Key()
        made = self.call("POST", "/owners/codes", self.admin, "registry:admin", json={"role": "owner"})
        return key, self._owner(key, made.json()["code"])

    def state(self, path, statement):
        answer = self.http.post(self.issuer + path, data=statement, headers={"Content-Type": "application/jwt"})
        answer.raise_for_status()
        return answer

    def ceiling(self, scope="files:read files:write"):
        return {"scope": scope, "resource": [RESOURCE], "del_max_depth": 2, "delegation": "exchange"}

    def enrolment(self, scope="files:read files:write"):
        return self.call("POST", "/enrolments", self.owner, "owner:self", json={"ceiling": self.ceiling(scope)}).json()

    def agent(self, scope="files:read files:write"):
        """A fresh agent of the owner's, enrolled."""
        key = Key()
        self.state("/agents", self.registration(key, enrolment=self.enrolment(scope)["token"]))
        return key

    def unclaimed(self):
        """A fresh agent of nobody's, and its claim."""
        key = Key()
        return key, self.state("/agents", self.registration(key)).json()["claim"]

    def task(self, agent):
        body = {"agent": agent.did, "intent": "explore", "scope": "files:read"}
        return self.call("POST", "/tasks", self.owner, "owner:self", json=body).json()["id"]

    def token(self, key, scope, resource=None):
        """A token, the same for a minute."""
        resource = resource or self.issuer
        known = self._tokens.get((key.did, scope, resource))
        if known and known[1] > time.time():
            return known[0]
        form = {"grant_type": "client_credentials", "client_id": key.did, "scope": scope, "resource": resource}
        answer = self.proved("POST", "/oauth2/token", key, data=form)
        answer.raise_for_status()
        text = answer.json()["access_token"]
        self._tokens[key.did, scope, resource] = (text, time.time() + 60)
        return text

    def send(self, request, key=None, token=None):
        """Sends a prepared request, with a proof where somebody signs, and once more where a nonce is asked for."""
        for _ in range(2):
            if key:
                request.headers["DPoP"] = key.proof(request.method, request.url, self._nonce, token)
            if token:
                request.headers["Authorization"] = f"DPoP {token}"
            answer = self.http.send(request, timeout=30, allow_redirects=False)
            self._nonce = answer.headers.get("DPoP-Nonce", self._nonce)
            if answer.status_code not in (400, 401) or b"use_dpop_nonce" not in answer.content:
                break
        return answer

    def proved(self, method, path, key, **what):
        return self.send(self.http.prepare_request(requests.Request(method, self.issuer + path, **what)), key)

    def call(self, method, path, key, scope, **what):
        request = self.http.prepare_request(requests.Request(method, self.issuer + path, **what))
        answer = self.send(request, key, self.token(key, scope))
        answer.raise_for_status()
        return answer

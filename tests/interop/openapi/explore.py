"""schemathesis against a running registry: every operation of its OpenAPI document, with made-up requests and with such as get far.

No answer may be a 5xx, have a status, media type, field or body that the document does not have; and every operation has to be reached:
some request of it has to succeed. Seeded, so every run asks the same.
"""

import sys
import time
from collections import Counter, defaultdict

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import content_type_conformance, response_headers_conformance, response_schema_conformance
from schemathesis.checks import status_code_conformance

from site_of_registry import RESOURCE, Key, Site

EXAMPLES = {GenerationMode.POSITIVE: 24, GenerationMode.NEGATIVE: 12}
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance, response_headers_conformance]
# they succeed with statements that two keys sign, behind one, or behind an operator's: tests of the registry compare those answers with
# the document
HARDLY_REACHED = {"rotateKey", "approveRotation", "refuseRotation", "recoverAgent", "feedKey"}
JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.integers(), max_size=2))

@schemathesis.deserializer("application/json")
def read(_context, response):
    """schemathesis counts application/jwt among the kinds of JSON, which it is not: its content is a text."""
    is_jwt = response.headers["content-type"] == ["application/jwt"]
    return response.content.decode() if is_jwt else response.json()


site = Site(sys.argv[1])
schema = schemathesis.openapi.from_url(f"{site.issuer}/openapi.json")
reached = defaultdict(Counter)
faults = []


class World:
    """What one operation finds: things of its own, so that no operation ends what another one needs."""

    def __init__(self):
        self.agent = site.agent()
        self.unclaimed, self.claim = site.unclaimed()
        self.task = site.task(self.agent)
        self.enrolment = site.enrolment()["id"]
        self.leaving = site.new_owner()[1]

    def id(self, path):
        for word, id in [("/claims/", self.claim["id"]), ("/tasks/", self.task), ("/enrolments/", self.enrolment)]:
            if word in path:
                return id
        return self.leaving

    def body(self, name, body, draw):
        """A body that gets far, in the place of a made-up one."""
        ceiling, owner = site.ceiling(), {"reason": "explored"}
        token = lambda: site.token(self.agent, "files:read", RESOURCE)
        good = {
            "approveClaim": lambda: {"user_code": self.claim["user_code"], "ceiling": ceiling},
            "refuseClaim": lambda: {"user_code": self.claim["user_code"]},
            "newTask": lambda: {"agent": self.agent.did, "intent": "explore", "scope": "files:read"},
            "newEnrolment": lambda: {"ceiling": ceiling, "label": "explored"},
            "changeCeiling": lambda: {"ceiling": ceiling, **owner},
            "changeEnvironment": lambda: {"environment": draw(st.sampled_from(["dev", "test"])), **owner},
            "offerAgent": lambda: {"to": site.admin_id},
            "offboardOwner": lambda: {"agents": "retire"},
            "revoke": lambda: {"kind": "task", "id": self.task},
            "previewRevocation": lambda: {"kind": "task", "id": self.task},
            "token": lambda: {"grant_type": "client_credentials", "client_id": self.agent.did, "scope": "files:read",
                              "resource": RESOURCE},
            "revokeToken": lambda: {"client_id": self.agent.did, "token": token()},
            "introspect": lambda: {"token": token()},
            "registerAgent": lambda: self.statement(site.registration, Key(), draw),
            "registerOwner": self.owner_statement,
            "stateVersion": self.version_statement,
        }.get(name)
        return good() if good else body

    def statement(self, made, key, draw):
        more = draw(st.dictionaries(st.sampled_from(["name", "environment", "scope", "iat", "enrolment", "x"]), JUNK, max_size=1))
        return made(key, **more)

    def owner_statement(self):
        key = Key()
        code = site.call("POST", "/owners/codes", site.admin, "registry:admin", json={"role": "owner"}).json()["code"]
        return key.statement("owner-registration+jwt", site.claims(key, enrolment=code))

    def version_statement(self):
        # the clock counts whole seconds, and a later statement has to be later
        return self.agent.statement("agent-version+jwt", site.claims(self.agent, version=str(time.monotonic_ns())))


def caller(operation, case, world, draw):
    """Who signs, and with which token: as the operation says, and now and then nobody."""
    security = operation.definition.raw.get("security") or []
    if not security or draw(st.integers(0, 9)) == 9:
        return None, None
    if "token" not in security[0]:
        return (world.agent if operation.path.startswith("/oauth2") else world.unclaimed), None
    scope = draw(st.sampled_from(security))["token"][0]
    if scope == "introspect":
        return site.resource, site.token(site.resource, scope, RESOURCE)
    # what concerns the owner's things is asked by their owner, and what an owner takes over by the other one
    takes_over = operation.definition.raw["operationId"] == "acceptAgent"
    key = {"agent:self": world.agent, "owner:self": site.admin if takes_over else site.owner}.get(scope, site.admin)
    return key, site.token(key, scope)


def explore(operation, mode):
    name = operation.definition.raw["operationId"]
    world = World()
    if name in ("acceptAgent", "withdrawOffer"):
        site.call("POST", f"/agents/{world.agent.did}/transfer", site.owner, "owner:self", json={"to": site.admin_id})
    if name == "showOffboarding":
        site.call("POST", f"/owners/{world.leaving}/offboarding", site.admin, "registry:admin", json={"agents": "retire"})

    @seed(20261128)
    @settings(max_examples=EXAMPLES[mode], deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def run(case, data):
        draw = data.draw
        gets_far = mode is GenerationMode.POSITIVE and draw(st.integers(0, 3)) > 0
        if gets_far:
            for parameter in case.path_parameters or {}:
                known = {"name": world.agent.did, "did": world.agent.did, "id": world.id(operation.path), "number": 0}
                case.path_parameters[parameter] = known[parameter]
            case.body = world.body(name, case.body, draw) if operation.body else case.body
            if case.query and "after" in case.query:
                case.query["after"] = 0 if name == "followFeed" else None
                case.query = {key: value for key, value in case.query.items() if value is not None}
        if case.query and "wait" in case.query and isinstance(case.query["wait"], int):
            case.query["wait"] = 0
        if case.headers and "Idempotency-Key" in case.headers and gets_far:
            case.headers.pop("Idempotency-Key")
        key, token = caller(operation, case, world, draw)
        if gets_far and name in ("newClaimCode", "pollClaim"):
            key = world.unclaimed
        try:
            arguments = case.as_transport_kwargs(base_url=site.issuer)
            if case.media_type == "application/jwt" and isinstance(case.body, str):
                arguments.pop("json", None)
                arguments |= {"data": case.body.encode(), "headers": {**arguments["headers"], "Content-Type": case.media_type}}
            sent = {name: arguments[name] for name in ("method", "url", "params", "data", "json", "files", "headers") if name in arguments}
            request = site.http.prepare_request(requests.Request(**sent))
        except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
            return  # no client can send this
        if name == "streamFeed":
            answer = site.http.send(request, timeout=30, stream=True)
            if answer.status_code == 200:
                # it does not end
                found = next(answer.iter_content(3)) == b"id:" and answer.headers["Content-Type"] == "text/event-stream"
                answer.close()
                reached[name][200 if found else 0] += 1
                return
        else:
            answer = site.send(request, key, token)
        reached[name][answer.status_code] += 1
        # a DID method that is not resolved here and a list of the past are documented 501 (DR-22, TSL-16)
        if answer.status_code >= 500 and (name, answer.status_code) not in (("resolveDid", 501), ("statusList", 501)):
            raise AssertionError(f"{answer.status_code} {answer.text}")
        case.validate_response(answer, checks=CHECKS)

    try:
        run()
    except Unsatisfiable:
        # an operation without parameters and body has nothing that could be wrong
        if mode is GenerationMode.POSITIVE:
            raise
    except (Exception, BaseExceptionGroup) as error:
        faults.append(name)
        print(f"FAIL {operation.label}, {mode.value}: {error}")


operations = [result.ok() for result in schema.get_all_operations()]
for operation in operations:
    for mode in GenerationMode:
        explore(operation, mode)
count = sum(sum(statuses.values()) for statuses in reached.values())
for operation in operations:
    name = operation.definition.raw["operationId"]
    statuses = reached[name]
    print(f"{operation.label:48} {', '.join(f'{status} x {statuses[status]}' for status in sorted(statuses))}")
    if not any(200 <= status < 300 for status in statuses) and name not in HARDLY_REACHED:
        faults.append(name)
        print(f"FAIL {operation.label}: nothing got far")
print(f"{len(operations)} operations, {count} requests, {len(faults)} failed")
sys.exit(1 if faults or count < 10 * len(operations) else 0)

"""Reads a status list of a running registry with nothing but Python's standard library, and compares it with expectations.

`status_list.py ISSUER` with lines `URI INDEX VALUE` on standard input. The list is fetched, its signature verified under the key of the
issuer's DID document (Ed25519 as written down in RFC 8032 6), its claims are judged and its bytes taken apart by draft-ietf-oauth-status-list.
Prints how many places were compared; a wrong one ends it with code 1.
"""

import base64
import hashlib
import json
import sys
import time
import urllib.request
import zlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add(one, other):
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point, number = add(point, point), number >> 1
    return result


def point(encoded):
    y, sign = int.from_bytes(encoded, "little") & (2**255 - 1), encoded[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or y >= P:
        raise ValueError("no point of the curve")
    return (x if x & 1 == sign else P - x), y, 1, x * y % P if x & 1 == sign else (P - x) * y % P


def is_signature(key, signed, signature):
    scalar = int.from_bytes(signature[32:], "little")
    base = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + signed).digest(), "little") % ORDER
    left, right = times(scalar, base), add(point(signature[:32]), times(challenge, point(key)))
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0
    return scalar < ORDER and same


def unbase64(text):
    if "=" in text:
        raise ValueError("padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def unbase58(text):
    number = 0
    for letter in text:
        number = number * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(letter)
    return number.to_bytes(34, "big")


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.headers.get_content_type(), response.read().decode()


def feed_key(issuer):
    methods = json.loads(fetch(f"{issuer}/.well-known/did.json")[1])["verificationMethod"]
    keys = [unbase58(method["publicKeyMultibase"].removeprefix("z")) for method in methods]
    # the prefix of an Ed25519 key
    return next(key[2:] for key in keys if key[:2] == b"\xed\x01")


def values(uri, key):
    """The list at `uri`: its bytes and the bits of a value."""
    media_type, text = fetch(uri)
    header, payload, signature = text.split(".")
    claims, kind = json.loads(unbase64(payload)), json.loads(unbase64(header))
    now, listed = time.time(), claims["status_list"]
    judged = {
        "media type": media_type == "application/statuslist+jwt",
        "typ": kind["typ"] == "statuslist+jwt",
        "signature": is_signature(key, f"{header}.{payload}".encode(), unbase64(signature)),
        "sub": claims["sub"] == uri,
        "iat and exp": claims["iat"] - 30 <= now <= claims["exp"],
        "ttl": claims["ttl"] > 0,
        "bits": listed["bits"] in (1, 2, 4, 8),
        "zlib": unbase64(listed["lst"])[0] == 0x78,
    }
    wrong = [name for name, is_right in judged.items() if not is_right]
    if wrong:
        raise SystemExit(f"{uri}: wrong {', '.join(wrong)}")
    inflater = zlib.decompressobj()
    data = inflater.decompress(unbase64(listed["lst"]), 2**20)
    if not inflater.eof or inflater.unused_data:
        raise SystemExit(f"{uri}: no whole stream, or more than a mebibyte")
    return data, listed["bits"]


def main():
    issuer, lists, compared, wrong = sys.argv[1], {}, 0, []
    key = feed_key(issuer)
    for line in sys.stdin:
        uri, index, expected = line.split()
        if uri not in lists:
            lists[uri] = values(uri, key)
        data, bits = lists[uri]
        place = int(index) * bits
        found = data[place // 8] >> place % 8 & (1 << bits) - 1
        compared += 1
        if found != int(expected):
            wrong.append(f"{uri} {index}: expected {expected}, found {found}")
    print(f"{compared} places compared")
    sys.exit("\n".join(wrong) or (not compared and "nothing to compare") or 0)


main()

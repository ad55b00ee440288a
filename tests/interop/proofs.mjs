// DPoP proofs made by hand with jose, right ones and wrong ones, and what a request with one says.
import { createHash } from 'node:crypto'
import { SignJWT, importJWK } from 'jose'

/** The hash by which a proof covers its access token (`ath`). */
export const tokenHash = (token) => createHash('sha256').update(token).digest('base64url')

/** A private JWK without its secret. */
export function publicJwk({ kty, crv, x, y }) {
  return y === undefined ? { kty, crv, x } : { kty, crv, x, y }
}

/**
 * A proof by the private JWK `key` under the name `alg`. `claims` and `header` replace what would be right; a claim that is
 * `undefined` is left out.
 */
export async function proofByHand({ key, alg, method, url, token, nonce }, claims = {}, header = {}) {
  const made = {
    jti: crypto.randomUUID(),
    htm: method,
    htu: url.split(/[?#]/)[0],
    iat: Math.floor(Date.now() / 1000),
    ath: token && tokenHash(token),
    nonce,
    ...claims,
  }
  const right = { typ: 'dpop+jwt', alg, jwk: publicJwk(key) }
  // `JSON` leaves out what is undefined
  return new SignJWT(JSON.parse(JSON.stringify(made))).setProtectedHeader({ ...right, ...header }).sign(await importJWK(key, alg))
}

/** Sends a request and gives the answer; `fields` that are `undefined` are left out. */
export async function send(method, url, fields) {
  const headers = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  return fetch(url, { method, headers, redirect: 'error' })
}

/** 'accepted', or the reason that a handfast server gives for its refusal. */
export async function verdict(response) {
  if (response.status === 200) return 'accepted'
  return (await response.json()).reason
}

/** Runs `action` while the clock of this process, and so of every package in it, is `seconds` off. */
export async function withClockOff(seconds, action) {
  const RealDate = globalThis.Date
  globalThis.Date = class extends RealDate {
    constructor(...parts) {
      super(...(parts.length > 0 ? parts : [RealDate.now() + seconds * 1000]))
    }
    static now() {
      return RealDate.now() + seconds * 1000
    }
  }
  try {
    return await action()
  } finally {
    globalThis.Date = RealDate
  }
}

/** A new private JWK for proofs under the name `alg`. */
export async function freshJwk(alg) {
  const algorithm = alg === 'ES256' ? { name: 'ECDSA', namedCurve: 'P-256' } : { name: 'Ed25519' }
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey('jwk', privateKey)
  return { ...publicJwk({ kty, crv, x, y }), d }
}

// A hop as spec/delegation.md says it, made here with WebCrypto alone: a second implementation of the delegator's side, which
// knows the page and nothing of the Rust code.
import { createHash } from 'node:crypto'

const base64url = (bytes) => Buffer.from(bytes).toString('base64url')
const sha256 = (text) => base64url(createHash('sha256').update(text).digest())

/** The `did:key` of an Ed25519 JWK: base58btc of 0xed 0x01 and the key. */
export function didOf(jwk) {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  let number = BigInt(`0x${Buffer.concat([Buffer.from([0xed, 0x01]), Buffer.from(jwk.x, 'base64url')]).toString('hex')}`)
  let text = ''
  for (; number > 0n; number /= 58n) text = alphabet[Number(number % 58n)] + text
  return `did:key:z${text}`
}

/** RFC 7638, of an Ed25519 JWK. */
export const thumbprint = (jwk) => sha256(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x }))

export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

/** A good hop from the holder of `parent` (a root token or a hop) to the key `delegate`; `changes` alter its claims. */
export async function hop(parent, delegator, delegatorPair, delegate, changes = {}) {
  const above = claimsOf(parent)
  const iss = didOf(delegator)
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss,
    aud: didOf(delegate),
    sub: above.sub,
    cnf: { jkt: thumbprint(delegate) },
    task: above.task.id ?? above.task,
    scope: above.scope,
    resource: above.resource ?? [above.aud].flat(),
    del_depth: above.del_depth + 1,
    del_max_depth: above.del_max_depth,
    iat: now,
    exp: Math.min(above.exp, now + 600),
    jti: `hop_${base64url(crypto.getRandomValues(new Uint8Array(16)))}`,
    par_hash: sha256(parent.split('.').slice(0, 2).join('.')),
    ...changes,
  }
  const header = { typ: 'delegation+jwt', alg: 'EdDSA', kid: `${iss}#${iss.slice('did:key:'.length)}` }
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`
  const signature = await crypto.subtle.sign('Ed25519', delegatorPair.privateKey, Buffer.from(input))
  return `${input}.${base64url(signature)}`
}

/** The hash by which a proof covers its chain (`dch`). */
export const chainHash = (members) => sha256(members.join(','))

/** A new Ed25519 key as JWK and as pair. */
export async function freshKey() {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  return { jwk: await crypto.subtle.exportKey('jwk', pair.privateKey), pair }
}

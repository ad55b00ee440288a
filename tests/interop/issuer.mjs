// oidc-provider, unmodified, as an issuer that never heard of handfast: a server of ours that trusts it (profile `rfc9068`,
// server-middleware/examples/rfc9068_api.rs) takes its DPoP-bound tokens, and nothing else. The client is oauth4webapi where
// things go right, and jose where they go wrong.
import { check, finish, keyPair } from './lib.mjs'
import { freshJwk, proofByHand, send, verdict, withClockOff } from './proofs.mjs'
import { call, startProvider, tokenOf } from './provider.mjs'
import { freeOrigin, startProgram } from './site.mjs'

const api = process.argv[3]

async function casesOf(alg) {
  const peer = { peer: 'oidc-provider', as: 'issuer', alg }
  const [origin, foreign, resource] = [await freeOrigin(), await freeOrigin(), await freeOrigin()]
  const provider = await startProvider(origin, alg)
  const other = await startProvider(foreign, alg)
  await startProgram(api, [origin, resource], { env: { ...process.env, RUST_LOG: 'error' } })
  const url = `${resource}/files/a`
  const key = await freshJwk(alg)
  const pair = await keyPair(key)
  const good = await tokenOf(provider, pair, 'files:read', resource)

  let nonce
  const by = async ({ token = good, claims, at = url, field, ...changes }) => {
    const proof = await proofByHand({ key, alg, method: 'GET', url, token, nonce, ...changes }, claims)
    return verdict(await send('GET', at, { authorization: `DPoP ${field ?? token}`, dpop: proof }))
  }
  await check(peer, 'its token', 'accepted', async () => {
    const answer = await call(good, pair, url)
    const { iss, sub, client_id: client, scope } = await answer.json()
    const isTold = iss === origin && sub === 'a-client' && client === 'a-client' && scope.join(' ') === 'files:read'
    return isTold ? 'accepted' : 'another caller'
  })
  await check(peer, 'its token, with a proof by jose', 'accepted', async () => {
    const first = await send('GET', url, { authorization: `DPoP ${good}`, dpop: await proofByHand({ key, alg, method: 'GET', url, token: good }) })
    nonce = first.headers.get('dpop-nonce')
    return by({})
  })
  const refused = (name, reason, run) => check(peer, name, reason, run)
  await refused('wrong key', 'holder_mismatch', async () => by({ key: await freshJwk(alg) }))
  await refused('wrong htu', 'target_mismatch', () => by({ at: `${resource}/files/b` }))
  await refused('no ath', 'token_hash_mismatch', () => by({ claims: { ath: undefined } }))
  await refused('replay', 'proof_replayed', async () => {
    const jti = crypto.randomUUID()
    const first = await by({ claims: { jti } })
    return first === 'accepted' ? by({ claims: { jti } }) : `the first: ${first}`
  })
  await refused('an old proof', 'proof_stale', () => by({ claims: { iat: Math.floor(Date.now() / 1000) - 3600 } }))
  await refused('expired', 'token_expired', async () =>
    by({ token: await withClockOff(-3600, () => tokenOf(provider, pair, 'files:read', resource)) }))
  await refused('not bound', 'token_unbound', async () => by({ token: await tokenOf(provider, undefined, 'files:read', resource) }))
  await refused('scope too small', 'insufficient_scope', async () => by({ token: await tokenOf(provider, pair, 'files:list', resource) }))
  await refused('scope it may not give', 'issuer_not_trusted', async () =>
    by({ token: await tokenOf(provider, pair, 'files:read files:write', resource) }))
  await refused('for another resource', 'audience_mismatch', async () =>
    by({ token: await tokenOf(provider, pair, 'files:read', 'https://elsewhere.example/') }))
  await refused('of an issuer nobody trusts', 'issuer_not_trusted', async () =>
    by({ token: await tokenOf(other, pair, 'files:read', resource) }))
  await refused('a broken token', 'token_signature_invalid', () => {
    const [header, payload, signature] = good.split('.')
    return by({ token: `${header}.${payload}.${(signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)}` })
  })
  await refused('longer than an issuer without status may give', 'token_lifetime_exceeded', async () => {
    provider.state.lifetime = 3600
    return by({ token: await tokenOf(provider, pair, 'files:read', resource) })
  })
}

for (const alg of ['EdDSA', 'Ed25519', 'ES256']) await casesOf(alg)
finish()

// What every client has to get right against `handfast dev`, and what it must not get away with, whoever makes its proofs.
import { check } from './lib.mjs'
import { freshJwk, send, verdict, withClockOff } from './proofs.mjs'

/**
 * The cases of one package that makes proofs. `prove({ key, alg, method, url, token?, nonce? })` gives a proof of the private JWK
 * `key`; `credential` is whose it is.
 */
export async function clientCases(peer, dev, credential, prove) {
  const { alg } = peer
  const { url } = dev.resource
  const by = (key, more) => prove({ key, alg, method: 'GET', url, ...more })
  let token

  await check(peer, 'a token without the nonce asked for', 'nonce_required', async () => {
    const proof = await by(credential.key, { method: 'POST', url: dev.token_endpoint })
    return (await askForToken(dev, credential, proof).then((response) => response.json())).reason
  })
  await check(peer, 'a token, with that nonce', 'accepted', async () => {
    const ask = async (nonce) =>
      askForToken(dev, credential, await by(credential.key, { method: 'POST', url: dev.token_endpoint, nonce }))
    const response = await ask((await ask(undefined)).headers.get('dpop-nonce'))
    const answer = await response.json()
    token = answer.access_token
    return answer.token_type === 'DPoP' ? verdict(response) : `${answer.token_type} ${answer.reason}`
  })

  // a server that has just started wants a nonce of its own, so one is fetched first
  const nonce = (await send('GET', url, fields(token, await by(credential.key, { token })))).headers.get('dpop-nonce')
  const call = async (proof, { method = 'GET', at = url, ...more } = {}) =>
    verdict(await send(method, at, { ...fields(token, proof), ...more }))
  const good = (more) => by(credential.key, { token, nonce, ...more })

  await check(peer, 'GET', 'accepted', async () => call(await good()))
  await check(peer, 'POST', 'accepted', async () => call(await good({ method: 'POST' }), { method: 'POST' }))
  await check(peer, 'GET with a query, which no proof covers', 'accepted', async () =>
    call(await good({ url: `${url}?a=b` }), { at: `${url}?a=b` }))
  await check(peer, 'wrong key', 'holder_mismatch', async () => call(await by(await freshJwk(alg), { token, nonce })))
  await check(peer, 'wrong htu', 'target_mismatch', async () => call(await good({ url: `${dev.public_origin}/other` })))
  await check(peer, 'wrong htm', 'method_mismatch', async () => call(await good({ method: 'PUT' })))
  await check(peer, 'no ath', 'token_hash_mismatch', async () => call(await by(credential.key, { nonce })))
  await check(peer, 'ath of another token', 'token_hash_mismatch', async () =>
    call(await good({ token: credential.access_token })))
  await check(peer, 'an hour old', 'proof_stale', async () => call(await withClockOff(-3600, () => good())))
  await check(peer, 'an hour ahead', 'proof_from_future', async () => call(await withClockOff(3600, () => good())))
  await check(peer, 'nonce of another server', 'nonce_unknown', async () => call(await good({ nonce: 'another' })))
  await check(peer, 'replay', 'proof_replayed', async () => {
    const proof = await good()
    const first = await call(proof)
    return first === 'accepted' ? call(proof) : `the first: ${first}`
  })
  await check(peer, 'under Bearer', 'bearer_downgrade', async () =>
    call(await good(), { authorization: `Bearer ${token}` }))
  await check(peer, 'without a proof', 'proof_missing', () => call(undefined))
  await check(peer, 'scope too small', 'insufficient_scope', async () => {
    const at = `${dev.public_origin}/other`
    return call(await good({ url: at }), { at })
  })
  return { token, nonce, call }
}

function fields(token, proof) {
  return { authorization: `DPoP ${token}`, dpop: proof }
}

function askForToken(dev, credential, proof) {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: credential.client_id, scope: 'echo:read' })
  body.set('resource', dev.audience)
  return fetch(dev.token_endpoint, { method: 'POST', body, headers: { dpop: proof } })
}

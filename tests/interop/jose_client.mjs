// jose, unmodified, as a client: proofs made by hand from its general JWS functions, the wrong ones included.
import { SignJWT } from 'jose'
import { clientCases } from './client_cases.mjs'
import { check, finish, startDev } from './lib.mjs'
import { freshJwk, proofByHand, publicJwk } from './proofs.mjs'

const dev = await startDev(process.argv[2])
const [a, , c] = dev.credentials

for (const [alg, credential] of [['EdDSA', a], ['Ed25519', a], ['ES256', c]]) {
  const peer = { peer: 'jose', as: 'client', alg }
  const { token, nonce, call } = await clientCases(peer, dev, credential, proofByHand)
  const right = { key: credential.key, alg, method: 'GET', url: dev.resource.url, token, nonce }
  const refused = (name, reason, claims, header) =>
    check(peer, name, reason, async () => call(await proofByHand(right, claims, header)))
  await refused('another typ', 'proof_type', {}, { typ: 'jwt' })
  await refused('the private key in the proof', 'proof_key', {}, { jwk: credential.key })
  await refused('no jti', 'proof_claims', { jti: undefined })
  await refused('another key in the header than signed', 'holder_mismatch', {}, { jwk: publicJwk(await freshJwk(alg)) })
  await check(peer, 'a MAC in place of a signature', 'proof_algorithm', async () => {
    const claims = { jti: crypto.randomUUID(), htm: 'GET', htu: dev.resource.url, iat: Math.floor(Date.now() / 1000), nonce }
    const header = { typ: 'dpop+jwt', alg: 'HS256', jwk: publicJwk(credential.key) }
    return call(await new SignJWT(claims).setProtectedHeader(header).sign(new Uint8Array(32)))
  })
  await check(peer, 'a broken signature', 'proof_signature', async () => {
    const [header, payload, signature] = (await proofByHand(right)).split('.')
    return call(`${header}.${payload}.${(signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)}`)
  })
}
finish()

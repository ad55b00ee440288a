// jose, unmodified, as a resource server of RFC 9449 for our tokens: section 4.3 from its general JWT functions, with a nonce
// (section 9), one algorithm at a time (`algs`), and a memory of proofs. What our client has to cope with elsewhere.
import { EmbeddedJWK, calculateJwkThumbprint, createRemoteJWKSet, jwtVerify } from 'jose'
import { finish } from './lib.mjs'
import { tokenHash } from './proofs.mjs'
import { resourceCases } from './resource_cases.mjs'
import { listen as listenOn } from './site.mjs'

const NONCE = 'nonce-of-a-foreign-server'
const WINDOW_SECONDS = 60

class Refused extends Error {
  constructor(status, error) {
    super(error)
    Object.assign(this, { status, error })
  }
}

async function listen(issuer, origin) {
  const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
  const used = new Set()
  let offered

  async function token(request) {
    const [scheme, text] = (request.headers.authorization ?? '').split(' ')
    if (scheme !== 'DPoP') throw new Refused(401, 'invalid_token')
    const rules = { issuer, audience: origin, typ: 'at+jwt', algorithms: ['EdDSA'], requiredClaims: ['cnf', 'client_id', 'jti', 'sub'] }
    const verified = jwtVerify(text, keys, rules).catch(() => {
      throw new Refused(401, 'invalid_token')
    })
    return { text, claims: (await verified).payload }
  }

  async function proof(request, { text, claims }) {
    const rules = { typ: 'dpop+jwt', algorithms: [offered], maxTokenAge: WINDOW_SECONDS, requiredClaims: ['jti', 'htm', 'htu', 'ath'] }
    const { payload, protectedHeader } = await jwtVerify(request.headers.dpop ?? '', EmbeddedJWK, rules)
    const isOfRequest = payload.htm === request.method && payload.htu === new URL(request.url, origin).href.split('?')[0]
    const isOfToken = payload.ath === tokenHash(text) && claims.cnf.jkt === (await calculateJwkThumbprint(protectedHeader.jwk))
    if (!isOfRequest || !isOfToken || used.has(payload.jti)) throw new Error('another')
    if (payload.nonce !== NONCE) throw new Refused(401, 'use_dpop_nonce')
    used.add(payload.jti)
  }

  async function answer(request) {
    const presented = await token(request)
    await proof(request, presented).catch((error) => {
      throw error instanceof Refused ? error : new Refused(401, 'invalid_dpop_proof')
    })
    if (!presented.claims.scope.split(' ').includes('files:read')) throw new Refused(403, 'insufficient_scope')
    return request.headers
  }

  await listenOn(origin, async (request, response) => {
    const { status, body } = await answer(request).then(
      (body) => ({ status: 200, body }),
      (error) => (error instanceof Refused ? { status: error.status, body: { error: error.error } } : Promise.reject(error)),
    )
    response.setHeader('DPoP-Nonce', NONCE)
    if (body.error) response.setHeader('WWW-Authenticate', `DPoP error="${body.error}", algs="${offered}"`)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  return { offer: (alg) => (offered = alg), nonce: NONCE }
}

await resourceCases({ peer: 'jose' }, ['EdDSA', 'Ed25519', 'ES256'], process.argv[2], listen, { 'under Bearer': 'invalid_token' })
finish()

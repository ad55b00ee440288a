// express-oauth2-jwt-bearer, unmodified, as the resource server for our tokens. It knows DPoP without nonces, and leaves the
// memory of used proofs to others: the same proof passes twice there, which is why `replay` is accepted below.
import express from 'express'
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer'
import { finish } from './lib.mjs'
import { resourceCases } from './resource_cases.mjs'

async function listen(issuer, origin) {
  const app = express()
  app.use(auth({ issuerBaseURL: issuer, audience: origin, strict: true, clockTolerance: 30, dpop: { required: true, iatOffset: 60 } }))
  app.get(['/files', '/other'], requiredScopes('files:read'), (request, response) => {
    response.json(request.headers)
  })
  app.use((error, _request, response, _next) => {
    response.status(error.status ?? 500).set(error.headers ?? {}).json({ error: error.code ?? `${error.message}` })
  })
  await new Promise((resolve) => app.listen(new URL(origin).port, '127.0.0.1', resolve))
  return {}
}

const expected = { replay: 'accepted', 'wrong key': 'invalid_token', 'under Bearer': 'invalid_request' }
// it takes `EdDSA` and `ES256`; `Ed25519` (RFC 9864) came after the jose that it stands on
await resourceCases({ peer: 'express-oauth2-jwt-bearer' }, ['EdDSA', 'ES256'], process.argv[2], listen, expected)
finish()

// oidc-provider as an issuer that is asked about each token (RFC 7662, spec/introspection.md): servers of ours ask its endpoint as a
// client with a secret and as one that signs (private_key_jwt), and what it has revoked is refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { check, finish, keyPair } from './lib.mjs'
import { freshJwk, publicJwk, verdict } from './proofs.mjs'
import { call, revoke, startProvider, tokenOf } from './provider.mjs'
import { freeOrigin, startProgram } from './site.mjs'

const API_SECRET = 'another secret: with blanks & signs + more'
// how long an answer counts, and a moment
const ANSWERS_COUNT_MS = 6500
// longer than an issuer may give whose tokens nobody can revoke
const LIFETIME = 1200
const api = process.argv[3]
// each program that is started ends with this one
process.setMaxListeners(20)
const folder = mkdtempSync(join(tmpdir(), 'handfast-interop-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

function file(name, text) {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** A key file of the command line, as far as it matters. */
const keyFile = (name, { d, ...jwk }) => file(name, JSON.stringify({ version: 1, key: { ...publicJwk(jwk), d } }))

/**
 * oidc-provider keeps no JWTs, and so can neither be asked about them nor revoke them: by its own settings it is told to keep what it
 * signs, under the `jti`, and to look for that where it is given such a JWT. Who may ask, and what is answered, is its own.
 */
const keepsItsTokens = {
  formats: {
    customizers: {
      async jwt(_context, token, { payload: { iat, exp, jti } }) {
        const members = token.constructor.IN_PAYLOAD.map((name) => [name, token[name]])
        await token.adapter.upsert(jti, { ...Object.fromEntries(members), iat, exp, jti }, exp - iat)
      },
    },
  },
  prepare(provider) {
    provider.use(async (context, next) => {
      if (context.method === 'POST' && /^\/token\/(introspection|revocation)$/.test(context.path)) {
        const chunks = []
        for await (const chunk of context.req) chunks.push(chunk)
        const form = new URLSearchParams(Buffer.concat(chunks).toString())
        const { jti } = JSON.parse(Buffer.from(form.get('token').split('.')[1], 'base64url'))
        form.set('token', jti)
        context.req.body = form.toString()
      }
      await next()
    })
  },
}

/** What is accepted; gives what is to be asked once the answers have lost their time. */
async function casesOf(alg) {
  const peer = { peer: 'oidc-provider', as: 'issuer that is asked', alg }
  const [origin, stranger] = [await freeOrigin(), await freeOrigin()]
  const [own, another] = [await freshJwk(alg), await freshJwk(alg)]
  const provider = await startProvider(origin, alg, {
    ...keepsItsTokens,
    clients: [
      { client_id: 'the api', client_secret: API_SECRET },
      { client_id: 'the signing api', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicJwk(own)] } },
      { client_id: 'not let in', client_secret: API_SECRET },
    ].map((client) => ({ grant_types: [], redirect_uris: [], response_types: [], ...client })),
    features: {
      introspection: { enabled: true, allowedPolicy: (_context, client) => client.clientId !== 'not let in' },
      revocation: { enabled: true },
    },
  })
  provider.state.lifetime = LIFETIME

  /** A server of ours that asks as this client. */
  async function server(name, client, shown) {
    const resource = await freeOrigin()
    const trust = file(`${name}.toml`, `[[issuers]]
issuer = "${origin}"
profile = "rfc9068"
status = "introspection"
introspection_client = "${client}"
${shown}
resources = ["${resource}"]
scopes = ["files:read"]
`)
    await startProgram(api, [origin, resource, trust], { env: { ...process.env, RUST_LOG: 'off' } })
    return resource
  }
  const secret = (name, text) => `introspection_secret_file = "${file(name, text)}"`
  const key = (name, jwk) => `introspection_key_file = "${keyFile(name, jwk)}"`
  const bySecret = await server(`${alg}-secret`, 'the api', secret('secret', `${API_SECRET}\n`))
  const byKey = await server(`${alg}-key`, 'the signing api', key(`${alg}-own.json`, own))
  const byOther = await server(`${alg}-other`, 'the api', secret('other', `${API_SECRET}x\n`))
  const byOtherKey = await server(`${alg}-other-key`, 'the signing api', key(`${alg}-another.json`, another))
  const uninvited = await server(`${alg}-uninvited`, 'not let in', secret('uninvited', `${API_SECRET}\n`))

  const pair = await keyPair(await freshJwk(alg))
  const tokenFor = (resource, of = provider) => tokenOf(of, pair, 'files:read', resource)
  const asked = async (resource, token) => {
    const answer = await call(token, pair, `${resource}/files/a`).catch((error) => error.response ?? Promise.reject(error))
    return verdict(answer)
  }
  const [first, second] = [await tokenFor(bySecret), await tokenFor(byKey)]
  await check(peer, 'a token, asked about with a secret', 'accepted', () => asked(bySecret, first))
  await check(peer, 'a token, asked about with an assertion', 'accepted', () => asked(byKey, second))
  await check(peer, 'another token, asked about with another assertion', 'accepted', async () => asked(byKey, await tokenFor(byKey)))
  await Promise.all([revoke(provider, first), revoke(provider, second)])
  return async () => {
    await check(peer, 'revoked, asked about with a secret', 'token_revoked', () => asked(bySecret, first))
    await check(peer, 'revoked, asked about with an assertion', 'token_revoked', () => asked(byKey, second))
    await check(peer, 'revoked before it was ever shown', 'token_revoked', async () => {
      const token = await tokenFor(byKey)
      await revoke(provider, token)
      return asked(byKey, token)
    })
    await check(peer, 'a client that may not know', 'token_revoked', async () => asked(uninvited, await tokenFor(uninvited)))
    await check(peer, 'another secret', 'status_unknown', async () => asked(byOther, await tokenFor(byOther)))
    await check(peer, 'another key', 'status_unknown', async () => asked(byOtherKey, await tokenFor(byOtherKey)))
    const foreign = await startProvider(stranger, alg)
    await check(peer, 'of an issuer nobody trusts', 'issuer_not_trusted', async () => asked(byKey, await tokenFor(byKey, foreign)))
  }
}

const later = []
for (const alg of ['EdDSA', 'ES256']) later.push(await casesOf(alg))
await new Promise((resolve) => setTimeout(resolve, ANSWERS_COUNT_MS))
for (const cases of later) await cases()
finish()

// oidc-provider, unmodified, as an issuer that never heard of handfast, and oauth4webapi as its client.
import * as oauth from 'oauth4webapi'
import Provider from 'oidc-provider'
import { freshJwk } from './proofs.mjs'
import { listen } from './site.mjs'

const SECRET = 'a-secret-that-is-long-enough-for-anybody'
// what the trust record lets this issuer say, and what it does not
const SCOPES = 'files:read files:list files:write'
const insecure = { [oauth.allowInsecureRequests]: true }

/**
 * A provider at `origin` whose tokens are signed under the name `alg`. `more` may add clients, features and formats, and `prepare`
 * is given the provider before it listens.
 */
export async function startProvider(origin, alg, more = {}) {
  const client = (client_id, bound) => ({
    client_id,
    client_secret: SECRET,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    scope: SCOPES,
    dpop_bound_access_tokens: bound,
  })
  const state = { lifetime: 120 }
  const provider = new Provider(origin, {
    jwks: { keys: [{ ...(await freshJwk(alg)), use: 'sig' }] },
    clients: [client('a-client', true), client('a-bearer', false), ...(more.clients ?? [])],
    scopes: SCOPES.split(' '),
    clientDefaults: { id_token_signed_response_alg: alg },
    formats: more.formats,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, audience) => ({
          audience,
          scope: SCOPES,
          accessTokenTTL: state.lifetime,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg } },
        }),
      },
      ...more.features,
    },
  })
  more.prepare?.(provider)
  await listen(origin, provider.callback())
  const metadata = await oauth.discoveryRequest(new URL(origin), { algorithm: 'oauth2', ...insecure })
  return { state, server: await oauth.processDiscoveryResponse(new URL(origin), metadata) }
}

/** A token of the provider for `resource`, bound to `pair` if there is one. */
export async function tokenOf({ server }, pair, scope, resource) {
  const client = { client_id: pair ? 'a-client' : 'a-bearer' }
  const DPoP = pair && oauth.DPoP(client, pair)
  const ask = async () => {
    const parameters = new URLSearchParams({ scope, resource })
    const response = await oauth.clientCredentialsGrantRequest(server, client, oauth.ClientSecretBasic(SECRET), parameters, { DPoP, ...insecure })
    return oauth.processClientCredentialsResponse(server, client, response)
  }
  const answer = await ask().catch((error) => (oauth.isDPoPNonceError(error) ? ask() : Promise.reject(error)))
  return answer.access_token
}

/** Ends a token of `a-client` (RFC 7009). */
export async function revoke({ server }, token) {
  const client = { client_id: 'a-client' }
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, oauth.ClientSecretBasic(SECRET), token, insecure))
}

/** What the API says to oauth4webapi with this token. */
export async function call(token, pair, url) {
  const DPoP = oauth.DPoP({ client_id: 'a-client' }, pair)
  const ask = () => oauth.protectedResourceRequest(token, 'GET', new URL(url), undefined, null, { DPoP, ...insecure })
  return ask().catch((error) => (oauth.isDPoPNonceError(error) ? ask() : Promise.reject(error)))
}

// oauth4webapi, unmodified: discovery, token with nonce challenge, signed calls, and refusals.
import * as oauth from 'oauth4webapi'
import { check, finish, keyPair, startDev } from './lib.mjs'

const dev = await startDev(process.argv[2])
// `dev` is on loopback, where it speaks plain http
const insecure = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(dev.issuer)
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
)

const byName = Object.fromEntries(dev.credentials.map((credential) => [credential.name, credential]))

/** Asks for a token as the client would, repeating once when told to use a nonce; gives the token response. */
async function requestToken(credential, pair, parameters, seen = {}, authentication = oauth.None()) {
  const client = { client_id: credential.client_id }
  const DPoP = oauth.DPoP(client, pair)
  const send = async () => {
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, { DPoP, ...insecure })
    return oauth.processClientCredentialsResponse(server, client, response)
  }
  try {
    return await send()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    seen.nonce = true
    return send()
  }
}

/** Calls the API with a token; gives the answer, or the reason it was refused for. */
async function call(credential, pair, token, url, method = 'GET') {
  const DPoP = oauth.DPoP({ client_id: credential.client_id }, pair)
  const send = () => oauth.protectedResourceRequest(token, method, new URL(url), undefined, null, { DPoP, ...insecure })
  const judge = async (error) => {
    if (error instanceof oauth.WWWAuthenticateChallengeError) return (await error.response.json()).reason
    throw error
  }
  let response
  try {
    response = await send()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) return judge(error)
    try {
      response = await send()
    } catch (second) {
      return judge(second)
    }
  }
  if (response.status === 200) return 'accepted'
  return (await response.json()).reason
}

/** The error code of a refused token request. */
function errorOf(error) {
  if (error instanceof oauth.ResponseBodyError) return error.error
  if (error instanceof oauth.WWWAuthenticateChallengeError) return error.cause?.[0]?.parameters?.error
  return error
}

const parameters = (scope) => new URLSearchParams({ scope, resource: dev.audience })

for (const name of ['A', 'C']) {
  const credential = byName[name]
  const pair = await keyPair(credential.key)
  const peer = { peer: 'oauth4webapi', as: 'client', alg: credential.key.kty === 'EC' ? 'ES256' : 'Ed25519' }
  const seen = {}
  let token
  await check(peer, 'token, nonce challenge included', 'accepted', async () => {
    const response = await requestToken(credential, pair, parameters('echo:read'), seen)
    if (response.token_type !== 'dpop') return `token_type ${response.token_type}`
    token = response.access_token
    return seen.nonce ? 'accepted' : 'no nonce was asked for'
  })
  await check(peer, 'GET', 'accepted', () => call(credential, pair, token, dev.resource.url))
  await check(peer, 'POST', 'accepted', () => call(credential, pair, token, dev.resource.url, 'POST'))
  await check(peer, 'ready-made token', 'accepted', () =>
    call(credential, pair, credential.access_token, dev.resource.url))
  await check(peer, 'the resource names its issuer (RFC 9728)', 'accepted', async () => {
    const resource = new URL(dev.audience)
    const found = await oauth.processResourceDiscoveryResponse(resource, await oauth.resourceDiscoveryRequest(resource, insecure))
    return found.authorization_servers.includes(dev.issuer) && found.dpop_bound_access_tokens_required ? 'accepted' : found
  })
  await check(peer, 'token, authenticated with private_key_jwt', 'accepted', async () => {
    const response = await requestToken(credential, pair, parameters('echo:read'), {}, oauth.PrivateKeyJwt(pair.privateKey))
    return response.token_type === 'dpop' ? 'accepted' : `token_type ${response.token_type}`
  })
  await check(peer, 'private_key_jwt by another key', 'invalid_client', async () => {
    const { privateKey } = await crypto.subtle.generateKey(pair.privateKey.algorithm, false, ['sign', 'verify'])
    return requestToken(credential, pair, parameters('echo:read'), {}, oauth.PrivateKeyJwt(privateKey)).then(
      () => 'accepted',
      errorOf,
    )
  })
  await check(peer, 'scope too small', 'insufficient_scope', () =>
    call(credential, pair, token, dev.public_origin + dev.resource.other_path))
  await check(peer, 'token of another agent', 'holder_mismatch', () =>
    call(credential, pair, byName.B.access_token, dev.resource.url))
  await check(peer, 'broken token', 'token_signature_invalid', () => {
    const [header, payload, signature] = token.split('.')
    const turned = (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)
    return call(credential, pair, `${header}.${payload}.${turned}`, dev.resource.url)
  })
  await check(peer, 'more scope than the ceiling', 'invalid_scope', async () => {
    try {
      await requestToken(credential, pair, parameters('echo:read other:read'))
      return 'accepted'
    } catch (error) {
      return error instanceof oauth.ResponseBodyError ? error.error : error
    }
  })
  await check(peer, "another client's name", 'invalid_client', async () => {
    try {
      await requestToken(byName.B, pair, parameters('echo:read'))
      return 'accepted'
    } catch (error) {
      return errorOf(error)
    }
  })
}

finish()

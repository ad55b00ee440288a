// oauth4webapi, unmodified, drives the exchange of a delegation; and as a resource server that knows RFC 9068 and RFC 9449
// only, it accepts what comes of it.
import * as oauth from 'oauth4webapi'
import { chainHash, claimsOf, didOf, freshKey, hop } from './delegation.mjs'
import { check, finish, keyPair, startDev } from './lib.mjs'

const PEER = { peer: 'oauth4webapi', as: 'client that exchanges', alg: 'Ed25519' }
const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'
// the one resource of `dev` that applies neither tools nor budgets
const ELSEWHERE = 'https://elsewhere.example/'
const dev = await startDev(process.argv[2])
const insecure = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(dev.issuer)
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
)
const [orchestrator, stranger] = ['A', 'B'].map((name) => dev.credentials.find((one) => one.name === name))
const orchestratorPair = await keyPair(orchestrator.key)
const worker = await freshKey()
const root = orchestrator.access_token

/** Exchanges as the client would; gives the token response, or the error and reason of the refusal. */
const exchange = (key, pair, parameters) =>
  askForToken(key, pair, GRANT, { subject_token: root, subject_token_type: ACCESS_TOKEN, ...parameters })

/** The same for any grant. */
async function askForToken(key, pair, grant, parameters) {
  const client = { client_id: didOf(key) }
  const DPoP = oauth.DPoP(client, pair)
  const form = new URLSearchParams(parameters)
  const send = async () => {
    const response = await oauth.genericTokenEndpointRequest(server, client, oauth.None(), grant, form, { DPoP, ...insecure })
    return oauth.processGenericTokenEndpointResponse(server, client, response)
  }
  try {
    return await send()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) return refusal(error)
    try {
      return await send()
    } catch (second) {
      return refusal(second)
    }
  }
}

function refusal(error) {
  if (error instanceof oauth.ResponseBodyError) return { refused: `${error.error} ${error.cause.reason}` }
  if (error instanceof oauth.WWWAuthenticateChallengeError) return { refused: `challenge ${error.status}` }
  throw error
}

/** What the server of RFC 9449 says to a request with `token`; it has never heard of delegation. */
async function plainServer(token, pair, clientId, scope = 'echo:read') {
  const url = new URL(`${dev.public_origin}/echo`)
  let sent
  const DPoP = oauth.DPoP({ client_id: clientId }, pair)
  await oauth.protectedResourceRequest(token, 'GET', url, undefined, null, {
    DPoP,
    ...insecure,
    [oauth.customFetch]: async (at, options) => {
      sent = new Request(at, { method: options.method, headers: options.headers })
      return new Response('', { status: 200 })
    },
  })
  const claims = await oauth.validateJwtAccessToken(server, sent, dev.audience, { requireDPoP: true, ...insecure })
  return claims.scope.split(' ').includes(scope) ? claims : 'scope'
}

const good = await hop(root, orchestrator.key, orchestratorPair, worker.jwk, { inst: true })
const actor = (token) => ({ actor_token: token, actor_token_type: JWT })
let exchanged

await check(PEER, 'a hop becomes a token of its delegate', 'accepted', async () => {
  const answer = await exchange(worker.jwk, worker.pair, { ...actor(good), scope: 'echo:read', resource: dev.audience })
  if (answer.refused) return answer.refused
  exchanged = answer.access_token
  const { act, client_id: client, del_depth: depth } = claimsOf(exchanged)
  const isNested = act.sub === client && act.act.sub === orchestrator.client_id && act.act.act === undefined
  if (answer.issued_token_type !== ACCESS_TOKEN || answer.token_type !== 'dpop') return 'another type of token'
  return isNested && depth === 1 && client === didOf(worker.jwk) ? 'accepted' : 'the claims are others'
})
await check(PEER, 'it is accepted where only RFC 9449 is known', 'accepted', async () => {
  const claims = await plainServer(exchanged, worker.pair, didOf(worker.jwk))
  return claims.sub === claimsOf(root).sub ? 'accepted' : 'another subject'
})
await check(PEER, 'a root becomes a narrower root of its holder', 'accepted', async () => {
  const answer = await exchange(orchestrator.key, orchestratorPair, { scope: 'echo:read' })
  return answer.refused ?? (claimsOf(answer.access_token).jti === claimsOf(root).jti ? 'the same token' : 'accepted')
})

const refused = async (name, expected, changes, { key = worker, delegator = orchestrator, more = {} } = {}) => {
  const pair = delegator === orchestrator ? orchestratorPair : await keyPair(delegator.key)
  const wrong = await hop(root, delegator.key, pair, worker.jwk, { inst: true, ...changes })
  await check(PEER, name, expected, async () => (await exchange(key.jwk, key.pair, { ...actor(wrong), ...more })).refused)
}
await refused('more scope than the parent', 'invalid_scope scope_widened', { scope: 'echo:read other:read' })
await refused('more scope than the hop', 'invalid_scope invalid_scope', {}, { more: { scope: 'echo:read echo:hello' } })
await refused('another resource', 'invalid_target resource_widened', { resource: [dev.audience, 'https://x.example/'] })
await refused('a later end', 'invalid_request expiry_widened', { exp: claimsOf(root).exp + 1 })
await refused('another task', 'invalid_request task_altered', { task: 'task_0123456789abcdefghjkmnpqrs' })
await refused('another parent', 'invalid_request parent_hash_mismatch', { par_hash: chainHash(['x']) })
await refused('a delegator that is not the holder', 'invalid_request hop_signature_invalid', {}, { delegator: stranger })
await refused('a client that is not the delegate', 'invalid_request holder_mismatch', {}, { key: await freshKey() })
await refused('no instance, and unknown here', 'invalid_client invalid_client', { inst: undefined })
await refused('an act of the client', 'invalid_request invalid_request', {}, { more: { act: '{"sub":"x"}' } })
// what a server of RFC 9449 would ignore never reaches one
await check(PEER, 'constraints that the resource does not apply', 'invalid_target invalid_target', async () => {
  const wanted = { scope: 'echo:read', resource: ELSEWHERE }
  const { access_token: plain } = await askForToken(orchestrator.key, orchestratorPair, 'client_credentials', wanted)
  const bounded = await hop(plain, orchestrator.key, orchestratorPair, worker.jwk, { inst: true, budget: { max_uses: 1 } })
  return (await exchange(worker.jwk, worker.pair, { ...actor(bounded), subject_token: plain })).refused
})

finish()

// What a foreign resource server has to accept of handfast's agents and tokens, and what it has to refuse.
import { check } from './lib.mjs'
import { freshJwk, proofByHand, send, withClockOff } from './proofs.mjs'
import { freeOrigin, startSite } from './site.mjs'

const SCOPE = 'files:read'
const ELSEWHERE = 'https://elsewhere.example/'

/**
 * The cases of one server, made of a package (`{ peer, version? }`). `listen(issuer, origin)` starts it there for tokens of `issuer`; it serves `GET /files` and
 * `GET /other` to whoever has the scope `files:read`, and answers with the fields of the request, or with `error`, in JSON. Of
 * what it gives, `offer(alg)` is called before the cases of an algorithm, `nonce` is what it wants in proofs, and `later(seconds,
 * action)` runs `action` as seen by a server whose clock is ahead. `expected` names what it answers, by case, where that is its own
 * choice.
 */
export async function resourceCases(package_, algorithms, binary, listen, expected) {
  const origin = await freeOrigin()
  const site = await startSite(binary, { [origin]: `${SCOPE} files:write`, [ELSEWHERE]: SCOPE })
  const server = await listen(site.issuer, origin)
  for (const alg of algorithms) await casesOf({ ...package_, as: 'resource server', alg }, site, origin, server, expected)
}

async function casesOf(peer, site, origin, server, expected) {
  const { alg } = peer
  const url = `${origin}/files`
  const agent = await site.agent(`agent-${alg.toLowerCase()}`, alg)
  const said = (name) => expected[name] ?? 'invalid_dpop_proof'
  server.offer?.(alg)

  let seen
  await check(peer, 'handfast curl', 'accepted', async () => {
    const answer = await site.curl(agent, url, '--scope', SCOPE)
    if (answer.status !== 200) return `${answer.status} ${answer.body}`
    seen = JSON.parse(answer.body)
    const { alg: used } = JSON.parse(Buffer.from(seen.dpop.split('.')[0], 'base64url'))
    return used === alg ? 'accepted' : `a proof by ${used}`
  })
  await check(peer, 'handfast curl with too little scope', 'insufficient_scope', async () => {
    const answer = await site.curl(agent, url, '--scope', 'files:write')
    return answer.status === 403 ? JSON.parse(answer.body).error : `${answer.status}`
  })
  const token = seen.authorization.split(' ')[1]
  const outcome = async (response) => (response.status === 200 ? 'accepted' : (await response.json()).error)
  const call = async (proof, { at = url, ...more } = {}) =>
    outcome(await send('GET', at, { authorization: `DPoP ${token}`, dpop: proof, ...more }))
  const right = { key: agent.jwk, alg, method: 'GET', url, token, nonce: server.nonce }
  const refused = (name, changes, claims) =>
    check(peer, name, said(name), async () => call(await proofByHand({ ...right, ...changes }, claims)))

  await check(peer, 'a proof by hand', 'accepted', async () => call(await proofByHand(right)))
  await check(peer, 'replay', said('replay'), () => call(seen.dpop))
  await check(peer, 'wrong htu', said('wrong htu'), async () => call(await proofByHand(right), { at: `${origin}/other` }))
  await refused('wrong htm', { method: 'POST' })
  await refused('no ath', { token: undefined })
  await refused('ath of another token', { token: `${token}x` })
  await refused('wrong key', { key: await freshJwk(alg) })
  await refused('an hour old', {}, { iat: Math.floor(Date.now() / 1000) - 3600 })
  await check(peer, 'expired', 'invalid_token', () => (server.later ?? withClockOff)(3600, async () => call(await proofByHand(right))))
  await check(peer, 'under Bearer', said('under Bearer'), async () =>
    call(await proofByHand(right), { authorization: `Bearer ${token}` }))
  await check(peer, 'a broken token', 'invalid_token', async () => {
    const [header, payload, signature] = token.split('.')
    const broken = `${header}.${payload}.${(signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)}`
    return call(await proofByHand({ ...right, token: broken }), { authorization: `DPoP ${broken}` })
  })
  await check(peer, 'a token for another resource', 'invalid_token', async () => {
    const { access_token: other } = await site.cli('token', '--key', agent.key, '--scope', SCOPE, '--resource', ELSEWHERE)
    return call(await proofByHand({ ...right, token: other }), { authorization: `DPoP ${other}` })
  })
}

// dpop, unmodified: what panva's module for making proofs makes, with plain `fetch` around it.
import * as dpop from 'dpop'
import { clientCases } from './client_cases.mjs'
import { finish, keyPair, startDev } from './lib.mjs'

const dev = await startDev(process.argv[2])
const [a, , c] = dev.credentials

const prove = async ({ key, method, url, token, nonce }) =>
  dpop.generateProof(await keyPair(key), url.split('?')[0], method, nonce, token)

// it knows Ed25519 by this name only
await clientCases({ peer: 'dpop', as: 'client', alg: 'Ed25519' }, dev, a, prove)
await clientCases({ peer: 'dpop', as: 'client', alg: 'ES256' }, dev, c, prove)
finish()

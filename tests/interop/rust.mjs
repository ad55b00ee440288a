// A resource server from the Rust packages of others (tests/oracles/server), for our tokens and proofs.
import { readFileSync } from 'node:fs'
import { finish } from './lib.mjs'
import { resourceCases } from './resource_cases.mjs'
import { startProgram } from './site.mjs'

const [binary, server] = process.argv.slice(2)

const manifest = readFileSync(new URL('../oracles/server/Cargo.toml', import.meta.url), 'utf8')
const pinned = (name) => manifest.match(new RegExp(`^${name} = .*"=([^"]*)"`, 'm'))[1]
const version = `${pinned('dpop-verifier')} through jsonwebtoken ${pinned('jsonwebtoken')}`

async function listen(issuer, origin) {
  const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()
  const keys = await (await fetch(metadata.jwks_uri)).text()
  await startProgram(server, [issuer, origin, keys])
  const ahead = (seconds) => fetch(`${origin}/ahead/${seconds}`, { method: 'POST' })
  const later = async (seconds, action) => {
    await ahead(seconds)
    return action().finally(() => ahead(0))
  }
  return { later }
}

// it knows Ed25519 by the older name only
await resourceCases({ peer: 'dpop-verifier', version }, ['EdDSA', 'ES256'], binary, listen, { 'wrong key': 'invalid_token', 'under Bearer': 'invalid_token' })
finish()

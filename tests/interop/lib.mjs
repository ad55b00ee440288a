// What the peers share: a running `handfast dev`, its credentials, and a tally that fails loudly.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Starts `handfast dev --json` and gives its first line; the process ends with this one. */
export async function startDev(binary) {
  const child = spawn(binary, ['dev', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  process.on('exit', () => child.kill('SIGTERM'))
  const lines = createInterface({ input: child.stdout })
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`handfast dev ended with code ${code}`)))
    lines.once('line', (line) => resolve(JSON.parse(line)))
  })
}

/** A credential's private JWK as a WebCrypto key pair. */
export async function keyPair(jwk) {
  const algorithm = jwk.kty === 'EC' ? { name: 'ECDSA', namedCurve: jwk.crv } : { name: jwk.crv }
  const { d, ...publicJwk } = jwk
  const privateKey = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign'])
  const publicKey = await crypto.subtle.importKey('jwk', publicJwk, algorithm, true, ['verify'])
  return { privateKey, publicKey }
}

const rows = []

/** Runs one case; `expected` is 'accepted' or the reason of the refusal. */
export async function check(peer, name, expected, run) {
  let outcome
  try {
    outcome = await run()
  } catch (error) {
    outcome = `threw ${error?.stack ?? error}`
  }
  rows.push({ peer, name, expected, outcome, ok: outcome === expected })
}

/** Prints the tally; one wrong row fails the suite. */
export function finish() {
  for (const { peer, name, expected, outcome, ok } of rows) {
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${peer}: ${name}: ${ok ? expected : `expected ${expected}, got ${outcome}`}`)
  }
  const failed = rows.filter((row) => !row.ok).length
  console.log(`${rows.length - failed} passed, ${failed} failed`)
  process.exit(failed === 0 && rows.length > 0 ? 0 : 1)
}

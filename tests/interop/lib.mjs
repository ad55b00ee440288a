// What the peers share: a running `handfast dev`, its credentials, and a tally that fails loudly.
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
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

/**
 * Runs one case; `expected` is 'accepted' or the reason of the refusal. `peer` is `{ peer, as, alg }`: the package, the part it
 * plays, and the algorithm it plays it with; of what is not installed here, the `version` too.
 */
export async function check(peer, name, expected, run) {
  let outcome
  try {
    outcome = await run()
  } catch (error) {
    outcome = `threw ${error?.stack ?? error}`
  }
  rows.push({ ...peer, name, expected, outcome, ok: outcome === expected })
}

/** Prints the tally, and notes it for the matrix (matrix.mjs) where it was asked for; one wrong row fails the suite. */
export function finish() {
  for (const { peer, as, alg, name, expected, outcome, ok } of rows) {
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${peer}, ${as}, ${alg}: ${name}: ${ok ? expected : `expected ${expected}, got ${outcome}`}`)
  }
  const failed = rows.filter((row) => !row.ok).length
  console.log(`${rows.length - failed} passed, ${failed} failed`)
  const notes = process.env.HANDFAST_INTEROP_ROWS
  if (notes) {
    const lines = rows.map((row) => JSON.stringify({ version: versionOf(row.peer), ...row }))
    appendFileSync(notes, lines.map((line) => `${line}\n`).join(''))
  }
  process.exit(failed === 0 && rows.length > 0 ? 0 : 1)
}

/** The version of a package that is installed here, if it is. */
function versionOf(name) {
  if (!existsSync(new URL(`./node_modules/${name}`, import.meta.url))) return undefined
  return JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version
}

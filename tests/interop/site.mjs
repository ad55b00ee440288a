// A registry of its own, set up by the command line like anybody's, with agents that may use one resource.
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

/** Listens at `origin`, of loopback. */
export function listen(origin, handler) {
  const server = createServer(handler)
  return new Promise((resolve) => server.listen(new URL(origin).port, '127.0.0.1', resolve))
}

/** An origin on loopback that nobody uses. */
export async function freeOrigin() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${server.address().port}`
  await new Promise((resolve) => server.close(resolve))
  return origin
}

/** Starts a program and gives its first line; it ends with this process. */
export function startProgram(program, parameters, options = {}) {
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'inherit'], ...options })
  process.on('exit', () => child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${program} ended with code ${code}`)))
    createInterface({ input: child.stdout }).once('line', resolve)
  })
}

/** A running registry that issues tokens for `resources`, a map of URL to scopes. */
export async function startSite(binary, resources) {
  const home = mkdtempSync(join(tmpdir(), 'handfast-interop-'))
  process.on('exit', () => rmSync(home, { recursive: true, force: true }))
  const options = { cwd: home, env: { ...process.env, RUST_LOG: 'error' } }
  const cli = async (...parameters) =>
    JSON.parse((await promisify(execFile)(binary, ['--json', ...parameters], options)).stdout)
  const issuer = await freeOrigin()
  const listen = new URL(issuer).host
  const known = Object.entries(resources).flatMap(([url, scopes]) => ['--resource', `${url}=${scopes}`])
  const made = await cli('registry', 'init', '--dir', 'registry', '--development', '--issuer', issuer, '--listen', listen, ...known)
  await startProgram(binary, ['--json', 'registry', 'serve', '--dir', 'registry'], options)
  await cli('owner', 'init', '--registry', issuer, '--enrol', made.admin_code)

  /** A claimed agent with all scopes; its key is of the kind that `alg` is for. */
  async function agent(name, alg) {
    const key = `${name}.json`
    await cli('agent', 'init', '--key', key, ...(alg === 'ES256' ? ['--p256'] : []))
    const told = await cli('agent', 'register', '--key', key, '--registry', issuer, '--name', name, '--purpose', 'interop')
    const at = Object.keys(resources).flatMap((url) => ['--resource', url])
    const scopes = [...new Set(Object.values(resources).flatMap((text) => text.split(' ')))].join(' ')
    const { id, user_code: code } = told.claim
    await cli('claim', id, '--code', code, '--confirm', told.fingerprint, '--scope', scopes, ...at)
    const { key: jwk, did } = JSON.parse(readFileSync(join(home, key)))
    return { did, jwk, key }
  }

  /** What `handfast curl` gets with this agent's key: `{ status, body }`, refusals included. */
  async function curl(agent, url, ...parameters) {
    try {
      return await cli('curl', url, '--key', agent.key, ...parameters)
    } catch (error) {
      if (error.stdout) return JSON.parse(error.stdout.split('\n')[0])
      throw error
    }
  }
  return { issuer, agent, curl, cli }
}

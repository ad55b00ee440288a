// The verdict matrix of spec/interop.md: `node matrix.mjs ROWS SECTION` prints what the run noted in ROWS, one line for each peer,
// part and algorithm, and fails unless the page says the same in that section. With `--write` the page is brought up to date.
import { readFileSync, writeFileSync } from 'node:fs'

const PAGE = new URL('../../spec/interop.md', import.meta.url)
const [notes, section, flag] = process.argv.slice(2)

const groups = new Map()
for (const line of readFileSync(notes, 'utf8').split('\n').filter(Boolean)) {
  const { peer, version, as, alg, expected, ok } = JSON.parse(line)
  if (!ok) throw new Error(`a row that is not as expected: ${line}`)
  const label = `| ${peer} ${version} | ${as} | ${alg} |`
  const group = groups.get(label) ?? { accepted: 0, refused: 0, reasons: new Set() }
  groups.set(label, group)
  if (expected === 'accepted') {
    group.accepted += 1
  } else {
    group.refused += 1
    group.reasons.add(`\`${expected}\``)
  }
}
const rows = [...groups].map(([label, { accepted, refused, reasons }]) => `${label} ${accepted} | ${refused}: ${[...reasons].sort().join(', ')} |`)
if (rows.length === 0) throw new Error('nothing was noted')
const oneSided = rows.filter((row) => / 0 \| | \| 0: /.test(row))
if (oneSided.length > 0) throw new Error(`accepting all or refusing all shows nothing:\n${oneSided.join('\n')}`)

const table = ['| peer | as | algorithm | accepted | refused |', '|---|---|---|---|---|', ...rows].join('\n')
console.log(table)
const page = readFileSync(PAGE, 'utf8')
const [begin, end] = [`<!-- matrix: ${section} -->\n`, '\n<!-- end -->']
const from = page.indexOf(begin) + begin.length
const to = page.indexOf(end, from)
if (from < begin.length || to < 0) throw new Error(`spec/interop.md has no section ${section}`)
if (flag === '--write') {
  writeFileSync(PAGE, page.slice(0, from) + table + page.slice(to))
} else if (page.slice(from, to) !== table) {
  console.error(`spec/interop.md says otherwise in section ${section}; \`node matrix.mjs ROWS ${section} --write\` brings it up to date`)
  process.exit(1)
}

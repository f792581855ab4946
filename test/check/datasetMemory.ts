import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runCli } from '#cli/runCli.ts';

// Checks a large file in a process of its own and holds its memory against the limit. `--mb N` sets the size.

const LIMIT_MB = 300;
const WORDS =
  'where is my parcel it has not come please send the money back to this card I bought shoes and they are too small'.split(
    ' ',
  );

const { values } = parseArgs({
  options: { mb: { type: 'string', default: '200' }, file: { type: 'string' } },
});

if (values.file !== undefined) await checkHere(values.file);
else measure(Number(values.mb));

/** The child's part: checks as the command does, and tells what it took. */
async function checkHere(path: string): Promise<void> {
  let out = '';
  await runCli(['--json', 'dataset', 'check', path], {
    env: {},
    openDatabase: () => {
      throw new Error('nothing is audited here');
    },
    write: (text) => {
      out += text;
    },
    writeError: (text) => void process.stderr.write(text),
  });
  const { maxRSS } = process.resourceUsage();
  const { examples } = JSON.parse(out).statistics;
  console.log(JSON.stringify({ examples, rssMb: Math.round(maxRSS / 1024) }));
}

function measure(megabytes: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'tunegate-memory-'));
  const path = join(folder, 'large.jsonl');
  writeExamples(path, megabytes * 1_000_000);
  const startedMs = performance.now();
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--file', path], {
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true });
  const { examples, rssMb } = JSON.parse(child.stdout);
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  console.log(`${megabytes} MB, ${examples} examples: ${rssMb} MB of memory at most, ${seconds} s`);
  if (rssMb > LIMIT_MB) process.exitCode = 1;
}

/** Different conversations of 5 to 120 words, in one order of words that never repeats for long. */
function writeExamples(path: string, bytes: number): void {
  const file = openSync(path, 'w');
  let random = 1;
  const next = (below: number): number => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((random / 2 ** 32) * below);
  };
  for (let written = 0; written < bytes; ) {
    const words = Array.from({ length: 5 + next(115) }, () => WORDS[next(WORDS.length)]);
    const messages = [
      { role: 'system', content: 'You answer with the intent.' },
      { role: 'user', content: words.join(' ') },
      { role: 'assistant', content: `intent ${next(15)}` },
    ];
    written += writeSync(file, `${JSON.stringify({ messages })}\n`);
  }
}

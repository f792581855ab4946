import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod/mini';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';
import { DEFAULT_DATA_DIR } from './options.ts';
import type { Running, StartEvents } from './start.ts';

const NAMES: Readonly<Record<string, string>> = {
  dynamodb: 'DynamoDB (dynoxide)',
  aws: 'SQS and S3 (fauxqs behind its guard)',
  sagemaker: 'SageMaker (llama.cpp)',
  dodo: 'Dodo Payments (stand-in)',
  host: 'API Gateway and Lambda',
};

const LogLine = z.object({
  level: z.string(),
  message: z.string(),
  service: z.optional(z.string()),
  route: z.optional(z.string()),
  status: z.optional(z.number()),
  durationMs: z.optional(z.number()),
});

/** What the terminal shows: each service as it starts, errors of functions, every request when asked for more. */
export function terminalEvents(verbose: boolean, onLost: (name: string) => void): StartEvents {
  return {
    onStarted: (name, url, tookMs) =>
      console.log(`  ${(NAMES[name] ?? name).padEnd(38)} ${url.padEnd(24)} ${Math.round(tookMs)} ms`),
    onLine: (name, line) => {
      const text = name === 'host' ? hostLine(line, verbose) : verbose ? line : undefined;
      if (text !== undefined) console.log(`${new Date().toTimeString().slice(0, 8)} ${text}`);
    },
    onLost,
  };
}

/** A function's log line in one readable line; undefined when it is not worth one. */
function hostLine(line: string, verbose: boolean): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return verbose ? line : undefined;
  }
  const parsed = LogLine.safeParse(value);
  if (!parsed.success) return undefined; // metrics
  const { level, message, service = 'host', route, status, durationMs } = parsed.data;
  const bad = level === 'ERROR' || level === 'CRITICAL' || level === 'WARN';
  if (!bad && !verbose) return undefined;
  const details = [route, status, durationMs === undefined ? undefined : `${durationMs} ms`];
  return [bad ? level : '', service, message, ...details]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}

/** Says that it runs, and what to try. */
export function announce({ connection }: Running, dataDir: string, tookMs: number): void {
  const { baseUrl, dodoUrl, tenants } = connection;
  const tries = tenants.flatMap(({ name, apiKey, model }) => {
    const demo = DEMO_TENANTS.find((tenant) => tenant.modelAlias === model);
    if (demo === undefined) return [];
    const messages = [
      { role: 'system', content: demo.systemPrompt },
      { role: 'user', content: demo.sampleQuestion },
    ];
    return [
      `  # ${name}`,
      `  curl -N ${baseUrl}/chat/completions -H 'authorization: Bearer ${apiKey}' -H 'content-type: application/json' \\`,
      `    -d '${JSON.stringify({ model, stream: true, messages })}'`,
    ];
  });
  console.log(`
Tunegate runs at ${baseUrl} (ready in ${(tookMs / 1_000).toFixed(1)} s). The keys are in ${dataDir}/connection.json

Ask two clients' models the same question:
${tries.join('\n')}

Then:
  curl ${baseUrl}/credits -H 'authorization: Bearer ${tenants[0]?.apiKey}'
  npx tunegate tenants list${dataDir === resolve(DEFAULT_DATA_DIR) ? '' : ` --data '${dataDir}'`}
  buy credits in a browser: ${baseUrl}/top-up (payments end at the stand-in, ${dodoUrl})

Ctrl-C ends it; its data stays in ${dataDir}.`);
}

/** Prints the resident memory of each process and of all together, where the system says it. */
export function announceMemory(processes: Readonly<Record<string, number>>): void {
  const all = Object.entries({ start: process.pid, ...processes }).map(
    ([name, pid]) => [name, residentMb(pid)] as const,
  );
  const total = all.reduce((sum, [, mb]) => sum + mb, 0);
  console.log(`memory: ${all.map(([name, mb]) => `${name} ${mb}`).join(', ')}; together ${total} MB`);
}

function residentMb(pid: number): number {
  try {
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Math.round(Number(kilobytes ?? 0) / 1024);
  } catch {
    return 0;
  }
}

import { readFileSync } from 'node:fs';
import { processesNaming, removeDataDir, startProduct } from '#test/builders/product.ts';

export type Start = { readonly firstMs: number; readonly againMs: number; readonly megabytes: number };

/** Starts the whole product on a new folder and on the same again; its memory is that of all its processes, each answered once. */
export async function measureStart(): Promise<Start> {
  const first = await startProduct();
  await first.end();
  const again = await startProduct({ dataDir: first.dataDir });
  for (const { apiKey, model } of again.connection.tenants) {
    const answer = await fetch(`${again.connection.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Where is my order?' }] }),
    });
    if (!answer.ok) throw new Error(`${model} answered ${answer.status}`);
  }
  const megabytes = processesNaming(again.dataDir).reduce((sum, pid) => sum + residentMb(pid), 0);
  await again.end();
  removeDataDir(first.dataDir);
  return { firstMs: first.readyMs, againMs: again.readyMs, megabytes };
}

const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;

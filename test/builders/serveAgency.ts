import { createServer } from 'node:http';
import type { Agency } from './agency.ts';

/** The agency's routes over real HTTP on a free port of 127.0.0.1, for clients such as the CLI. */
export async function serveAgency(agency: Agency) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const answer = await agency.call(request.method ?? 'GET', url.pathname, {
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      ),
      query: Object.fromEntries(url.searchParams),
      ...(chunks.length === 0 ? {} : { rawBody: Buffer.concat(chunks) }),
    });
    response.writeHead(answer.status, { 'x-request-id': 'req-test' });
    response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

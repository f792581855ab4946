import { expect, test, vi } from 'vitest';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { respond } from '#api/http.ts';
import { makeObservability } from '#io/observability.ts';
import { lambdaContext, proxyEvent } from '#test/builders/http.ts';

test('a request leaves one log line and one metric line, by route and status', async () => {
  const written: string[] = [];
  const spies = [
    vi.spyOn(console, 'info').mockImplementation((line) => void written.push(String(line))),
    vi.spyOn(console, 'log').mockImplementation((line) => void written.push(String(line))),
  ];
  try {
    vi.stubEnv('POWERTOOLS_DEV', 'true'); // writes through the console, where the test can see it,
    vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false'); // and would leave metrics out
    const handler = makeHttpHandler({ ...makeObservability('control'), dispatch: async () => respond(204) });
    await handler(proxyEvent('GET', '/healthz'), lambdaContext);
  } finally {
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
  const lines = written.map((line) => JSON.parse(line));
  expect(lines).toHaveLength(2);
  expect(lines).toContainEqual(
    expect.objectContaining({
      message: 'request',
      service: 'control',
      route: 'healthz',
      status: 204,
      requestId: 'req-test',
    }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({
      service: 'control',
      route: 'healthz',
      requests: 1,
      serverErrors: 0,
      clientErrors: 0,
    }),
  );
});

import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { listenOnLoopback, serveUntilTold } from '#local/shared/serviceMain.ts';
import { startUpstream } from './fauxqs.ts';
import { makeGuard } from './guard.ts';

// The local SQS and S3. The credentials that clients must sign with come by the SDK's own variables.
const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, data: { type: 'string' } },
});
if (values.data !== undefined) mkdirSync(values.data, { recursive: true });
const upstream = await startUpstream(values.data);
const guard = makeGuard(upstream.port, {
  accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? 'local',
  secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? 'local',
});
const url = await listenOnLoopback(guard, Number(values.port));
serveUntilTold(url, async () => {
  guard.close();
  guard.closeAllConnections();
  await upstream.stop();
});

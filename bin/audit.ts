import { parseArgs } from 'node:util';
import { runAudit } from '#cli/audit.ts';
import { DEFAULT_DATA_DIR } from '#cli/connection.ts';
import { openDatabase } from '#local/openDatabase.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: DEFAULT_DATA_DIR },
    json: { type: 'boolean', default: false },
  },
});

process.exitCode = await runAudit({
  target: { dataDir: values.data },
  json: values.json,
  openDatabase,
  write: console.log,
  warn: console.error,
});

#!/usr/bin/env node
import { runCli } from '#cli/runCli.ts';

// Whoever reads has enough, as `| head` does: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  process.exitCode = await runCli(process.argv.slice(2), {
    env: process.env,
    // Loaded when an audit wants it: it brings the local services.
    openDatabase: async (dataDir) => (await import('#local/openDatabase.ts')).openDatabase(dataDir),
    write: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    columns: () => (process.stderr.isTTY ? process.stderr.columns : undefined),
  });
} catch (error) {
  // A mistake of ours: one line for the person, the stack for who wants to report it.
  console.error(`tunegate: ${error instanceof Error ? error.message : String(error)}`);
  console.error('This should not happen. Run it again with DEBUG=1 to see where.');
  if (process.env['DEBUG'] !== undefined) console.error(error);
  process.exitCode = 70;
}

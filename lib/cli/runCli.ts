import { Command, CommanderError } from 'commander';
import { addAdapterCommands } from './adapterCommands.ts';
import { addAnalyticsCommand } from './analyticsCommand.ts';
import { addArchiveCommand } from './archiveCommand.ts';
import { type AuditTerminal, addAuditCommand } from './auditCommand.ts';
import { CliError, EXIT_CODES } from './cliError.ts';
import { DEFAULT_DATA_DIR } from './connection.ts';
import { addCreditCommands } from './creditCommands.ts';
import { addDatasetCommands } from './datasetCommands.ts';
import { addKeyCommands } from './keyCommands.ts';
import { addLimitCommands } from './limitCommands.ts';
import { addModelCommands } from './modelCommands.ts';
import { addNoticeCommands } from './noticeCommands.ts';
import { addOverviewCommands } from './overviewCommands.ts';
import { addPaymentCommands } from './paymentCommands.ts';
import { addPriceCommands } from './priceCommands.ts';
import { addReconcileCommand } from './reconcileCommand.ts';
import { addRolloutCommands } from './rolloutCommands.ts';
import { sessionOpener, type Terminal } from './session.ts';
import { addStatementCommands } from './statementCommands.ts';
import { addSubscriptionCommands } from './subscriptionCommands.ts';
import { addTenantCommands } from './tenantCommands.ts';
import { addTrainCommands, type TrainTerminal } from './trainCommands.ts';
import { addTrainingCostCommand } from './trainingCostCommand.ts';
import { addUsageCommands } from './usageCommands.ts';

/**
 * Runs a command line (without node and script) and resolves with the exit code: 0 done, 1 refused, 2 wrong usage,
 * 3 nothing answers. A bug throws.
 */
export async function runCli(
  args: readonly string[],
  terminal: Terminal & AuditTerminal & TrainTerminal,
): Promise<number> {
  let exitCode = 0;
  const program = makeProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_CODES.usage;
    if (isOfFile(error)) {
      terminal.writeError(`tunegate: ${error.message}\n`);
      return EXIT_CODES.usage;
    }
    if (!(error instanceof CliError)) throw error;
    terminal.writeError(`tunegate: ${error.message}\n`);
    if (error.hint !== undefined) terminal.writeError(`${error.hint}\n`);
    return error.exitCode;
  }
}

/** The disk's own word on a file that cannot be read or written: whoever named it knows what to do. */
const isOfFile = (error: unknown): error is Error =>
  error instanceof Error && 'syscall' in error && 'path' in error;

const EXIT_CODE_HELP = `
The connection comes from --url and --admin-key, else from TUNEGATE_URL and TUNEGATE_ADMIN_KEY, else from what
\`npm start\` wrote into the data directory.

Exit codes: 0 done, ${EXIT_CODES.refused} refused by the API, ${EXIT_CODES.usage} wrong usage, ${EXIT_CODES.unreachable} nothing answers.`;

function makeProgram(
  terminal: Terminal & AuditTerminal & TrainTerminal,
  exitWith: (code: number) => void,
): Command {
  const program = new Command('tunegate')
    .description('runs an agency’s book of clients: tenants, keys, models, credits')
    .option('--data <dir>', 'data directory of a product that runs on this machine', DEFAULT_DATA_DIR)
    .option('--url <url>', 'address of the API, ending with /v1')
    .option(
      '--admin-key <key>',
      'the admin key; better given as TUNEGATE_ADMIN_KEY, which other users cannot see',
    )
    .option('--json', 'print JSON, for programs')
    .addHelpText('after', EXIT_CODE_HELP)
    .showHelpAfterError('Add --help to see what this takes.')
    .configureOutput({ writeOut: terminal.write, writeErr: terminal.writeError })
    .exitOverride();
  const open = sessionOpener(terminal);
  addTenantCommands(program, open);
  addKeyCommands(program, open);
  addLimitCommands(program, open);
  addModelCommands(program, open);
  addAdapterCommands(program, open);
  addRolloutCommands(program, open);
  addCreditCommands(program, open);
  addPaymentCommands(program, open);
  addNoticeCommands(program, open);
  addAnalyticsCommand(program, open);
  addReconcileCommand(program, open, exitWith);
  addSubscriptionCommands(program, open);
  addUsageCommands(program, open);
  addTrainingCostCommand(program, open);
  addArchiveCommand(program, terminal.write);
  addPriceCommands(program, { open, write: terminal.write, exitWith });
  addStatementCommands(program, open, terminal, exitWith);
  addOverviewCommands(program, open);
  addDatasetCommands(program, terminal, exitWith);
  addTrainCommands(program, terminal, exitWith);
  addAuditCommand(program, terminal, exitWith);
  return program;
}

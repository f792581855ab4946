import type { Command } from 'commander';
import type { AuditOptions } from './audit.ts';

/** What an audit needs of the terminal, beyond what every command needs. */
export type AuditTerminal = Pick<AuditOptions, 'openDatabase'> & {
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
};

/** `tunegate audit`: reads the ledger itself rather than the API, so that it works on a stopped product too. */
export function addAuditCommand(
  program: Command,
  terminal: AuditTerminal,
  exitWith: (code: number) => void,
): void {
  program
    .command('audit')
    .description('check every invariant of the ledger, whether the product runs or not')
    .option('--ledger-table <name>', "the ledger's table on AWS, read with your AWS credentials")
    .action(async (_: object, command: Command) => {
      const options = command.optsWithGlobals<{
        readonly data: string;
        readonly json?: boolean;
        readonly ledgerTable?: string;
      }>();
      const { runAudit } = await import('./audit.ts'); // brings the AWS SDK, which no other command needs
      const { ledgerTable } = options;
      const code = await runAudit({
        target: ledgerTable === undefined ? { dataDir: options.data } : { ledgerTable },
        json: options.json === true,
        openDatabase: terminal.openDatabase,
        write: (line) => terminal.write(`${line}\n`),
        warn: (line) => terminal.writeError(`tunegate: ${line}\n`),
      });
      exitWith(code);
    });
}

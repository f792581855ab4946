/** How a command ends that does not succeed. Shells and scripts tell causes apart by it. */
export const EXIT_CODES = {
  /** The API refused, or an invariant does not hold. */
  refused: 1,
  /** The command line is wrong, or a setting is missing. */
  usage: 2,
  /** Nothing answers at the address. */
  unreachable: 3,
} as const;

/** Something to tell the person at the terminal: what happened, and what to do. Printed without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(cause: keyof typeof EXIT_CODES, message: string, hint?: string) {
    super(message);
    this.exitCode = EXIT_CODES[cause];
    this.hint = hint;
  }
}

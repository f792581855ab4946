export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a variable that a function cannot work without; a missing one is a mistake of the deployment, so it throws. */
export function requireVariable(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw new Error(`environment variable ${name} is not set`);
  return value;
}

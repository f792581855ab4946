import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { SeededTenant } from '#local/setup/seedTenants.ts';
import { writePrivate } from './writePrivate.ts';

const Connection = z.object({
  baseUrl: z.string(),
  adminKey: z.string(),
  webhookKey: z.string(),
  dodoUrl: z.string(),
  tenants: z.array(SeededTenant),
});

/** How to reach and use what runs; other programs read it. */
export type Connection = Readonly<z.infer<typeof Connection>>;

export const writeConnection = (file: string, connection: Connection): void =>
  writePrivate(file, `${JSON.stringify(connection, null, 2)}\n`);

/** The connection of an earlier start; undefined when there is none that can be read. */
export function readConnection(file: string): Connection | undefined {
  try {
    return Connection.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

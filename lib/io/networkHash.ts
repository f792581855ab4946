import { isIPv6 } from 'node:net';
import type { TenantId } from '#core/shared/ids.ts';
import { parsePeppers } from '#core/tenants/apiKey.ts';
import { nodeCrypto } from './crypto.ts';

/** 48 bits, in hexadecimal: enough to tell networks apart, too few to be sure of one. */
const DIGITS = 12;

/** Hashes the network of an address, another way for each tenant and day (see lib/core/watch). */
export const makeNetworkHash =
  (readPeppers: () => Promise<string>) =>
  async (address: string | undefined, tenantId: TenantId, nowMs: number): Promise<string | undefined> => {
    if (address === undefined) return undefined;
    const [pepper] = parsePeppers(await readPeppers());
    const day = new Date(nowMs).toISOString().slice(0, 10);
    const text = `network/${tenantId}/${day}/${networkOf(address)}`;
    return Buffer.from(nodeCrypto.hmacSha256(pepper, text)).toString('hex').slice(0, DIGITS);
  };

/** The /24 of an IPv4 address, the /48 of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  const plain = mapped?.[1] ?? address;
  if (!isIPv6(plain)) return plain.split('.').slice(0, 3).join('.');
  const [head = ''] = plain.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  return [0, 1, 2].map((n) => Number.parseInt(groups[n] ?? '0', 16).toString(16)).join(':');
}

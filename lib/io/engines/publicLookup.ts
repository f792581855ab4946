import { lookup } from 'node:dns';
import { BlockList, type LookupFunction } from 'node:net';

/** Addresses that lead to this machine, into the network around it, or to a cloud's own services. Source: RFC 6890. */
const INNER = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  INNER.addSubnet(network, bits, 'ipv4');
}
for (const [network, bits] of [
  ['::', 96],
  ['64:ff9b::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 9],
  ['ff00::', 8],
] as const) {
  INNER.addSubnet(network, bits, 'ipv6');
}

/** Whether an address is one of the internet. IPv6's spellings of IPv4 addresses count as those. */
export const isPublicAddress = (address: string): boolean =>
  !INNER.check(address, address.includes(':') ? 'ipv6' : 'ipv4');

/**
 * Looks a host's name up and answers its public addresses alone: whoever owns an engine's name could let it lead
 * inside, today or at any later call. Fails where there is none.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error !== null) return callback(error, []);
    const [first, ...others] = found.filter(({ address }) => isPublicAddress(address));
    if (first === undefined) return callback(new Error('the name leads to no public address'), []);
    if (options.all === true) callback(null, [first, ...others]);
    else callback(null, first.address, first.family);
  });
};

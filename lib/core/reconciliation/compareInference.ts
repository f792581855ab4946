import { endpointIn } from './awsResources.ts';
import type { BusyTime } from './busyTime.ts';
import type { Compared } from './compareAmounts.ts';
import { BILLED_WITHIN_MS, TOLERANCE_MICRO } from './compareCosts.ts';
import type { EndpointPrice } from './ports.ts';
import type { AwsCosts, Cause, Difference } from './types.ts';

export type InferenceBooks = {
  readonly day: string;
  /** Endpoints that are ours, the one that tenants share first: the names of the others begin with its name. */
  readonly endpoints: readonly EndpointPrice[];
  readonly busy: BusyTime;
  readonly costs: AwsCosts;
  readonly nowMs: number;
};

const HOURS_A_DAY = 24;
/** Three minutes: clocks of calls and of the bill differ, and calls are counted by whole seconds. */
const SAME_HOURS = 0.05;

type Bill = { readonly hours: number; readonly microUsd: number };

/**
 * Holds the hours in which calls were at work on our endpoints against the hours that AWS billed for them on a day:
 * bill = time with calls + idle time + what the price differs, each of them a line, to half a cent.
 */
export function compareInference({ day, endpoints, busy, costs, nowMs }: InferenceBooks): Compared {
  const billed = billsOf(costs, day);
  const isFresh = nowMs - Date.parse(`${day}T00:00:00Z`) < BILLED_WITHIN_MS;
  const differences: Difference[] = [];
  const note = (id: string, amounts: readonly [number | null, number | null], cause: Cause, why: string) => {
    const [leftMicro, rightMicro] = amounts;
    differences.push({ pair: 'inference_aws', id, tenantId: null, leftMicro, rightMicro, cause, note: why });
  };
  let [compared, leftMicro, rightMicro] = [0, 0, 0];
  for (const { name, microUsdPerHour, maxInstances } of endpoints) {
    const { hours: busyHours, calls } = busy.of(name);
    const bill = billed.get(name);
    billed.delete(name);
    if (bill === undefined && calls === 0) continue;
    const worth = (hours: number): number => Math.round(hours * microUsdPerHour);
    compared += 1;
    leftMicro += worth(busyHours);
    rightMicro += bill?.microUsd ?? 0;
    const ran = `calls were at work in ${hoursText(busyHours)}`;
    if (bill === undefined || busyHours > bill.hours + SAME_HOURS) {
      const amounts = [worth(busyHours), bill?.microUsd ?? null] as const;
      if (isFresh) note(name, amounts, 'not_billed_yet', 'AWS bills it within days');
      else note(name, amounts, 'unknown', `${ran}, and AWS billed ${hoursText(bill?.hours ?? 0)}`);
      continue;
    }
    if (bill.hours > maxInstances * HOURS_A_DAY + SAME_HOURS) {
      const most = `${hoursText(bill.hours)} billed, and ${maxInstances} instances can run at most`;
      note(name, [worth(busyHours), bill.microUsd], 'unknown', most);
      continue;
    }
    const idle = worth(bill.hours) - worth(busyHours);
    if (idle > TOLERANCE_MICRO) {
      const share = Math.round(100 * (1 - busyHours / bill.hours));
      const why = `${hoursText(bill.hours)} billed, ${ran}: ${share}% idle`;
      note(name, [worth(busyHours), worth(bill.hours)], 'idle_endpoint', why);
    }
    if (Math.abs(bill.microUsd - worth(bill.hours)) > TOLERANCE_MICRO) {
      const why = `${hoursText(bill.hours)} at another price, or a cost beside the hours`;
      note(name, [worth(bill.hours), bill.microUsd], 'price_differs', why);
    }
  }
  const [shared] = endpoints;
  for (const [name, { microUsd }] of billed) {
    // Other endpoints of the account are other products' or another deployment's.
    if (shared === undefined || !name.startsWith(`${shared.name}-`)) continue;
    compared += 1;
    rightMicro += microUsd;
    note(name, [null, microUsd], 'unknown', 'it is named as ours, and no deployment of it is known');
  }
  return { differences, totals: { pair: 'inference_aws', compared, leftMicro, rightMicro } };
}

function billsOf(costs: AwsCosts, day: string): Map<string, Bill> {
  const bills = new Map<string, Bill>();
  for (const line of costs.lines) {
    const name = endpointIn(line.resource);
    if (name === undefined || line.day !== day) continue;
    const { hours, microUsd } = bills.get(name) ?? { hours: 0, microUsd: 0 };
    bills.set(name, { hours: hours + line.hours, microUsd: microUsd + line.microUsd });
  }
  return bills;
}

const hoursText = (hours: number): string => `${Number(hours.toFixed(3))} h`;

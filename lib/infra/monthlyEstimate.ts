import type { Environment, InferenceSettings } from './environments.ts';

const HOURS_A_MONTH = 730;

/** What the endpoints' instances cost in a month, from nothing (asleep) to the most that scaling may start. In USD. */
export function monthlyEstimate({ name, inference, dedicatedEndpoints }: Environment): string {
  const dedicated = Object.entries(dedicatedEndpoints).map(([id, own]) =>
    estimate(`${name}-${id}`, { ...inference, ...own }),
  );
  return `${[estimate(name, inference), ...dedicated].join('\n')}\nThe rest is paid by use: see docs/deploy.md.`;
}

function estimate(name: string, inference: InferenceSettings): string {
  const oneInstance = inference.instanceUsdPerHour * HOURS_A_MONTH;
  const usd = (amount: number) => `$${Math.round(amount).toLocaleString('en-US')}`;
  return (
    `${name}: ${inference.instanceType} at about $${inference.instanceUsdPerHour}/h: ` +
    `$0 a month asleep, ${usd(oneInstance)} with one instance always awake, ` +
    `${usd(oneInstance * inference.maxInstances)} at most (${inference.maxInstances}).`
  );
}

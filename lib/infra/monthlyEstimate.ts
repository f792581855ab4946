import type { Environment, InferenceSettings } from './environments.ts';

const HOURS_A_MONTH = 730;

/** What the endpoints' instances cost in a month, from the least to the most that scaling may start. In USD. */
export function monthlyEstimate({ name, inference, dedicatedEndpoints }: Environment): string {
  const dedicated = Object.entries(dedicatedEndpoints).map(([id, own]) =>
    estimate(`${name}-${id}`, { ...inference, ...own }),
  );
  return `${[estimate(name, inference), ...dedicated].join('\n')}\nThe rest is paid by use: see docs/deploy.md.`;
}

function estimate(name: string, inference: InferenceSettings): string {
  const oneInstance = inference.instanceUsdPerHour * HOURS_A_MONTH;
  const usd = (instances: number) => `$${Math.round(oneInstance * instances).toLocaleString('en-US')}`;
  const { instanceType, instanceUsdPerHour, minCopies, maxInstances } = inference;
  const least =
    minCopies === 0
      ? `$0 a month asleep, ${usd(1)} with one instance always awake`
      : `never asleep, at least ${usd(minCopies)} a month`;
  return `${name}: ${instanceType} at about $${instanceUsdPerHour}/h: ${least}, ${usd(maxInstances)} at most (${maxInstances}).`;
}

import { expect, test } from 'vitest';
import { relocate } from '#core/routing/relocate.ts';
import type { ModelVersion } from '#core/routing/types.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import { aModel } from '#test/builders/tenants.ts';

const id = (name: string) => `adp_${name}` as AdapterId;
const version = (name: string, more: Partial<ModelVersion> = {}): ModelVersion => ({
  baseModel: 'tunegate-nano',
  adapterId: id(name),
  inferenceComponentName: `adp-${name}`,
  ...more,
});
const MOVE = { adapterId: id('one'), from: null, to: 'acme' } as const;
const there = { inferenceComponentName: 'adp-one-acme', engine: { kind: 'sagemaker', endpoint: 'acme' } };

test('every version of the adapter goes along, and no other', () => {
  const rollout = {
    revision: 4,
    canary: { version: version('one'), percent: 5 },
    shadow: { version: version('two'), percent: 7 },
    former: [version('one'), version('three')],
  };
  const moved = relocate(aModel({ ...version('two'), rollout }), MOVE);
  expect(moved).toMatchObject(version('two'));
  expect(moved.rollout).toEqual({
    revision: 5,
    canary: { version: { ...version('one'), ...there }, percent: 5 },
    shadow: rollout.shadow,
    former: [{ ...version('one'), ...there }, version('three')],
  });
  expect(relocate(relocate(aModel(version('one')), MOVE), { ...MOVE, from: 'acme', to: null })).toMatchObject(
    version('one'),
  );
});

test.each<readonly [string, Partial<ModelVersion>]>([
  ['another adapter', version('two')],
  ['a component named by hand', version('one', { inferenceComponentName: 'by-hand' })],
  ['another endpoint', version('one', { engine: { kind: 'sagemaker', endpoint: 'other' } })],
  ['a server of its own', version('one', { engine: { kind: 'openai', url: 'https://gpu.example.com/v1' } })],
])('%s stays where it is', (_, stable) => {
  const model = aModel(stable);
  expect(relocate(model, MOVE)).toBe(model);
});

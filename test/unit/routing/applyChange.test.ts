import { describe, expect, test } from 'vitest';
import { applyChange, MAX_FORMER, type RolloutChange } from '#core/routing/applyChange.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { aModel } from '#test/builders/tenants.ts';

const adapter = (name: string) => ({ adapterId: `adp_${name}` as AdapterId });
const start = aModel({ ...adapter('one'), inferenceComponentName: 'adp-one' });

/** Applies changes one after the other; each must be allowed. */
const after = (...changes: readonly RolloutChange[]): ModelRoute =>
  changes.reduce((model, change) => {
    const changed = applyChange(model, change);
    if (!changed.ok) throw new Error(changed.error.code);
    return changed.value;
  }, start);
const shape = (model: ModelRoute) => ({
  stable: model.adapterId,
  component: model.inferenceComponentName,
  canary: model.rollout?.canary && [model.rollout.canary.version.adapterId, model.rollout.canary.percent],
  shadow: model.rollout?.shadow && [model.rollout.shadow.version.adapterId, model.rollout.shadow.percent],
  former: model.rollout?.former.map((version) => version.adapterId),
  revision: model.rollout?.revision,
});

const promote = (name?: string): RolloutChange => ({
  action: 'promote',
  ...(name === undefined ? {} : { version: adapter(name) }),
});
const share =
  (action: 'canary' | 'shadow') =>
  (percent: number, name?: string): RolloutChange => ({
    action,
    percent,
    ...(name === undefined ? {} : { version: adapter(name) }),
  });
const canary = share('canary');
const shadow = share('shadow');
const rollback: RolloutChange = { action: 'rollback' };

test('a promotion answers all calls and keeps the version before', () => {
  expect(shape(after(promote('two')))).toEqual({
    stable: 'adp_two',
    component: 'adp-two',
    canary: undefined,
    shadow: undefined,
    former: ['adp_one'],
    revision: 1,
  });
});

test('a canary grows, is promoted, and is gone then', () => {
  expect(shape(after(canary(5, 'two'), canary(50)))).toMatchObject({
    stable: 'adp_one',
    canary: ['adp_two', 50],
    revision: 2,
  });
  expect(shape(after(canary(5, 'two'), promote()))).toMatchObject({
    stable: 'adp_two',
    canary: undefined,
    former: ['adp_one'],
  });
});

test('a rollback ends the canary first, and goes back from version to version then', () => {
  const model = after(promote('two'), canary(5, 'three'));
  const changes = [rollback, rollback];
  const states = changes.map((_, count) =>
    shape(
      changes.slice(0, count + 1).reduce((at, change) => {
        const changed = applyChange(at, change);
        return changed.ok ? changed.value : at;
      }, model),
    ),
  );
  expect(states).toMatchObject([
    { stable: 'adp_two', canary: undefined, revision: 3 },
    { stable: 'adp_one', former: [], revision: 4 },
  ]);
});

test('a rollback brings back the very version: its component and its engine', () => {
  const engine = { kind: 'openai', url: 'https://gpu.example.com/v1', model: 'special' } as const;
  const model = { ...start, inferenceComponentName: 'by-hand', engine };
  const promoted = applyChange(model, promote('two'));
  if (!promoted.ok) throw new Error(promoted.error.code);
  expect(promoted.value.engine).toEqual({ kind: 'openai', url: engine.url });
  expect(applyChange(promoted.value, rollback)).toMatchObject({
    ok: true,
    value: { inferenceComponentName: 'by-hand', engine },
  });
});

test('a version moves to another engine, and back to the shared one', () => {
  const engine = { kind: 'sagemaker', endpoint: 'acme' } as const;
  const moved = after({ action: 'promote', version: { engine } });
  expect(moved).toMatchObject({ adapterId: 'adp_one', inferenceComponentName: 'adp-one-acme', engine });
  const back = applyChange(moved, { action: 'promote', version: { engine: null } });
  expect(back.ok && back.value.engine).toBe(undefined);
  expect(back.ok && back.value.inferenceComponentName).toBe('adp-one');
});

test('a shadow stands beside a canary, and ends when its version answers everybody', () => {
  expect(shape(after(shadow(20, 'two'), canary(5, 'three')))).toMatchObject({
    canary: ['adp_three', 5],
    shadow: ['adp_two', 20],
  });
  expect(shape(after(shadow(20, 'two'), promote('three'))).shadow).toEqual(['adp_two', 20]);
  expect(shape(after(shadow(20, 'two'), promote('two'))).shadow).toBeUndefined();
  expect(shape(after(shadow(20, 'two'), shadow(0))).shadow).toBeUndefined();
});

describe('the same again changes nothing', () => {
  test.each<[string, readonly RolloutChange[]]>([
    ['a promotion', [promote('two')]],
    ['a canary', [canary(5, 'two')]],
    ['a shadow', [shadow(5, 'two')]],
    ['an end of a canary', [canary(5, 'two'), canary(0)]],
  ])('%s', (_, changes) => {
    const model = after(...changes);
    const last = changes.at(-1);
    if (last === undefined) throw new Error('no change');
    const again = applyChange(model, last);
    expect(again.ok && again.value).toBe(model);
  });
});

test.each<[string, readonly RolloutChange[], RolloutChange, string]>([
  ['a promotion without a version or a canary', [], promote(), 'no_version'],
  ['a canary of no version', [], canary(5), 'no_version'],
  ['a canary of what answers already', [], canary(5, 'one'), 'is_stable'],
  ['a shadow of what answers already', [], shadow(5, 'one'), 'is_stable'],
  ['a rollback of what was never changed', [], rollback, 'nothing_to_roll_back'],
  ['a rollback beyond the first version', [promote('two'), rollback], rollback, 'nothing_to_roll_back'],
])('%s is refused', (_, before, change, code) => {
  expect(applyChange(after(...before), change)).toEqual({ ok: false, error: { code } });
});

test('the versions to go back to are bounded, newest first, each once', () => {
  const names = Array.from({ length: MAX_FORMER + 3 }, (_, n) => `v${n}`);
  const model = after(...names.map((name) => promote(name)));
  expect(shape(model).former).toHaveLength(MAX_FORMER);
  expect(shape(model).former?.[0]).toBe(`adp_v${MAX_FORMER + 1}`);
  expect(shape(after(promote('two'), promote('three'), promote('two'))).former).toEqual([
    'adp_three',
    'adp_one',
  ]);
});

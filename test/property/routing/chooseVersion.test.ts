import { test as property } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseVersion, shadowOf } from '#core/routing/chooseVersion.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import { aModel } from '#test/builders/tenants.ts';

const VERSION = {
  baseModel: 'tunegate-nano',
  adapterId: 'adp_two' as AdapterId,
  inferenceComponentName: 'adp-two',
};
const modelWith = (percent: number, alias = 'northwind-support') =>
  aModel({
    alias,
    rollout: {
      revision: 1,
      former: [],
      canary: { version: VERSION, percent },
      shadow: { version: VERSION, percent },
    },
  });
const percents = fc.integer({ min: 1, max: 100 });

describe('a canary', () => {
  property.prop([fc.string(), percents], { numRuns: 200 })(
    'answers a subject with the same version every time',
    (subject, percent) => {
      const model = modelWith(percent);
      expect(chooseVersion(structuredClone(model), subject)).toEqual(chooseVersion(model, subject));
    },
  );

  property.prop([fc.string(), percents, percents], { numRuns: 200 })(
    'keeps every subject that it has when its share grows',
    (subject, a, b) => {
      const model = modelWith(Math.min(a, b));
      const grown = { ...modelWith(Math.max(a, b)), tenantId: model.tenantId };
      if (chooseVersion(model, subject).servedBy === 'canary') {
        expect(chooseVersion(grown, subject).servedBy).toBe('canary');
      }
    },
  );

  test.each([[1], [5], [25], [50], [90], [99]])(
    'of %i percent gets that share of many subjects',
    (percent) => {
      const model = modelWith(percent);
      const count = 20_000;
      let canary = 0;
      for (let n = 0; n < count; n += 1) {
        if (chooseVersion(model, `user-${n}`).servedBy === 'canary') canary += 1;
      }
      const spread = Math.sqrt((percent / 100) * (1 - percent / 100) * count);
      expect(Math.abs(canary - (count * percent) / 100)).toBeLessThan(4 * spread);
    },
  );

  test('of 100 percent answers everybody', () => {
    const model = modelWith(100);
    for (let n = 0; n < 2_000; n += 1) expect(chooseVersion(model, `${n}`).servedBy).toBe('canary');
  });

  test('chooses other subjects for another model, so that the same few users are not always first', () => {
    const [one, other] = [modelWith(10, 'one'), modelWith(10, 'other')];
    const both = Array.from({ length: 5_000 }, (_, n) => `user-${n}`).filter(
      (user) =>
        chooseVersion(one, user).servedBy === 'canary' && chooseVersion(other, user).servedBy === 'canary',
    );
    expect(both.length).toBeLessThan(100); // 50 by chance
  });
});

test('a shadow gets its share of the calls, whoever makes them', () => {
  const model = modelWith(20);
  const calls = Array.from({ length: 5_000 }, (_, n) => `req_${n}`);
  const copied = calls.filter((id) => shadowOf(model, id) !== undefined).length;
  expect(Math.abs(copied - 1_000)).toBeLessThan(120);
});

test('a model that was never changed is answered by its own version, with no shadow', () => {
  const model = aModel();
  expect(chooseVersion(model, 'anyone')).toEqual({ version: model, servedBy: 'stable' });
  expect(shadowOf(model, 'req_1')).toBeUndefined();
});

import { expect, test } from 'vitest';
import { adaptableBase } from '#core/adapters/bases.ts';
import { checkEndpoints } from '#infra/checkEndpoints.ts';
import { ENVIRONMENTS, findEnvironment } from '#infra/environments.ts';

test.for(Object.values(ENVIRONMENTS))(
  'every endpoint of $name loads every rank that the registry takes',
  ({ inference, dedicatedEndpoints }) => {
    for (const own of [{}, ...Object.values(dedicatedEndpoints)]) {
      const { baseModel, maxLoraRank } = { ...inference, ...own };
      expect(maxLoraRank).toBeGreaterThanOrEqual(adaptableBase(baseModel)?.maxRank ?? Number.NaN);
    }
  },
);

test.for<[string, readonly string[], RegExp]>([
  ['a name that no model could give', ['Acme Corp'], /"Acme Corp" must be small letters/],
  ['a name that is too long at SageMaker', ['a'.repeat(40)], /more than 63 characters/],
  ['more than a function can be told of', Array.from({ length: 60 }, (_, n) => `tenant-${n}`), /60 are more/],
])('%s is refused before anything is deployed', ([, names, why]) => {
  const environment = findEnvironment('prod');
  const dedicatedEndpoints = Object.fromEntries(names.map((name) => [name, {}]));
  expect(() => checkEndpoints({ ...environment, dedicatedEndpoints })).toThrow(why);
});

test('two dozen endpoints of single tenants are none too many', () => {
  const names = Array.from({ length: 24 }, (_, n) => `tenant-of-ours-${n}`);
  const dedicatedEndpoints = Object.fromEntries(names.map((name) => [name, {}]));
  expect(() => checkEndpoints({ ...findEnvironment('prod'), dedicatedEndpoints })).not.toThrow();
});

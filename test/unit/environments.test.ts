import { expect, test } from 'vitest';
import { adaptableBase } from '#core/adapters/bases.ts';
import { ENVIRONMENTS } from '#infra/environments.ts';

test.for(Object.values(ENVIRONMENTS))(
  'every endpoint of $name loads every rank that the registry takes',
  ({ inference, dedicatedEndpoints }) => {
    for (const own of [{}, ...Object.values(dedicatedEndpoints)]) {
      const { baseModel, maxLoraRank } = { ...inference, ...own };
      expect(maxLoraRank).toBeGreaterThanOrEqual(adaptableBase(baseModel)?.maxRank ?? Number.NaN);
    }
  },
);

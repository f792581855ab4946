import { expect, test } from 'vitest';
import type { TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { attemptName, jobOfAttempt, trainingRequest } from '#core/training/trainingRequest.ts';
import { systemWorld } from '#io/world.ts';

const job = {
  tenantId: systemWorld.newId<TenantId>('tenant'),
  id: systemWorld.newId<TrainingJobId>('trainingJob'),
  baseModel: 'tunegate-nano',
  dataset: null,
};

test("an attempt's name is one that SageMaker takes", () => {
  expect(attemptName('tunegate-staging', job, 99)).toMatch(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);
});

test("whatever a job reads and writes of its own is under its tenant's prefix", () => {
  const { channels, outputPrefix, checkpointPrefix } = trainingRequest(
    job,
    attemptName('tunegate-dev', job, 1),
  );
  const own = [channels.train, channels.settings, outputPrefix, checkpointPrefix];
  for (const prefix of own)
    expect(prefix).toMatch(new RegExp(`^tenants/${job.tenantId}/training/${job.id}/[a-z]+/$`));
});

test('an event of an attempt is known by its name, and of nothing else', () => {
  expect(jobOfAttempt('tunegate-dev', attemptName('tunegate-dev', job, 12))).toBe(job.id);
  expect(jobOfAttempt('tunegate-prod', attemptName('tunegate-dev', job, 12))).toBeUndefined();
  for (const name of ['', 'tunegate-dev', 'tunegate-dev-ftjob--1', `${job.id}-1`, 'tunegate-dev-other-1'])
    expect(jobOfAttempt('tunegate-dev', name)).toBeUndefined();
});

import { expect, test } from 'vitest';
import { matchesWildcard } from '#local/host/matchesWildcard.ts';

test('a policy with wildcards fits what API Gateway says it fits', () => {
  expect(matchesWildcard('arn:x/*/GET/models', 'arn:x/v1/GET/models')).toBe(true);
  expect(matchesWildcard('arn:x/*', 'arn:x/v1/GET/a/b/c')).toBe(true);
  expect(matchesWildcard('arn:x/?', 'arn:x/1')).toBe(true);
  expect(matchesWildcard('arn:x/*/GET/models', 'arn:x/v1/POST/models')).toBe(false);
  expect(matchesWildcard('arn:x/?', 'arn:x/12')).toBe(false);
  expect(matchesWildcard('arn.x', 'arn:x')).toBe(false);
  expect(matchesWildcard('', 'a')).toBe(false);
});

test('a path that is full of stars is matched at once', () => {
  const path = `${'*'.repeat(2_000)}${'a'.repeat(2_000)}b`;
  const startedMs = performance.now();
  expect(matchesWildcard(path, path)).toBe(true);
  expect(matchesWildcard(`${path}c`, path)).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});

import { readFileSync } from 'node:fs';
import { METRIC_DEFINITIONS } from '#core/training/metricDefinitions.ts';

// For the tests of containers/training: reads a job's log on stdin as SageMaker would, line by line, and prints each
// metric's values.
const lines = readFileSync(process.stdin.fd, 'utf8').split('\n');
const values = METRIC_DEFINITIONS.map(({ Name, Regex }) => {
  const expression = new RegExp(Regex, 'u');
  return [Name, lines.flatMap((line) => expression.exec(line)?.[1] ?? []).map(Number)];
});
console.log(JSON.stringify(Object.fromEntries(values)));

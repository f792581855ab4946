import type { CreateTrainingJobInput } from './createInput.ts';

type Metrics = Readonly<Record<string, { readonly value: number; readonly atMs: number }>>;

/** Reads a job's metrics from its log, line by line, as its definitions say; the last of each is kept. */
export function makeLogMetrics(request: CreateTrainingJobInput, known: Metrics) {
  const definitions = (request.AlgorithmSpecification.MetricDefinitions ?? []).map(({ Name, Regex }) => ({
    name: Name,
    regex: new RegExp(Regex),
  }));
  const last = new Map(Object.entries(known));
  return {
    read: (line: string, atMs: number): void => {
      for (const { name, regex } of definitions) {
        const value = Number(regex.exec(line)?.[1] ?? Number.NaN);
        if (Number.isFinite(value)) last.set(name, { value, atMs });
      }
    },
    values: (): Metrics => Object.fromEntries(last),
  };
}

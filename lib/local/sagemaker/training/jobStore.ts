import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '#local/engine/baseGguf.ts';
import { type JobRecord, parseJobRecord } from './jobRecord.ts';

/** Training jobs on disk, a folder each: `job.json`, the container's log, and while it is at work its `/opt/ml`. */
export type JobStore = {
  readonly readAll: () => readonly JobRecord[];
  readonly write: (record: JobRecord) => void;
  /** What the container has as /opt/ml. */
  readonly mlRoot: (name: string) => string;
  readonly logFile: (name: string) => string;
  /** Gives the disk back when the instance is gone. */
  readonly clear: (name: string) => void;
};

export function openJobStore(directory: string): JobStore {
  mkdirSync(directory, { recursive: true });
  const file = (name: string): string => join(directory, name, 'job.json');
  const mlRoot = (name: string): string => join(directory, name, 'ml');
  return {
    readAll: () =>
      readdirSync(directory)
        .filter((name) => existsSync(file(name)))
        .map((name) => parseJobRecord(readFileSync(file(name), 'utf8'))),
    write: (record) => {
      const name = record.request.TrainingJobName;
      mkdirSync(join(directory, name), { recursive: true });
      writeWhole(file(name), Buffer.from(JSON.stringify(record)));
    },
    mlRoot,
    logFile: (name) => join(directory, name, 'container.log'),
    clear: (name) => rmSync(mlRoot(name), { recursive: true, force: true }),
  };
}

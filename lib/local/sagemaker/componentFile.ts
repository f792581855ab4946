import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { writeWhole } from '#local/engine/baseGguf.ts';

const ComponentSchema = z.object({
  name: z.string(),
  endpointName: z.string(),
  baseId: z.string(),
  /** Null: the base itself, which stands from the start. */
  artifactUrl: z.nullable(z.string()),
  /** While Updating: what it is to become; the artifact above answers until then. */
  nextArtifactUrl: z._default(z.nullable(z.string()), null),
  status: z.enum(['Creating', 'InService', 'Updating', 'Failed', 'Deleting']),
  failureReason: z.nullable(z.string()),
  /** The converted adapter, once it has been in service. */
  adapterPath: z.nullable(z.string()),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
});
/** An inference component: a base model, or an adapter on one. */
export type Component = Readonly<z.infer<typeof ComponentSchema>>;

/** The adapters' components of one endpoint in a file, written whole at each change. */
export function openComponentFile(path: string) {
  mkdirSync(dirname(path), { recursive: true });
  return {
    read: (): readonly Component[] =>
      existsSync(path) ? z.parse(z.array(ComponentSchema), JSON.parse(readFileSync(path, 'utf8'))) : [],
    write: (components: Iterable<Component>): void => {
      const adapters = [...components].filter((component) => component.artifactUrl !== null);
      writeWhole(path, Buffer.from(JSON.stringify(adapters, null, 1)));
    },
  };
}

export const baseComponent = (baseId: string, endpointName: string, atMs: number): Component => ({
  name: baseId,
  endpointName,
  baseId,
  artifactUrl: null,
  nextArtifactUrl: null,
  status: 'InService',
  failureReason: null,
  adapterPath: null,
  createdAtMs: atMs,
  updatedAtMs: atMs,
});

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { ensureAdapterGguf } from '#local/engine/adapterFiles.ts';
import { writeWhole } from '#local/engine/baseGguf.ts';
import type { LocalEngine } from '#local/engine/engine.ts';
import { fetchArtifact } from './artifacts.ts';
import { AwsError, validationError } from './http.ts';

const ComponentSchema = z.object({
  name: z.string(),
  endpointName: z.string(),
  baseId: z.string(),
  /** Null: the base itself, which stands from the start. */
  artifactUrl: z.nullable(z.string()),
  status: z.enum(['Creating', 'InService', 'Failed', 'Deleting']),
  failureReason: z.nullable(z.string()),
  /** The converted adapter, once InService. */
  adapterPath: z.nullable(z.string()),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
});
/** An inference component: a base model, or an adapter on one. */
export type Component = Readonly<z.infer<typeof ComponentSchema>>;

export type Components = {
  readonly create: (request: {
    readonly name: string;
    readonly endpointName: string;
    readonly baseComponentName: string;
    readonly artifactUrl: string;
  }) => Component;
  readonly describe: (name: string) => Component;
  readonly list: () => readonly Component[];
  readonly remove: (name: string) => Promise<void>;
  /** The component that an invocation names; throws ValidationError as AWS does when it cannot answer. */
  readonly route: (endpointName: string, name: string | undefined) => Component;
};

const MAX_COMPONENTS = 10_000;

/**
 * The inference components of the one local endpoint, kept in `<data>/inference-components.json`. Every base model
 * is a component of its own id; adapters are created over the API and survive a restart.
 */
export function openComponents(options: {
  readonly dataDirectory: string;
  readonly endpointName: string;
  readonly engines: ReadonlyMap<string, LocalEngine>;
}): Components {
  const { dataDirectory, endpointName, engines } = options;
  const file = join(dataDirectory, 'inference-components.json');
  const components = new Map<string, Component>();
  mkdirSync(dataDirectory, { recursive: true });
  if (existsSync(file)) {
    for (const saved of z.parse(z.array(ComponentSchema), JSON.parse(readFileSync(file, 'utf8')))) {
      components.set(saved.name, saved);
    }
  }
  const now = Date.now();
  for (const baseId of engines.keys()) components.set(baseId, baseComponent(baseId, endpointName, now));

  const save = (): void => {
    const adapters = [...components.values()].filter((component) => component.artifactUrl !== null);
    writeWhole(file, Buffer.from(JSON.stringify(adapters, null, 1)));
  };
  const find = (name: string): Component => {
    const component = components.get(name);
    if (component === undefined) throw notFound(name);
    return component;
  };

  /** Fetches and converts the artifact; the outcome is the component's state, as at AWS. */
  const load = async (component: Component): Promise<void> => {
    const outcome = await loadAdapter(component, dataDirectory, engines).catch((error: unknown) => ({
      status: 'Failed' as const,
      failureReason: error instanceof Error ? error.message : String(error),
    }));
    if (!components.has(component.name)) return; // deleted meanwhile
    components.set(component.name, { ...component, ...outcome, updatedAtMs: Date.now() });
    save();
  };
  // A start that was cut off in the middle of a load begins it again; a finished one is checked to be still there.
  for (const component of components.values()) {
    const lost = component.adapterPath !== null && !existsSync(component.adapterPath);
    if (component.status === 'Creating' || lost) void load({ ...component, status: 'Creating' });
  }

  return {
    create: (request) => {
      if (components.has(request.name)) {
        throw new AwsError(
          'ValidationException',
          400,
          `Cannot create already existing inference component "${request.name}".`,
        );
      }
      if (request.endpointName !== endpointName) {
        throw new AwsError('ValidationException', 400, `Could not find endpoint "${request.endpointName}".`);
      }
      const base = components.get(request.baseComponentName);
      if (base === undefined || base.artifactUrl !== null) throw notFound(request.baseComponentName);
      if (components.size >= MAX_COMPONENTS) {
        throw new AwsError(
          'ResourceLimitExceeded',
          400,
          `The local endpoint keeps at most ${MAX_COMPONENTS} inference components.`,
        );
      }
      const component: Component = {
        name: request.name,
        endpointName,
        baseId: base.baseId,
        artifactUrl: request.artifactUrl,
        status: 'Creating',
        failureReason: null,
        adapterPath: null,
        createdAtMs: Date.now(),
        updatedAtMs: Date.now(),
      };
      components.set(component.name, component);
      save();
      void load(component);
      return component;
    },
    describe: find,
    list: () => [...components.values()],
    remove: async (name) => {
      const component = find(name);
      if (component.artifactUrl === null) {
        throw new AwsError(
          'ValidationException',
          400,
          `The base "${name}" is part of this server's start and stays.`,
        );
      }
      components.delete(name);
      save();
      const shared = [...components.values()].some((other) => other.adapterPath === component.adapterPath);
      if (component.adapterPath !== null && !shared)
        await engines.get(component.baseId)?.lanes.close(component.adapterPath);
    },
    route: (requestedEndpoint, name) => {
      if (requestedEndpoint !== endpointName)
        throw validationError(`Endpoint ${requestedEndpoint} not found.`);
      if (name === undefined) {
        throw validationError(
          'Inference Component Name header is required for endpoints to which you plan to deploy inference components. Please include Inference Component Name header or consider using SageMaker models.',
        );
      }
      const component = components.get(name);
      if (component === undefined) throw validationError(`Inference Component "${name}" not found.`);
      if (component.status !== 'InService') {
        throw validationError(
          `Inference Component "${name}" is not InService: it has no capacity to process this request.`,
        );
      }
      return component;
    },
  };
}

async function loadAdapter(
  component: Component,
  dataDirectory: string,
  engines: ReadonlyMap<string, LocalEngine>,
): Promise<Pick<Component, 'status' | 'failureReason'> & { readonly adapterPath?: string }> {
  const engine = engines.get(component.baseId);
  if (engine === undefined || component.artifactUrl === null) {
    return { status: 'Failed', failureReason: `the base ${component.baseId} is not loaded` };
  }
  const directory = await fetchArtifact(component.artifactUrl, join(dataDirectory, 'artifacts'));
  try {
    const converted = ensureAdapterGguf(engine.base, directory, join(dataDirectory, 'gguf'));
    if (!converted.ok) {
      return { status: 'Failed', failureReason: `${converted.error.code}: ${converted.error.message}` };
    }
    // Applied once before it is called in service: what llama.cpp rejects fails here, and the first call finds it warm.
    await engine.lanes.withSequence(converted.value, new AbortController().signal, async () => undefined);
    return { status: 'InService', failureReason: null, adapterPath: converted.value };
  } finally {
    rmSync(directory, { recursive: true, force: true }); // what serves is the converted file
  }
}

const baseComponent = (baseId: string, endpointName: string, atMs: number): Component => ({
  name: baseId,
  endpointName,
  baseId,
  artifactUrl: null,
  status: 'InService',
  failureReason: null,
  adapterPath: null,
  createdAtMs: atMs,
  updatedAtMs: atMs,
});

const notFound = (name: string): AwsError =>
  new AwsError('ValidationException', 400, `Could not find inference component "${name}".`);

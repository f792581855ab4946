import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalEngine } from '#local/engine/engine.ts';
import { baseComponent, type Component, openComponentFile } from './componentFile.ts';
import { AwsError, validationError } from './http.ts';
import { makeAdapterLoader } from './loadAdapter.ts';

export type Components = {
  readonly create: (request: {
    readonly name: string;
    readonly endpointName: string;
    readonly baseComponentName: string;
    readonly artifactUrl: string;
  }) => Component;
  /** The artifact before answers until the new one is loaded, and goes on when that fails. */
  readonly update: (name: string, artifactUrl: string) => Component;
  readonly describe: (name: string) => Component;
  readonly list: () => readonly Component[];
  /** Begins to delete: the component is Deleting until nothing uses it, then gone. */
  readonly remove: (name: string) => Component;
  /** The component that an invocation names; throws ValidationError as AWS does when it cannot answer. */
  readonly route: (endpointName: string, name: string | undefined) => Component;
};

const MAX_COMPONENTS = 10_000;

/**
 * The inference components of the local endpoints: the one that is named, and tenants' own, whose names and whose
 * bases' names are those with something behind them. They are kept in `<data>/inference-components.json`. Every base model
 * is a component of its own id; adapters come and go over the API and survive a restart.
 */
export function openComponents(options: {
  readonly dataDirectory: string;
  readonly endpointName: string;
  readonly engines: ReadonlyMap<string, LocalEngine>;
}): Components {
  const { dataDirectory, endpointName, engines } = options;
  const file = openComponentFile(join(dataDirectory, 'inference-components.json'));
  const components = new Map(file.read().map((saved) => [saved.name, saved]));
  const startedAtMs = Date.now();
  for (const baseId of engines.keys())
    components.set(baseId, baseComponent(baseId, endpointName, startedAtMs));
  const loadAdapter = makeAdapterLoader(options);

  const keep = (component: Component): Component => {
    components.set(component.name, component);
    file.write(components.values());
    return component;
  };
  const change = (component: Component, changed: Partial<Component>): Component =>
    keep({ ...component, ...changed, updatedAtMs: Date.now() });
  /** The base of a tenant's own endpoint is the base, under that endpoint's name. */
  const lookUp = (name: string): Component | undefined => {
    const found = components.get(name);
    const baseId = [...engines.keys()].find((id) => name.startsWith(`${id}-`));
    if (found !== undefined || baseId === undefined) return found;
    const endpoint = `${endpointName}${name.slice(baseId.length)}`;
    return { ...baseComponent(baseId, endpoint, startedAtMs), name };
  };
  const isOurs = (endpoint: string): boolean =>
    endpoint === endpointName || endpoint.startsWith(`${endpointName}-`);
  const find = (name: string): Component => {
    const component = lookUp(name);
    if (component === undefined) throw notFound(name);
    return component;
  };
  const findAdapter = (name: string): Component => {
    const component = find(name);
    if (component.artifactUrl === null)
      throw refused(`The base "${name}" is part of this server's start and stays.`);
    return component;
  };

  /** Brings a Creating or Updating component to its end; the outcome is its state, as at AWS. */
  const load = async ({ name, baseId, artifactUrl, nextArtifactUrl }: Component): Promise<void> => {
    const wanted = nextArtifactUrl ?? artifactUrl ?? '';
    const loaded = await loadAdapter(baseId, wanted);
    const now = components.get(name);
    if (now === undefined || now.status === 'Deleting') return; // deleted meanwhile
    if (!loaded.ok) {
      const status = now.status === 'Updating' ? 'InService' : 'Failed';
      change(now, { status, failureReason: loaded.failureReason, nextArtifactUrl: null });
      return;
    }
    const { adapterPath } = loaded;
    change(now, {
      status: 'InService',
      artifactUrl: wanted,
      nextArtifactUrl: null,
      failureReason: null,
      adapterPath,
    });
    await release(now);
  };

  /** Closes an adapter that no component has any more, when its last call is over, and forgets its file. */
  const release = async ({ adapterPath, baseId }: Component): Promise<void> => {
    const isUsed = () => [...components.values()].some((other) => other.adapterPath === adapterPath);
    if (adapterPath === null || isUsed()) return;
    await engines.get(baseId)?.lanes.close(adapterPath);
    if (!isUsed()) rmSync(adapterPath, { force: true });
  };

  const finishRemoval = async (component: Component): Promise<void> => {
    await engines.get(component.baseId)?.lanes.idle(component.adapterPath);
    components.delete(component.name);
    file.write(components.values());
    await release(component);
  };

  const background = (work: Promise<void>): void => void work.catch((error: unknown) => console.error(error));
  // What was cut off in the middle is begun again; a converted file that is lost is made again.
  for (const component of components.values()) {
    const { status, adapterPath } = component;
    const lost = adapterPath !== null && !existsSync(adapterPath);
    if (status === 'Deleting') background(finishRemoval(component));
    else if (status === 'Creating' || status === 'Updating') background(load(component));
    else if (lost) background(load(keep({ ...component, status: 'Creating', adapterPath: null })));
  }

  return {
    create: (request) => {
      if (components.has(request.name))
        throw refused(`Cannot create already existing inference component "${request.name}".`);
      if (!isOurs(request.endpointName)) throw refused(`Could not find endpoint "${request.endpointName}".`);
      const base = lookUp(request.baseComponentName);
      if (base === undefined || base.artifactUrl !== null || base.endpointName !== request.endpointName)
        throw notFound(request.baseComponentName);
      if (components.size >= MAX_COMPONENTS) {
        throw new AwsError(
          'ResourceLimitExceeded',
          400,
          `The local endpoint keeps at most ${MAX_COMPONENTS} inference components.`,
        );
      }
      const component = keep({
        ...baseComponent(base.baseId, request.endpointName, Date.now()),
        name: request.name,
        artifactUrl: request.artifactUrl,
        status: 'Creating',
      });
      background(load(component));
      return component;
    },
    update: (name, artifactUrl) => {
      const component = findAdapter(name);
      if (component.status !== 'InService' && component.status !== 'Failed')
        throw refused(`Cannot update inference component "${name}" while it is ${component.status}.`);
      // One that never served has nothing to go back to.
      const status = component.status === 'InService' ? 'Updating' : 'Creating';
      const next = status === 'Updating' ? { nextArtifactUrl: artifactUrl } : { artifactUrl };
      const updating = change(component, { status, failureReason: null, ...next });
      background(load(updating));
      return updating;
    },
    describe: find,
    list: () => [...components.values()],
    remove: (name) => {
      const component = findAdapter(name);
      if (component.status === 'Deleting') return component;
      const deleting = change(component, { status: 'Deleting' });
      background(finishRemoval(deleting));
      return deleting;
    },
    route: (requestedEndpoint, name) => {
      if (!isOurs(requestedEndpoint)) throw validationError(`Endpoint ${requestedEndpoint} not found.`);
      if (name === undefined) {
        throw validationError(
          'Inference Component Name header is required for endpoints to which you plan to deploy inference components. Please include Inference Component Name header or consider using SageMaker models.',
        );
      }
      const component = lookUp(name);
      if (component === undefined || component.endpointName !== requestedEndpoint)
        throw validationError(`Inference Component "${name}" not found.`);
      if (component.status !== 'InService' && component.status !== 'Updating') {
        throw validationError(
          `Inference Component "${name}" is not InService: it has no capacity to process this request.`,
        );
      }
      return component;
    },
  };
}

const refused = (message: string): AwsError => new AwsError('ValidationException', 400, message);

const notFound = (name: string): AwsError => refused(`Could not find inference component "${name}".`);

import { existsSync } from 'node:fs';
import { FUNCTIONS, type FunctionDefinition, type FunctionName } from '#io/definitions/functions.ts';
import { installAwsLambdaGlobal } from './lambdaStream.ts';
import { type Handler, type LocalFunction, makeLocalFunction } from './localFunction.ts';

/** Every function that is defined, by name. */
export type LoadedFunctions = Readonly<Record<FunctionName, LocalFunction>>;

const NAMES = Object.keys(FUNCTIONS).filter((name): name is FunctionName => Object.hasOwn(FUNCTIONS, name));

/**
 * Imports every function's handler into this process, one after the other, because each reads its own name from the
 * environment while it is imported. Throws when a module exports no `handler`.
 */
export async function loadFunctions(): Promise<LoadedFunctions> {
  installAwsLambdaGlobal();
  const loaded: Partial<Record<FunctionName, LocalFunction>> = {};
  for (const name of NAMES) loaded[name] = await loadFunction(name, FUNCTIONS[name]);
  return loaded as LoadedFunctions;
}

async function loadFunction(name: FunctionName, definition: FunctionDefinition): Promise<LocalFunction> {
  process.env['AWS_LAMBDA_FUNCTION_NAME'] = `tunegate-${name}`;
  process.env['POWERTOOLS_SERVICE_NAME'] = name;
  const file = new URL(`../../../functions/${name}/handler.ts`, import.meta.url);
  if (!existsSync(file)) throw new Error(`functions/${name}/handler.ts is missing`);
  const module: unknown = await import(file.href);
  if (!hasHandler(module)) throw new Error(`functions/${name}/handler.ts exports no handler`);
  return makeLocalFunction(name, definition, module.handler);
}

const hasHandler = (module: unknown): module is { readonly handler: Handler } =>
  typeof module === 'object' &&
  module !== null &&
  'handler' in module &&
  typeof module.handler === 'function';

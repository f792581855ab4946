import { readFileSync } from 'node:fs';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { findEnvironment } from '#infra/environments.ts';
import { addTunegate } from '#infra/tunegate.ts';

export type Resource = {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
};

/** One environment synthesized as `cdk synth` would, but without bundling: about two seconds. */
export function synthesize(name: string) {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
  const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } });
  const stacks = addTunegate(app, findEnvironment(name));
  const resources = Object.values(stacks).flatMap((stack) => resourcesOf(stack));
  return { stacks, resources, ofType: (type: string) => resources.filter((r) => r.Type === type) };
}

export type LocatedResource = Resource & { readonly stack: string; readonly logicalId: string };

export function resourcesOf(stack: Stack): readonly LocatedResource[] {
  const { Resources } = Template.fromStack(stack).toJSON();
  return Object.entries<Resource>(Resources ?? {}).map(([logicalId, resource]) => ({
    ...resource,
    Properties: resource.Properties ?? {},
    stack: stack.stackName,
    logicalId,
  }));
}

import { readFileSync } from 'node:fs';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type Environment, findEnvironment } from '#infra/environments.ts';
import { addTunegate } from '#infra/tunegate.ts';

/** A resource of a synthesized template. Its properties have the shape that CloudFormation's reference gives the type. */
export type TemplateResource = {
  readonly stack: string;
  readonly logicalId: string;
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: templates are JSON of a hundred shapes, and tests fail where these differ
  readonly Properties: any;
  readonly DeletionPolicy?: string;
};

export type Templates = {
  readonly resources: readonly TemplateResource[];
  readonly ofType: (type: string) => readonly TemplateResource[];
  /** Whether stacks refuse to be deleted, by name. */
  readonly protection: Readonly<Record<string, boolean>>;
};

/** One environment as `cdk synth` makes it, changed as asked, but without bundling: a few seconds. */
export function synthesize(environment: string, over: Partial<Environment> = {}): Templates {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
  const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } });
  const stacks: readonly Stack[] = Object.values(
    addTunegate(app, { ...findEnvironment(environment), ...over }),
  );
  const resources = stacks.flatMap((stack) =>
    Object.entries<TemplateResource>(Template.fromStack(stack).toJSON()['Resources'] ?? {}).map(
      ([logicalId, resource]) => ({ ...resource, logicalId, stack: stack.stackName }),
    ),
  );
  return {
    resources,
    ofType: (type) => resources.filter((resource) => resource.Type === type),
    protection: Object.fromEntries(stacks.map((s) => [s.stackName, s.terminationProtection === true])),
  };
}

/** Every statement of every role, with the name of the role's owner as its logical id has it. */
export const roleStatements = ({ ofType }: Templates) =>
  ofType('AWS::IAM::Policy').flatMap(({ logicalId, Properties }) =>
    Properties.PolicyDocument.Statement.map((statement: Record<string, unknown>) => ({
      role: logicalId.replace(/(Role)?DefaultPolicy.*/, ''),
      ...statement,
    })),
  );

import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import type { Environment } from '#infra/environments.ts';

/**
 * Rules that read the body and would refuse honest chats: a prompt may be large, and may well contain HTML, a URL or
 * the text of an exploit that the client asks about. Nothing here interprets a body as any of these. They only count.
 */
const ONLY_COUNTED = {
  AWSManagedRulesCommonRuleSet: [
    'SizeRestrictions_BODY',
    'CrossSiteScripting_BODY',
    'GenericLFI_BODY',
    'GenericRFI_BODY',
    'EC2MetaDataSSRF_BODY',
    'NoUserAgent_HEADER', // small clients and webhooks send none
  ],
  AWSManagedRulesKnownBadInputsRuleSet: ['Log4JRCE_BODY', 'JavaDeserializationRCE_BODY', 'ReactJSRCE_BODY'],
} as const;

/** The web application firewall in front of a stage: known attacks, and too many requests from one address. */
export class Firewall extends Construct {
  readonly acl: CfnWebACL;

  constructor(
    scope: Construct,
    id: string,
    props: { readonly environment: Environment; readonly stageArn: string },
  ) {
    super(scope, id);
    const { environment, stageArn } = props;
    const name = `tunegate-${environment.name}`;
    this.acl = new CfnWebACL(this, 'Acl', {
      name,
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visibility(name),
      rules: [
        {
          name: 'one-address',
          priority: 0,
          action: { block: {} },
          statement: {
            rateBasedStatement: {
              limit: environment.api.requestsPerAddressIn5Minutes,
              aggregateKeyType: 'IP',
              evaluationWindowSec: 300,
            },
          },
          visibilityConfig: visibility('one-address'),
        },
        managed('AWSManagedRulesCommonRuleSet', 1),
        managed('AWSManagedRulesKnownBadInputsRuleSet', 2),
      ],
    });
    new CfnWebACLAssociation(this, 'Association', { webAclArn: this.acl.attrArn, resourceArn: stageArn });
    this.#log(environment, name);
  }

  /** Blocked requests only, without the header that holds the key. */
  #log(environment: Environment, name: string): void {
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `aws-waf-logs-${name}`, // the prefix is WAF's condition
      retention: environment.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new CfnLoggingConfiguration(this, 'Logging', {
      resourceArn: this.acl.attrArn,
      logDestinationConfigs: [
        Stack.of(this).formatArn({
          service: 'logs',
          resource: 'log-group',
          resourceName: logGroup.logGroupName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
      redactedFields: [{ singleHeader: { Name: 'authorization' } }],
      loggingFilter: {
        DefaultBehavior: 'DROP',
        Filters: [
          {
            Behavior: 'KEEP',
            Requirement: 'MEETS_ANY',
            Conditions: [{ ActionCondition: { Action: 'BLOCK' } }],
          },
        ],
      },
    });
  }
}

const visibility = (metricName: string): CfnWebACL.VisibilityConfigProperty => ({
  metricName,
  cloudWatchMetricsEnabled: true,
  sampledRequestsEnabled: true,
});

const managed = (name: keyof typeof ONLY_COUNTED, priority: number): CfnWebACL.RuleProperty => ({
  name,
  priority,
  overrideAction: { none: {} },
  statement: {
    managedRuleGroupStatement: {
      vendorName: 'AWS',
      name,
      ruleActionOverrides: ONLY_COUNTED[name].map((rule) => ({ name: rule, actionToUse: { count: {} } })),
    },
  },
  visibilityConfig: visibility(name),
});

import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { gatewayPath } from '#api/gatewayPath.ts';
import { ROUTES, type Route } from '#api/routes.ts';
import { acknowledge } from '#infra/acknowledge.ts';
import { ALARM_PERIOD, type AlarmSet } from '#infra/constructs/alarmSet.ts';
import { Firewall } from '#infra/constructs/firewall.ts';
import { addGatewayErrors } from '#infra/constructs/gatewayErrors.ts';
import { SharedLayers } from '#infra/constructs/sharedLayers.ts';
import { TunegateFunction } from '#infra/constructs/tunegateFunction.ts';
import type { Environment } from '#infra/environments.ts';
import type { CreditsStack } from './credits.ts';
import type { DataStack } from './data.ts';
import type { InferenceStack } from './inference.ts';
import type { MeteringStack } from './metering.ts';
import type { PaymentsStack } from './payments.ts';
import type { RoutingStack } from './routing.ts';
import type { TrainingStack } from './training.ts';

/** The stage is part of the URL, so that the stage's URL is an OpenAI base URL as it stands. */
const STAGE = 'v1';
const STREAM_TIMEOUT = Duration.minutes(15);
const TIMEOUT = Duration.seconds(29);
const SERVER_ERRORS_IN_5_MINUTES = 5;

export type ApiStackProps = StackProps & {
  readonly environment: Environment;
  readonly data: DataStack;
  readonly credits: CreditsStack;
  readonly metering: MeteringStack;
  readonly payments: PaymentsStack;
  readonly training: TrainingStack;
  readonly inference: InferenceStack;
  readonly routing: RoutingStack;
};

/** Every route of `ROUTES` on API Gateway, the functions that serve them, and the firewall in front. */
export class ApiStack extends Stack {
  readonly api: apigateway.RestApi;
  readonly chat: TunegateFunction;
  readonly clientAccount: TunegateFunction;
  readonly control: TunegateFunction;
  readonly files: TunegateFunction;
  readonly fineTuning: TunegateFunction;
  readonly adapters: TunegateFunction;
  readonly authorizer: TunegateFunction;
  readonly #environment: Environment;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    const { environment, data, credits, metering, payments, training, inference, routing, ...stackProps } =
      props;
    super(scope, id, stackProps);
    this.#environment = environment;
    const shared = {
      environment,
      data,
      layers: new SharedLayers(this, 'Layers'),
      queues: {
        usage: metering.usage,
        datasets: training.datasets,
        training: training.jobs,
        shadows: routing.shadows,
        adapters: training.adapters,
        reconciliations: credits.reconciliations,
      },
      endpoint: inference,
    };
    this.chat = new TunegateFunction(this, 'chat', shared);
    this.clientAccount = new TunegateFunction(this, 'account', shared);
    this.control = new TunegateFunction(this, 'control', shared);
    this.files = new TunegateFunction(this, 'files', shared);
    this.fineTuning = new TunegateFunction(this, 'fine-tuning', shared);
    this.adapters = new TunegateFunction(this, 'adapters', shared);
    this.authorizer = new TunegateFunction(this, 'authorizer', shared);

    this.api = this.#restApi();
    this.#addRoutes({
      chat: this.chat,
      account: this.clientAccount,
      control: this.control,
      files: this.files,
      'fine-tuning': this.fineTuning,
      adapters: this.adapters,
      'dodo-webhook': payments.webhook,
    });
    addGatewayErrors(this.api);
    new Firewall(this, 'Firewall', { environment, stageArn: this.api.deploymentStage.stageArn });
    new CfnOutput(this, 'BaseUrl', { value: this.api.url.replace(/\/$/, '') });
    this.#acknowledge();
  }

  watch(alarms: AlarmSet): void {
    for (const fn of [
      this.chat,
      this.clientAccount,
      this.control,
      this.files,
      this.fineTuning,
      this.adapters,
      this.authorizer,
    ])
      fn.watch(alarms);
    alarms.add('api-server-errors', {
      metric: this.api.metricServerError({ period: ALARM_PERIOD, statistic: 'sum' }),
      above: SERVER_ERRORS_IN_5_MINUTES,
      meaning: `More than ${SERVER_ERRORS_IN_5_MINUTES} answers of the API in five minutes were 5xx.`,
      runbook: 'the-api-answers-5xx',
    });
  }

  #restApi(): apigateway.RestApi {
    const { api: limits, logRetentionDays, name } = this.#environment;
    const accessLog = new LogGroup(this, 'AccessLog', {
      logGroupName: `/tunegate/${name}/api-access`,
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return new apigateway.RestApi(this, 'Api', {
      restApiName: `tunegate-${name}`,
      description: 'OpenAI-compatible API of Tunegate',
      // An edge-optimized API would cut a stream that is silent for 30 s; a regional one waits 5 minutes.
      // Uploads come as they are; as text, bytes that are not UTF-8 would be replaced on the way.
      binaryMediaTypes: ['multipart/form-data'],
      endpointTypes: [apigateway.EndpointType.REGIONAL],
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN, // the region's other APIs log through it too
      deployOptions: {
        stageName: STAGE,
        tracingEnabled: true,
        metricsEnabled: true,
        loggingLevel: apigateway.MethodLoggingLevel.ERROR,
        dataTraceEnabled: false, // it would log bodies and keys
        throttlingRateLimit: limits.requestsPerSecond,
        throttlingBurstLimit: limits.burst,
        accessLogDestination: new apigateway.LogGroupLogDestination(accessLog),
        accessLogFormat: accessLogFormat(),
      },
    });
  }

  #addRoutes(functions: Readonly<Record<Route['function'], TunegateFunction>>): void {
    const integrations = {
      chat: new apigateway.LambdaIntegration(functions.chat.lambda, {
        ...ONE_PERMISSION,
        responseTransferMode: apigateway.ResponseTransferMode.STREAM,
        timeout: STREAM_TIMEOUT,
      }),
      account: plain(functions.account.lambda),
      control: plain(functions.control.lambda),
      files: plain(functions.files.lambda),
      'fine-tuning': plain(functions['fine-tuning'].lambda),
      adapters: plain(functions.adapters.lambda),
      'dodo-webhook': plain(functions['dodo-webhook'].lambda),
    };
    const authorizer = new apigateway.RequestAuthorizer(this, 'Authorizer', {
      handler: this.authorizer.lambda,
      identitySources: [apigateway.IdentitySource.header('Authorization')],
      resultsCacheTtl: Duration.seconds(0), // a cached answer would let a revoked key live on
    });
    for (const [at, route] of gatewayRoutes()) {
      this.api.root
        .resourceForPath(at)
        .addMethod(
          route.method,
          integrations[route.function],
          needsAuthorizer(route)
            ? { authorizer, authorizationType: apigateway.AuthorizationType.CUSTOM }
            : { authorizationType: apigateway.AuthorizationType.NONE },
        );
    }
  }

  #acknowledge(): void {
    acknowledge(this, {
      'AwsSolutions::AwsSolutions-APIG2':
        'Functions validate with one schema per route and answer in OpenAI’s error form, which a gateway model cannot.',
      'AwsSolutions::AwsSolutions-APIG4':
        'Chat checks the key itself, for it must hold credits anyway; webhooks are signed; /healthz tells nothing.',
      'AwsSolutions::AwsSolutions-COG4': 'Clients are programs with API keys, not users of a pool.',
      'AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
        'The one policy that API Gateway documents for its account-wide log role.',
    });
  }
}

/** Routes that API Gateway cannot tell apart are one method there, and their function tells them apart. */
const gatewayRoutes = (): readonly (readonly [string, Route])[] => {
  const methods = new Map(
    Object.values<Route>(ROUTES).map((route) => {
      const path = gatewayPath(route.path);
      return [`${route.method} ${path}`, [path, route] as const];
    }),
  );
  return [...methods.values()];
};

/** One permission for all methods of a function: one for each would outgrow the function's policy. */
const ONE_PERMISSION = { scopePermissionToMethod: false } as const;

const plain = (fn: LambdaFunction) =>
  new apigateway.LambdaIntegration(fn, { ...ONE_PERMISSION, timeout: TIMEOUT });

const needsAuthorizer = ({ auth, function: fn }: Route): boolean =>
  fn !== 'chat' && (auth.kind === 'key' || auth.kind === 'admin');

/** Who, what, how it ended and how long it took; no header, query or body, for they may hold secrets. */
function accessLogFormat(): apigateway.AccessLogFormat {
  const field = apigateway.AccessLogField;
  return apigateway.AccessLogFormat.custom(
    JSON.stringify({
      requestId: field.contextRequestId(),
      time: field.contextRequestTimeEpoch(),
      address: field.contextIdentitySourceIp(),
      method: field.contextHttpMethod(),
      route: field.contextResourcePath(),
      status: field.contextStatus(),
      tenant: field.contextAuthorizer('tenantId'),
      bytes: field.contextResponseLength(),
      latencyMs: field.contextResponseLatency(),
      integrationMs: field.contextIntegrationLatency(),
      authorizerStatus: field.contextAuthorizerStatus(),
      firewall: field.contextWafResponseCode(),
      gatewayError: field.contextErrorResponseType(),
      traceId: field.contextXrayTraceId(),
    }),
  );
}

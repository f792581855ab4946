import {
  CfnResource,
  CrossStackReferences,
  Duration,
  ReferenceStrength,
  RemovalPolicy,
  Stack,
  type StackProps,
  Validations,
} from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secrets from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Environment } from '#infra/environments.ts';
import { BUCKETS, SECRETS, TABLES, type TableDefinition } from '#io/definitions/resources.ts';

const ARCHIVE_TO_COLD_DAYS = 90;
const OLD_VERSIONS_DAYS = 30;
const ACCESS_LOG_DAYS = 180;
const UNFINISHED_UPLOAD_DAYS = 2;

type TableName = keyof typeof TABLES;
type BucketName = keyof typeof BUCKETS;
type SecretName = keyof typeof SECRETS;

/** What must survive everything else: tables, buckets, secrets and the keys that encrypt them. */
export class DataStack extends Stack {
  readonly tables: Readonly<Record<TableName, dynamodb.TableV2>>;
  readonly buckets: Readonly<Record<BucketName, s3.Bucket>>;
  readonly secrets: Readonly<Record<SecretName, secrets.Secret>>;
  /** Encrypts tables, buckets and secrets. */
  readonly dataKey: kms.Key;
  /** Encrypts queues and topics: messages in transit, which EventBridge and CloudWatch must be able to write. */
  readonly messageKey: kms.Key;
  readonly #environment: Environment;
  readonly #removalPolicy: RemovalPolicy;

  constructor(scope: Construct, id: string, props: StackProps & { readonly environment: Environment }) {
    super(scope, id, { ...props, terminationProtection: props.environment.keepsData });
    this.#environment = props.environment;
    this.#removalPolicy = props.environment.keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    this.dataKey = this.#key('DataKey', 'tables, buckets and secrets');
    this.messageKey = this.#key('MessageKey', 'queues and topics');
    this.#letServicesWriteMessages();
    this.tables = {
      ledger: this.#table('ledger'),
      directory: this.#table('directory'),
      billing: this.#table('billing'),
      training: this.#table('training'),
      idempotency: this.#table('idempotency'),
      versions: this.#table('versions'),
      watch: this.#table('watch'),
    };
    const accessLogs = this.#accessLogBucket();
    this.buckets = {
      archive: this.#bucket('archive', accessLogs),
      tenantData: this.#bucket('tenantData', accessLogs),
    };
    this.secrets = {
      keyPepper: this.#secret('keyPepper', 'Keys the checksum of API keys.', {
        excludePunctuation: true,
        passwordLength: 48,
      }),
      adminKey: this.#secret('adminKey', "The agency's key for /admin.", {
        excludePunctuation: true,
        passwordLength: 48,
      }),
      sealKey: this.#secret('sealKey', 'Makes the key that signs the seals of statements.', {
        excludePunctuation: true,
        passwordLength: 64,
      }),
      noticeKey: this.#secret('noticeKey', 'Makes the keys that sign notices to webhooks.', {
        excludePunctuation: true,
        passwordLength: 64,
      }),
      dodo: this.#secret(
        'dodo',
        'Dodo API key and webhook keys: fill in by hand after the first deployment.',
        {
          secretStringTemplate: JSON.stringify({ apiKey: '', webhookKeys: [] }),
          generateStringKey: 'unused',
        },
      ),
    };
    this.#holdOnToWhatIsUsed();
  }

  /** A table that another stack still uses must not be removable, so references to this stack are exports. */
  #holdOnToWhatIsUsed(): void {
    for (const child of this.node.findAll()) {
      if (CfnResource.isCfnResource(child)) CrossStackReferences.of(child).produce(ReferenceStrength.STRONG);
    }
  }

  #key(id: string, of: string): kms.Key {
    return new kms.Key(this, id, {
      description: `Tunegate ${this.#environment.name}: ${of}`,
      enableKeyRotation: true,
      removalPolicy: this.#removalPolicy,
    });
  }

  #letServicesWriteMessages(): void {
    this.messageKey.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'AlarmsAndSchedules',
        principals: [
          new iam.ServicePrincipal('cloudwatch.amazonaws.com'),
          new iam.ServicePrincipal('events.amazonaws.com'),
        ],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'], // in a key's own policy this is the key itself
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    );
  }

  #table(name: TableName): dynamodb.TableV2 {
    const table: TableDefinition = TABLES[name];
    const { keepsData, tables } = this.#environment;
    const text = (attribute: string) => ({ name: attribute, type: dynamodb.AttributeType.STRING });
    return new dynamodb.TableV2(this, `${name}Table`, {
      tableName: `tunegate-${this.#environment.name}-${table.name}`,
      partitionKey: text(table.partitionKey),
      sortKey: text(table.sortKey),
      globalSecondaryIndexes: table.indexes.map((index) => ({
        indexName: index.name,
        partitionKey: text(index.partitionKey),
        sortKey: text(index.sortKey),
      })),
      ...(table.ttlAttribute === undefined ? {} : { timeToLiveAttribute: table.ttlAttribute }),
      billing: dynamodb.Billing.onDemand({
        maxReadRequestUnits: tables.maxReadUnits,
        maxWriteRequestUnits: tables.maxWriteUnits,
      }),
      encryption: dynamodb.TableEncryptionV2.customerManagedKey(this.dataKey),
      contributorInsightsSpecification: {
        enabled: true,
        mode: dynamodb.ContributorInsightsMode.THROTTLED_KEYS,
      },
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: keepsData,
      removalPolicy: this.#removalPolicy,
    });
  }

  /** S3 writes its access logs only to a bucket that is encrypted with S3's own key. */
  #accessLogBucket(): s3.Bucket {
    return new s3.Bucket(this, 'AccessLogs', {
      encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      lifecycleRules: [{ expiration: Duration.days(ACCESS_LOG_DAYS) }],
      removalPolicy: this.#removalPolicy,
    });
  }

  #bucket(name: BucketName, accessLogs: s3.Bucket): s3.Bucket {
    return new s3.Bucket(this, `${name}Bucket`, {
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: this.dataKey,
      bucketKeyEnabled: true,
      versioned: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      // jsii's classes say `undefined` where their interfaces leave a property out, hence the cast.
      serverAccessLogsBucket: accessLogs as s3.IBucket,
      serverAccessLogsPrefix: `${BUCKETS[name].name}/`,
      lifecycleRules: [
        {
          abortIncompleteMultipartUploadAfter: Duration.days(UNFINISHED_UPLOAD_DAYS),
          noncurrentVersionExpiration: Duration.days(OLD_VERSIONS_DAYS),
          ...(name === 'archive'
            ? {
                transitions: [
                  {
                    storageClass: s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                    transitionAfter: Duration.days(ARCHIVE_TO_COLD_DAYS),
                  },
                ],
              }
            : {}),
        },
      ],
      removalPolicy: this.#removalPolicy,
    });
  }

  #secret(name: SecretName, description: string, generate: secrets.SecretStringGenerator): secrets.Secret {
    const secret = new secrets.Secret(this, `${name}Secret`, {
      secretName: `tunegate-${this.#environment.name}-${SECRETS[name].name}`,
      description,
      encryptionKey: this.dataKey,
      generateSecretString: generate,
      removalPolicy: this.#removalPolicy,
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions::AwsSolutions-SMG4',
      reason:
        'Rotated by hand with an overlap of two values (docs/deploy.md): clients and Dodo must learn the new one first.',
    });
    return secret;
  }
}

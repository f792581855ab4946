import { dirname, join } from 'node:path';

/** What lies where in a data folder. Everything named here is ours, and `--fresh` deletes it and nothing else. */
export const pathsIn = (dataDir: string) => ({
  /** For whoever uses the product: addresses and keys. Rewritten at each start. */
  connection: join(dataDir, 'connection.json'),
  /** For tools beside it: the process ids and addresses of what runs now. Gone when nothing runs. */
  run: join(dataDir, 'run.json'),
  secrets: join(dataDir, 'secrets.json'),
  /** The same as Secrets Manager would hold them, for the functions' host. */
  functionSecrets: join(dataDir, 'function-secrets.json'),
  lock: join(dataDir, 'lock.sqlite'),
  /** E-mail that was sent, a line of JSON each. */
  mail: join(dataDir, 'mail.jsonl'),
  dynamodb: join(dataDir, 'dynamodb.sqlite'),
  aws: join(dataDir, 'aws'),
  sagemaker: join(dataDir, 'sagemaker'),
  dodo: join(dataDir, 'dodo'),
  logs: join(dataDir, 'logs'),
});

/** Where the user may put AWS's cost and usage export. It is theirs, so `--fresh` leaves it. */
export const awsExportIn = ({ connection }: DataPaths): string => join(dirname(connection), 'aws-costs');

export type DataPaths = ReturnType<typeof pathsIn>;

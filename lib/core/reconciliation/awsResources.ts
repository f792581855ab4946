// How AWS names what it bills: `arn:aws:sagemaker:…:training-job/<name>`, `arn:aws:sagemaker:…:endpoint/<name>`.

const TRAINING_JOB = /:training-job\/([^/]+)$/;
const ENDPOINT = /:endpoint\/([^/]+)$/;

export const trainingJobIn = (resource: string): string | undefined => TRAINING_JOB.exec(resource)?.[1];

export const endpointIn = (resource: string): string | undefined => ENDPOINT.exec(resource)?.[1];

/** What runs on, so that its cost is of each day. */
export const BILLED_BY_DAY = ENDPOINT;

/** Whether the reconciliation compares what AWS billed for this. */
export const isCompared = (resource: string): boolean =>
  TRAINING_JOB.test(resource) || ENDPOINT.test(resource);

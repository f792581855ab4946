import { ChangeMessageVisibilityBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';

/** SQS's own limit of messages in one call. */
const MAX_BATCH = 10;

/**
 * Gives messages that were received back to their queue after so many seconds, instead of after their visibility timeout. It is
 * a courtesy: what cannot be given back comes back by itself, later; so failures are reported, never thrown.
 */
export function makeMessageReturn(
  sqs: SQSClient,
  queueUrl: string,
  options: { readonly afterSeconds: number; readonly onFailure: (error: unknown) => void },
) {
  return async (receiptHandles: readonly string[]): Promise<void> => {
    for (let from = 0; from < receiptHandles.length; from += MAX_BATCH) {
      const Entries = receiptHandles.slice(from, from + MAX_BATCH).map((ReceiptHandle, at) => ({
        Id: String(at),
        ReceiptHandle,
        VisibilityTimeout: options.afterSeconds,
      }));
      try {
        await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }));
      } catch (error) {
        options.onFailure(error);
      }
    }
  };
}

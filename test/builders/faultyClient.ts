import {
  ProvisionedThroughputExceededException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';

/** What happens to one request on its way to the database. */
export type Fault = 'crash_before' | 'crash_after' | 'conflict' | 'throttled';

/** The process died here: nothing that runs in it can catch this and go on. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** A client whose requests meet the faults that are lined up, by their number from 0; counting starts at `arm`. */
export function makeFaultyClient(client: DynamoDBDocumentClient) {
  let faults: Readonly<Record<number, Fault>> = {};
  let sent = 0;
  const send = async (command: Parameters<typeof client.send>[0]): Promise<unknown> => {
    const fault = faults[sent];
    sent += 1;
    if (fault === 'crash_before') throw new Crash();
    if (fault === 'conflict' || fault === 'throttled') throw refusal(command, fault);
    const answer = await client.send(command).catch((error: unknown) => {
      if (fault === 'crash_after') throw new Crash();
      throw error;
    });
    if (fault === 'crash_after') throw new Crash();
    return answer;
  };
  return {
    client: new Proxy(client, {
      get: (target, name) => (name === 'send' ? send : Reflect.get(target, name)),
    }),
    arm: (next: Readonly<Record<number, Fault>>) => {
      faults = next;
      sent = 0;
    },
  };
}

/** The error that DynamoDB answers a plain write and a transaction with. */
function refusal(command: unknown, fault: 'conflict' | 'throttled'): Error {
  const common = { $metadata: {}, message: `injected ${fault}` };
  if (command instanceof TransactWriteCommand) {
    const Code = fault === 'conflict' ? 'TransactionConflict' : 'ThrottlingError';
    return new TransactionCanceledException({ ...common, CancellationReasons: [{ Code }, { Code: 'None' }] });
  }
  return fault === 'conflict'
    ? new TransactionConflictException(common)
    : new ProvisionedThroughputExceededException(common);
}

import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { ShadowSink } from '#core/routing/ports.ts';
import { messageBody } from './messageBody.ts';

/** The queue of calls for shadows. (A batch of one, because the command for one message is not in the chat bundle.) */
export const makeShadowQueue = (sqs: SQSClient, queueUrl: string): ShadowSink => ({
  send: async (call) => {
    const Entries = [{ Id: '0', MessageBody: messageBody(call) }];
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    if (Failed.length > 0) throw new Error(`the shadow queue refused a call: ${Failed[0]?.Code}`);
  },
});

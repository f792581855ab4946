import { EventStreamCodec, type MessageHeaders } from '@smithy/eventstream-codec';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

const text = (value: string) => ({ type: 'string', value }) as const;

/** A PayloadPart of InvokeEndpointWithResponseStream, framed as `vnd.amazon.eventstream`. */
export const payloadPart = (bytes: Uint8Array): Uint8Array =>
  encode(
    {
      ':message-type': text('event'),
      ':event-type': text('PayloadPart'),
      ':content-type': text('application/octet-stream'),
    },
    bytes,
  );

/** The end of a stream that broke: the model's fault (ModelStreamError) or the service's (InternalStreamFailure). */
export const streamException = (
  kind: 'ModelStreamError' | 'InternalStreamFailure',
  details: Readonly<Record<string, string>>,
): Uint8Array =>
  encode(
    {
      ':message-type': text('exception'),
      ':exception-type': text(kind),
      ':content-type': text('application/json'),
    },
    Buffer.from(JSON.stringify(details)),
  );

const encode = (headers: MessageHeaders, body: Uint8Array): Uint8Array => codec.encode({ headers, body });

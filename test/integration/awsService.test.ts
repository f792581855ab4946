import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestAws, TEST_CREDENTIALS, type TestAws } from '#test/builders/awsService.ts';

const Bucket = 'guarded';
let aws: TestAws;
beforeAll(async () => {
  aws = await startTestAws();
  await aws.s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => aws.stop());

const put = (Key: string, Body: string, extra: Partial<PutObjectCommand['input']> = {}) =>
  aws.s3.send(new PutObjectCommand({ Bucket, Key, Body, ...extra }));
const read = async (Key: string): Promise<string | undefined> =>
  (await aws.s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
const named = (name: string) => expect.objectContaining({ name });

test('gives an object back as it was put, whatever its key', async () => {
  for (const key of ['plain.txt', 'a b/ü+&=?.txt', "o'brien (1)!*.txt", 'dots/../up', 'tail/']) {
    await put(key, `body of ${key}`);
    expect(await read(key)).toBe(`body of ${key}`);
  }
  const listed = await aws.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'a b/' }));
  expect(listed.Contents?.map((o) => o.Key)).toEqual(['a b/ü+&=?.txt']);
});

test('keeps every byte of a stream', async () => {
  const body = Buffer.alloc(300_000, 'tunegate');
  await aws.s3.send(
    new PutObjectCommand({ Bucket, Key: 'stream', Body: Readable.from([body]), ContentLength: body.length }),
  );
  const { Body } = await aws.s3.send(new GetObjectCommand({ Bucket, Key: 'stream' }));
  expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
});

test('refuses another secret, another key id and no signature at all', async () => {
  const withCredentials = (credentials: typeof TEST_CREDENTIALS) =>
    new S3Client({ endpoint: aws.url, region: 'us-east-1', forcePathStyle: true, credentials });
  const list = new ListObjectsV2Command({ Bucket });
  await expect(withCredentials({ ...TEST_CREDENTIALS, secretAccessKey: 'x' }).send(list)).rejects.toEqual(
    named('SignatureDoesNotMatch'),
  );
  await expect(withCredentials({ ...TEST_CREDENTIALS, accessKeyId: 'x' }).send(list)).rejects.toEqual(
    named('InvalidAccessKeyId'),
  );
  expect((await fetch(`${aws.url}/${Bucket}`)).status).toBe(403);
  expect((await fetch(`${aws.url}/${Bucket}/x`, { method: 'PUT', body: 'x' })).status).toBe(403);
});

test('refuses a body other than the one that was signed', async () => {
  const client = new S3Client({
    endpoint: aws.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: TEST_CREDENTIALS,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  client.middlewareStack.add(
    (next) => (args) => {
      Object.assign(args.request as object, { body: 'other' });
      return next(args);
    },
    { step: 'finalizeRequest', name: 'swapBody', priority: 'low' },
  );
  await expect(
    client.send(new PutObjectCommand({ Bucket, Key: 'swapped', Body: 'right' })),
  ).rejects.toBeDefined();
  await expect(aws.s3.send(new HeadObjectCommand({ Bucket, Key: 'swapped' }))).rejects.toEqual(
    named('NotFound'),
  );
});

test('a presigned address works for its method, key and time, and no other', async () => {
  const url = await getSignedUrl(aws.s3, new PutObjectCommand({ Bucket, Key: 'presigned' }), {
    expiresIn: 60,
  });
  expect((await fetch(url, { method: 'PUT', body: 'by address' })).status).toBe(200);
  expect(await read('presigned')).toBe('by address');
  expect((await fetch(url)).status).toBe(403);
  expect((await fetch(url.replace('/presigned?', '/other?'), { method: 'PUT', body: 'x' })).status).toBe(403);
  const past = await getSignedUrl(aws.s3, new GetObjectCommand({ Bucket, Key: 'presigned' }), {
    expiresIn: 1,
    signingDate: new Date(Date.now() - 5_000),
  });
  expect((await fetch(past)).status).toBe(403);
  const download = await getSignedUrl(
    aws.s3,
    new GetObjectCommand({
      Bucket,
      Key: 'presigned',
      ResponseContentDisposition: 'attachment; filename=x.txt',
    }),
  );
  const answer = await fetch(download);
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename=x.txt');
  expect(await answer.text()).toBe('by address');
});

test('a form upload keeps to its policy', async () => {
  const { url, fields } = await createPresignedPost(aws.s3, {
    Bucket,
    Key: 'tenants/t1/$'.concat('{filename}'), // S3 puts the file's own name here
    Conditions: [
      ['content-length-range', 1, 10],
      ['starts-with', '$key', 'tenants/t1/'],
    ],
    Expires: 60,
  });
  const post = (over: Record<string, string>, body: string) => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ ...fields, ...over })) form.append(name, value);
    form.append('file', new Blob([body]), 'data.jsonl');
    return fetch(url, { method: 'POST', body: form });
  };
  expect((await post({}, 'small')).status).toBe(204);
  expect(await read('tenants/t1/data.jsonl')).toBe('small');
  expect((await post({}, 'far too large a file')).status).toBe(400);
  expect((await post({}, '')).status).toBe(400);
  expect((await post({ key: 'tenants/t2/x' }, 'small')).status).toBe(403);
  expect((await post({ 'X-Amz-Signature': '0'.repeat(64) }, 'small')).status).toBe(403);
  expect((await post({ 'x-amz-meta-more': 'x' }, 'small')).status).toBe(403);
});

test('a form with a large file keeps to its policy, and its bytes stay what they are', async () => {
  const large = Buffer.alloc(25_000_000, 'a line of text\r\n--boundary\r\n');
  const presigned = (maxBytes: number) =>
    createPresignedPost(aws.s3, {
      Bucket,
      Key: 'tenants/t1/large',
      Conditions: [['content-length-range', 1, maxBytes]],
      Expires: 60,
    });
  const post = async (maxBytes: number, over: Record<string, string> = {}) => {
    const { url, fields } = await presigned(maxBytes);
    const form = new FormData();
    for (const [name, value] of Object.entries({ ...fields, ...over })) form.append(name, value);
    form.append('file', new Blob([large]), 'data.jsonl');
    return (await fetch(url, { method: 'POST', body: form })).status;
  };
  expect(await post(large.length - 1)).toBe(400);
  expect(await post(large.length, { key: 'tenants/t2/x' })).toBe(403);
  expect(await post(large.length, { 'X-Amz-Signature': '0'.repeat(64) })).toBe(403);
  await expect(read('tenants/t1/large')).rejects.toEqual(named('NoSuchKey'));
  expect(await post(large.length)).toBe(204);
  const { Body } = await aws.s3.send(new GetObjectCommand({ Bucket, Key: 'tenants/t1/large' }));
  expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(large)).toBe(true);
});

test('of many that create one object, one does', async () => {
  const attempts = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) => put('once', String(i), { IfNoneMatch: '*' })),
  );
  expect(attempts.filter((a) => a.status === 'fulfilled')).toHaveLength(1);
  for (const attempt of attempts) {
    if (attempt.status === 'rejected') expect(attempt.reason).toEqual(named('PreconditionFailed'));
  }
});

test('a conditional write needs the entity tag of what is there', async () => {
  const { ETag = '' } = await put('versioned', 'one');
  await put('versioned', 'two', { IfMatch: ETag });
  await expect(put('versioned', 'three', { IfMatch: ETag })).rejects.toEqual(named('PreconditionFailed'));
  await expect(put('missing', 'x', { IfMatch: ETag })).rejects.toEqual(named('NoSuchKey'));
  expect(await read('versioned')).toBe('two');
  await aws.s3.send(new DeleteObjectCommand({ Bucket, Key: 'versioned' }));
  await expect(read('versioned')).rejects.toEqual(named('NoSuchKey'));
});

test('puts an object together from its parts', async () => {
  const Key = 'parts';
  const { UploadId } = await aws.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const bodies = [Buffer.alloc(5 * 1024 * 1024, 'a'), Buffer.from('end')];
  const Parts = await Promise.all(
    bodies.map(async (Body, i) => {
      const part = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: i + 1, Body });
      return { PartNumber: i + 1, ETag: (await aws.s3.send(part)).ETag };
    }),
  );
  await aws.s3.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
  );
  const head = await aws.s3.send(new HeadObjectCommand({ Bucket, Key }));
  expect(head.ContentLength).toBe(5 * 1024 * 1024 + 3);
});

test('refuses a body above the cap and goes on', async () => {
  await expect(put('huge', 'x'.repeat(12 * 1024 * 1024))).rejects.toEqual(named('EntityTooLarge'));
  await put('after', 'x');
});

test("answers a browser's CORS questions", async () => {
  const answer = await fetch(`${aws.url}/${Bucket}/x`, {
    method: 'OPTIONS',
    headers: { origin: 'http://console.test', 'access-control-request-headers': 'content-type' },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('access-control-allow-origin')).toBe('http://console.test');
  expect(answer.headers.get('access-control-allow-methods')).toContain('PUT');
});

test('queues pass, and are signed too', async () => {
  await aws.sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  const QueueUrl = `${aws.url}/000000000000/q`;
  await aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
  const { Messages } = await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages?.map((m) => m.Body)).toEqual(['hello']);
  const forger = new SQSClient({
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: { ...TEST_CREDENTIALS, secretAccessKey: 'x' },
  });
  await expect(
    forger.send(new SendMessageCommand({ QueueUrl, MessageBody: 'forged' })),
  ).rejects.toBeDefined();
});

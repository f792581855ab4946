import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateInferenceComponentCommand,
  DescribeInferenceComponentCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import {
  InvokeEndpointCommand,
  InvokeEndpointWithResponseStreamCommand,
  SageMakerRuntimeClient,
} from '@aws-sdk/client-sagemaker-runtime';
import { vi } from 'vitest';
import { ownEndpoint } from '#io/sagemaker/ownEndpoint.ts';
import { startChild, stopChild } from '#local/services/child.ts';
import { NATIVE_MEMORY } from '#local/services/nativeMemory.ts';
import { NODE_FLAGS } from '#local/services/nodeFlags.ts';

export const TEST_ENDPOINT = 'tunegate-inference';
export const TEST_PLACES = { endpointName: TEST_ENDPOINT, baseComponent: 'tunegate-nano' };

export type TestSageMaker = {
  readonly url: string;
  readonly pid: number | undefined;
  readonly dataDirectory: string;
  readonly control: SageMakerClient;
  readonly runtime: SageMakerRuntimeClient;
  readonly stats: () => Promise<{
    rssMb: number;
    engines: { baseId: string; open: number; users: number; opened: number; openMs: number[] }[];
  }>;
  /** A plain call; answers the container's parsed body. */
  readonly invoke: (component: string, body: object, endpoint?: string) => Promise<ChatAnswer>;
  /** A streaming call; answers the text of all of its payload parts. */
  readonly stream: (component: string, body: object) => Promise<string>;
  /** Creates a component of an adapter and waits until it is no longer Creating. */
  readonly deploy: (name: string, artifactUrl: string, endpoint?: string) => Promise<void>;
  /** SIGKILL; the data directory stays. */
  readonly kill: () => Promise<void>;
  /** `keepData` leaves the data directory for a restart. */
  readonly stop: (options?: { readonly keepData?: boolean }) => Promise<void>;
};

export type ChatAnswer = {
  readonly model: string;
  readonly choices: readonly { message: { content: string }; finish_reason: string; text?: string }[];
  readonly usage: { prompt_tokens: number; completion_tokens: number };
};

/** The local SageMaker as a process of its own, with real SDK clients pointed at it. */
export async function startTestSageMaker(
  options: {
    readonly dataDirectory?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly args?: readonly string[];
  } = {},
): Promise<TestSageMaker> {
  const dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'tunegate-sagemaker-'));
  const { url, child } = await startProcess(dataDirectory, options.env ?? {}, options.args ?? []);
  const config = {
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  const control = new SageMakerClient(config);
  const runtime = new SageMakerRuntimeClient(config);
  const input = (component: string, body: object, endpoint?: string) => ({
    EndpointName: ownEndpoint(TEST_ENDPOINT, endpoint),
    InferenceComponentName: component,
    ContentType: 'application/json',
    Body: Buffer.from(JSON.stringify(body)),
  });
  return {
    url,
    pid: child.pid,
    dataDirectory,
    control,
    runtime,
    stats: async () => JSON.parse(await (await fetch(`${url}/stats`)).text()),
    invoke: async (component, body, endpoint) => {
      const answer = await runtime.send(new InvokeEndpointCommand(input(component, body, endpoint)));
      return JSON.parse(Buffer.from(answer.Body ?? []).toString('utf8'));
    },
    stream: async (component, body) => {
      const answer = await runtime.send(new InvokeEndpointWithResponseStreamCommand(input(component, body)));
      const parts: Uint8Array[] = [];
      for await (const event of answer.Body ?? []) parts.push(event.PayloadPart?.Bytes ?? new Uint8Array());
      return Buffer.concat(parts).toString('utf8');
    },
    deploy: async (InferenceComponentName, ArtifactUrl, endpoint) => {
      await control.send(
        new CreateInferenceComponentCommand({
          InferenceComponentName,
          EndpointName: ownEndpoint(TEST_ENDPOINT, endpoint),
          Specification: {
            BaseInferenceComponentName: ownEndpoint('tunegate-nano', endpoint),
            Container: { ArtifactUrl },
          },
        }),
      );
      const describe = new DescribeInferenceComponentCommand({ InferenceComponentName });
      await vi.waitUntil(async () => (await control.send(describe)).InferenceComponentStatus !== 'Creating', {
        timeout: 10_000,
        interval: 20,
      });
    },
    kill: async () => {
      control.destroy();
      runtime.destroy();
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
    stop: async ({ keepData = false } = {}) => {
      control.destroy();
      runtime.destroy();
      await stopChild(child);
      if (!keepData) rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

async function startProcess(
  dataDirectory: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
) {
  let ready: (url: string) => void = () => undefined;
  const url = new Promise<string>((resolve) => {
    ready = resolve;
  });
  const lines: string[] = [];
  const child = startChild({
    command: process.execPath,
    env: { ...NATIVE_MEMORY, ...env },
    args: [
      ...NODE_FLAGS,
      'lib/local/sagemaker/main.ts',
      '--data',
      dataDirectory,
      '--endpoint',
      TEST_ENDPOINT,
      ...args,
    ],
    onLine: (line) => {
      lines.push(line);
      const found = /^\{"ready":true,"url":"([^"]+)"\}$/u.exec(line)?.[1];
      if (found !== undefined) ready(found);
    },
  });
  const died = new Promise<never>((_, reject) =>
    child.once('exit', () => reject(new Error(`the local SageMaker ended: ${lines.join('\n')}`))),
  );
  died.catch(() => undefined);
  return { url: await Promise.race([url, died]), child };
}

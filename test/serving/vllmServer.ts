import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { servingEnvironment } from '#infra/constructs/servingEnvironment.ts';
import { findEnvironment } from '#infra/environments.ts';
import { freePort } from '#local/services/dynamodb.ts';

const READY_WITHIN_MS = 540_000;
const POLL_MS = 500;
const PREFIX = 'SM_VLLM_';

export const BASE_DIRECTORY = 'containers/bases/tunegate-nano';
export const SECRET = 'the-secret-of-the-gpu-server';

export type VllmServer = {
  /** Without a path. */
  readonly url: string;
  /** Everything it wrote, so far. */
  readonly output: () => string;
  /** Ends it and its workers at once, as a machine that dies. */
  readonly kill: () => Promise<void>;
};

/** Starts vLLM on this machine's processor with the settings that its image gets in `dev`, and a secret. */
export async function startVllm(): Promise<VllmServer> {
  const { inference } = findEnvironment('dev');
  const settings = { ...servingEnvironment(inference), SM_VLLM_MODEL: BASE_DIRECTORY };
  const port = await freePort();
  const process_ = launch(
    [...imageOptions(settings), '--host', '127.0.0.1', '--port', String(port)],
    settings,
  );
  const url = `http://127.0.0.1:${port}`;
  let output = '';
  for (const stream of [process_.stdout, process_.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<void>((resolve) => process_.once('close', () => resolve()));
  const kill = async (): Promise<void> => {
    if (process_.exitCode === null && process_.signalCode === null && process_.pid !== undefined)
      process.kill(-process_.pid, 'SIGKILL'); // its group, so that the workers go too
    await ended;
  };
  const startedMs = performance.now();
  while (!(await answersPing(url))) {
    if (process_.exitCode !== null || performance.now() - startedMs > READY_WITHIN_MS) {
      await kill();
      throw new Error(`vLLM did not start: ${output.slice(-4_000)}`);
    }
    await sleep(POLL_MS);
  }
  return { url, output: () => output, kill };
}

/** One of vLLM's own measures, such as `num_requests_running`. */
export async function metricOf({ url }: VllmServer, name: string): Promise<number> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  const line = lines.find((known) => known.startsWith(`vllm:${name}{`));
  return Number(line?.split(' ').at(-1));
}

/**
 * What the image's entry point makes of its variables: each becomes an option of its name, `true` stands for an
 * option without a value. Source: sagemaker_args.py of AWS's deep learning containers.
 */
export const imageOptions = (environment: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(environment)
    .filter(([name]) => name.startsWith(PREFIX))
    .flatMap(([name, value]) => {
      const option = `--${name.slice(PREFIX.length).toLowerCase().replaceAll('_', '-')}`;
      return value === 'true' ? [option] : [option, value];
    });

function launch(options: readonly string[], settings: Readonly<Record<string, string>>): ChildProcess {
  const python = process.env['TUNEGATE_PYTHON'] ?? 'python3';
  return spawn(python, ['test/serving/serveVllm.py', ...options, '--api-key', SECRET, '--enforce-eager'], {
    detached: true, // a group of its own, which is ended as one
    stdio: 'pipe', // stdin stays open as long as the tests run
    env: {
      ...process.env,
      ...settings,
      // A processor in place of a GPU, no network, and no statistics sent.
      VLLM_CPU_KVCACHE_SPACE: '1',
      VLLM_CPU_OMP_THREADS_BIND: 'nobind',
      OMP_NUM_THREADS: '2',
      HF_HUB_OFFLINE: '1',
      VLLM_NO_USAGE_STATS: '1',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
}

const answersPing = async (url: string): Promise<boolean> =>
  fetch(`${url}/ping`).then(
    ({ ok }) => ok,
    () => false,
  );

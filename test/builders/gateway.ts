import type { Route } from '#api/routes.ts';
import { FUNCTIONS, type FunctionDefinition } from '#io/definitions/functions.ts';
import { makeGateway } from '#local/host/gateway.ts';
import { type Handler, makeLocalFunction } from '#local/host/localFunction.ts';
import { listenOnLoopback } from '#local/shared/serviceMain.ts';

export type TestGateway = {
  readonly url: string;
  /** What went wrong inside, as the log has it. */
  readonly log: readonly string[];
  readonly stop: () => Promise<void>;
};

type Handlers = Partial<Record<Route['function'] | 'authorizer', Handler>>;

/** The local API Gateway in front of handlers of a test's own; what has none answers 500. */
export async function startTestGateway(handlers: Handlers, timeoutSeconds?: number): Promise<TestGateway> {
  const log: string[] = [];
  const make = (name: keyof Required<Handlers>) => {
    const definition: FunctionDefinition = FUNCTIONS[name];
    const missing: Handler = () => {
      throw new Error(`no ${name}`);
    };
    return makeLocalFunction(
      name,
      { ...definition, timeoutSeconds: timeoutSeconds ?? definition.timeoutSeconds },
      handlers[name] ?? missing,
    );
  };
  const gateway = makeGateway({
    functions: {
      chat: make('chat'),
      account: make('account'),
      control: make('control'),
      files: make('files'),
      'fine-tuning': make('fine-tuning'),
      adapters: make('adapters'),
      'dodo-webhook': make('dodo-webhook'),
      authorizer: make('authorizer'),
    },
    log: (message, error) => log.push(`${message}: ${error}`),
  });
  const origin = await listenOnLoopback(gateway.server, 0);
  return {
    url: `${origin}/v1`,
    log,
    stop: gateway.close,
  };
}

import {
  CreateInferenceComponentCommand,
  DeleteInferenceComponentCommand,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, type SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import * as z from 'zod/mini';
import type { AdapterEndpoint, EndpointRefused } from '#core/adapters/ports.ts';
import { PROBE_LIMITS } from '#core/adapters/probes.ts';
import { componentNameOf } from '#core/adapters/types.ts';
import type { AdapterId } from '#core/shared/ids.ts';
import { err, ok } from '#core/shared/result.ts';
import { copiesOf, describeComponent, isMissing, messageOf, nameOf, STATES } from './components.ts';
import { ownEndpoint } from './ownEndpoint.ts';
import { refusalOf } from './refusals.ts';

export type AdapterEndpointOptions = {
  readonly control: SageMakerClient;
  readonly runtime: SageMakerRuntimeClient;
  readonly endpointName: string;
  /** The base model's inference component, and what the base itself is called in calls. */
  readonly baseComponent: string;
  readonly baseModel: string;
  readonly bucket: string;
};

/** The endpoint that serves bases and adapters, on SageMaker's inference components. */
export function makeAdapterEndpoint(options: AdapterEndpointOptions): AdapterEndpoint {
  const { control, runtime, endpointName, baseComponent, baseModel, bucket } = options;
  return {
    describe: async (name) => {
      const found = await describeComponent(control, name);
      if (found?.InferenceComponentStatus === undefined) return undefined;
      return { status: STATES[found.InferenceComponentStatus], failureReason: found.FailureReason ?? null };
    },
    create: async (name, archiveKey, endpoint) => {
      try {
        await control.send(
          new CreateInferenceComponentCommand({
            InferenceComponentName: name,
            EndpointName: ownEndpoint(endpointName, endpoint),
            Specification: {
              BaseInferenceComponentName: ownEndpoint(baseComponent, endpoint),
              Container: { ArtifactUrl: `s3://${bucket}/${archiveKey}` },
            },
          }),
        );
        return ok('created');
      } catch (error) {
        return /already exist/iu.test(messageOf(error)) ? ok('exists') : err(refusalFor(error));
      }
    },
    remove: async (name) => {
      try {
        await control.send(new DeleteInferenceComponentCommand({ InferenceComponentName: name }));
        return ok('removing');
      } catch (error) {
        return isMissing(error) ? ok('gone') : err(refusalFor(error));
      }
    },
    copies: (endpoint) => copiesOf(control, ownEndpoint(baseComponent, endpoint)),
    ask: async (adapterId, probe, endpoint) => {
      const component =
        adapterId === null ? ownEndpoint(baseComponent, endpoint) : componentNameOf(adapterId, endpoint);
      try {
        const answer = await runtime.send(
          new InvokeEndpointCommand({
            EndpointName: ownEndpoint(endpointName, endpoint),
            InferenceComponentName: component,
            ContentType: 'application/json',
            Body: Buffer.from(JSON.stringify(bodyOf(adapterId ?? baseModel, probe.messages))),
          }),
        );
        return ok(readAnswer(answer.Body ?? new Uint8Array()));
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal.code === 'engine_rejected') return err({ code: 'ask_failed', message: refusal.message });
        const message = refusal.code === 'engine_failed' ? refusal.message : 'not awake yet';
        return err({ code: 'loading', message });
      }
    },
  };
}

const bodyOf = (model: AdapterId | string, messages: unknown) => ({
  model,
  messages,
  temperature: 0,
  max_tokens: PROBE_LIMITS.answerTokens,
});

const Answer = z.object({
  model: z.nullish(z.string()),
  choices: z.array(z.object({ message: z.object({ content: z.nullish(z.string()) }) })).check(z.minLength(1)),
});

function readAnswer(body: Uint8Array) {
  const { model, choices } = z.parse(Answer, JSON.parse(Buffer.from(body).toString('utf8')));
  return { model: model ?? null, text: choices[0]?.message.content ?? '' };
}

/** What SageMaker refuses, by what is to be done about it; a failure of the network or of SageMaker is thrown. */
function refusalFor(error: unknown): EndpointRefused {
  const [name, message] = [nameOf(error), messageOf(error)];
  if (name === 'ResourceLimitExceeded') return { code: 'quota', message };
  if (name === 'ThrottlingException') return { code: 'busy', message };
  // While an endpoint or a component changes, everything else about it is refused.
  if (
    name === 'ValidationException' &&
    /in.?progress|while|creating|updating|deleting|not InService/iu.test(message)
  )
    return { code: 'busy', message };
  if (name === 'ValidationException') return { code: 'invalid', message };
  throw error;
}

import { shadowOf } from '#core/routing/chooseVersion.ts';
import { engineBody } from './engineBody.ts';
import type { HeldCall } from './measureCall.ts';
import type { InferencePorts } from './ports.ts';
import { answerHash, type Tally } from './tally.ts';

/** SQS takes 256 KB; a longer prompt is left out of the sample. */
const MAX_PROMPT_CHARACTERS = 60_000;

/**
 * Sends a copy of an answered call to the model's shadow, where there is one and the call is in its sample. Begins
 * after the answer, and never throws: whatever becomes of the copy is nothing to the call.
 */
export async function sendShadow(ports: InferencePorts, call: HeldCall, tally: Tally): Promise<void> {
  const { caller, request, requestId, plan } = call;
  const version = shadowOf(plan.route, requestId);
  if (version === undefined) return;
  const { maxTokens } = plan;
  const body = engineBody(request, { maxTokens });
  if (JSON.stringify(body).length > MAX_PROMPT_CHARACTERS) return;
  try {
    await ports.shadows.send({
      requestId,
      tenantId: caller.tenant.id,
      alias: request.model,
      version,
      body,
      choices: request.choices,
      answerHash: answerHash(tally),
    });
  } catch (error) {
    ports.log.warn('a call could not be copied to its shadow', { requestId, error });
  }
}

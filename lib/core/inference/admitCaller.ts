import { err, ok, type Result } from '#core/shared/result.ts';
import type { Caller } from '#core/tenants/ports.ts';
import type { InferencePorts } from './ports.ts';
import { KEY_REFUSED } from './refusals.ts';
import type { InferenceRefused } from './types.ts';

/** Whose call this is, from its `Authorization` header. Errors: invalid_api_key, insufficient_scope. */
export async function admitCaller(
  ports: Pick<InferencePorts, 'authenticate' | 'world'>,
  authorization: string | undefined,
): Promise<Result<Caller, InferenceRefused>> {
  const caller = await ports.authenticate(authorization, ports.world.clock());
  if (caller === undefined) return err(KEY_REFUSED);
  if (!caller.key.scopes.includes('chat')) {
    return err({
      code: 'insufficient_scope',
      message: 'This API key lacks the scope "chat". Use a key that has it.',
      param: null,
    });
  }
  return ok(caller);
}

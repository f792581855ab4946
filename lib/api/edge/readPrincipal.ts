import * as z from 'zod/mini';
import type { Principal } from '#api/http.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { parseId } from '#core/shared/ids.ts';
import { SCOPES } from '#core/tenants/types.ts';

const PrincipalText = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('client'),
    tenantId: z.string(),
    keyId: z.string(),
    scopes: z.array(z.enum(SCOPES)),
  }),
  z.object({ kind: z.literal('agency'), actor: z.string() }),
]);

const ANONYMOUS: Principal = { kind: 'anonymous' };

/** What the authorizer writes into its context, which can hold texts only. `readPrincipal` reads it back. */
export const principalContext = (principal: Principal): { readonly principal: string } => ({
  principal: JSON.stringify(principal),
});

/** Who calls, from the authorizer's context; anonymous when no authorizer stood in front of the route. */
export function readPrincipal(context: Readonly<Record<string, unknown>> | undefined): Principal {
  const parsed = PrincipalText.safeParse(parseJson(context?.['principal']));
  if (!parsed.success) return ANONYMOUS;
  if (parsed.data.kind === 'agency') return parsed.data;
  const tenantId = parseId<TenantId>('tenant', parsed.data.tenantId);
  const keyId = parseId<KeyId>('key', parsed.data.keyId);
  if (tenantId === undefined || keyId === undefined) return ANONYMOUS;
  return { kind: 'client', tenantId, keyId, scopes: parsed.data.scopes };
}

function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

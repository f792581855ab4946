import * as z from 'zod/mini';
import { actOf, reasonField } from '#api/control/fields.ts';
import { readBody } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { type ApiRequest, refuse, respond } from '#api/http.ts';
import * as direct from '#core/adapters/directAdapter.ts';
import type { AdapterRouteHandler } from './dispatchAdapters.ts';
import { ADAPTER_NOT_FOUND, adapterBody, adapterRef } from './fields.ts';

const Direction = z.strictObject({ reason: z.optional(reasonField) });

/** A direction with an empty body or `{reason?}`; answers the adapter as it is now. */
const directed =
  (run: typeof direct.deployAdapter, status: 200 | 202): AdapterRouteHandler =>
  async (deps, request) => {
    const body = readBody(withBody(request), Direction);
    if (!body.ok) return refuse(body.error);
    const ref = adapterRef(request);
    if (ref === undefined) return refuse(ADAPTER_NOT_FOUND);
    const done = await run(deps, ref, actOf(request, body.value.reason));
    return done.ok ? respond(status, adapterBody(done.value)) : refuse(refusalOf(done.error));
  };

/** `POST …/adapters/{adapter}/deploy` → 202; `status` says when it is deployed. Repeated, it is looked after again. */
export const deployAdapter = directed(direct.deployAdapter, 202);

/** `POST …/adapters/{adapter}/undeploy` → 202. 409 while a model name leads to it. */
export const undeployAdapter = directed(direct.undeployAdapter, 202);

/** `POST …/adapters/{adapter}/retire` → 200. 409 while it is deployed. */
export const retireAdapter = directed(direct.retireAdapter, 200);

/** Nothing to say is said by no body at all. */
const withBody = (request: ApiRequest): Pick<ApiRequest, 'headers' | 'body'> =>
  request.body.length === 0 ? { headers: {}, body: Buffer.from('{}') } : request;

function refusalOf(error: direct.NotDirected): ApiError {
  switch (error.code) {
    case 'adapter_not_found':
      return ADAPTER_NOT_FOUND;
    case 'adapter_retired':
      return {
        code: 'conflict',
        message: 'This adapter is retired. Register its archive again to bring it back.',
      };
    case 'adapter_moving':
      return {
        code: 'conflict',
        message: 'This adapter is still leaving another endpoint. Deploy it again in some minutes.',
      };
    case 'adapter_deployed':
      return { code: 'conflict', message: 'This adapter is deployed. Undeploy it first.' };
    case 'adapter_in_use':
      return {
        code: 'conflict',
        message: `Model names lead to this adapter: ${error.aliases.slice(0, 5).join(', ')}. Remove them, or lead them elsewhere, first.`,
      };
    default:
      return error satisfies never;
  }
}

import * as z from 'zod/mini';
import type { Component } from './componentFile.ts';
import { LIST_FIELDS, listPage } from './listPage.ts';
import { parseInput } from './parseInput.ts';

const ListInput = z.strictObject({
  ...LIST_FIELDS,
  SortBy: z._default(z.enum(['Name', 'CreationTime', 'Status']), 'CreationTime'),
  SortOrder: z._default(z.enum(['Ascending', 'Descending']), 'Descending'),
  EndpointNameEquals: z.optional(z.string()),
  VariantNameEquals: z.optional(z.string()),
  StatusEquals: z.optional(z.enum(['InService', 'Creating', 'Updating', 'Failed', 'Deleting'])),
});

/** A page of ListInferenceComponents, newest first unless asked otherwise, and where the next one begins. */
export function listComponents(components: readonly Component[], body: unknown) {
  const input = parseInput(ListInput, body ?? {});
  const asked = components.filter(
    ({ endpointName, status }) =>
      endpointName === (input.EndpointNameEquals ?? endpointName) &&
      (input.VariantNameEquals ?? 'AllTraffic') === 'AllTraffic' &&
      status === (input.StatusEquals ?? status),
  );
  return listPage(asked, input);
}

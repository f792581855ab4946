import * as z from 'zod/mini';
import type { Component } from './componentFile.ts';
import { AwsError } from './http.ts';
import { parseInput } from './parseInput.ts';

const DEFAULT_PAGE = 10;
const MAX_PAGE = 100;

/** Times come in seconds, with a fraction. */
const seconds = z.optional(z.number());
const ListInput = z.object({
  MaxResults: z.optional(z.int().check(z.gte(1), z.lte(MAX_PAGE))),
  NextToken: z.optional(z.string()),
  SortBy: z._default(z.enum(['Name', 'CreationTime', 'Status']), 'CreationTime'),
  SortOrder: z._default(z.enum(['Ascending', 'Descending']), 'Descending'),
  NameContains: z.optional(z.string()),
  EndpointNameEquals: z.optional(z.string()),
  VariantNameEquals: z.optional(z.string()),
  StatusEquals: z.optional(z.enum(['InService', 'Creating', 'Updating', 'Failed', 'Deleting'])),
  CreationTimeAfter: seconds,
  CreationTimeBefore: seconds,
  LastModifiedTimeAfter: seconds,
  LastModifiedTimeBefore: seconds,
});
type ListInput = z.infer<typeof ListInput>;

const Token = z.tuple([z.string(), z.string()]);
const TIME_DIGITS = 16;

/** A page of ListInferenceComponents, newest first unless asked otherwise, and where the next one begins. */
export function listComponents(components: readonly Component[], body: unknown) {
  const input = parseInput(ListInput, body ?? {});
  const direction = input.SortOrder === 'Ascending' ? 1 : -1;
  const sorted = components
    .filter((component) => isAsked(component, input))
    .map((component) => ({ component, place: placeOf(component, input.SortBy) }))
    .sort((a, b) => direction * compare(a.place, b.place));
  const after = input.NextToken === undefined ? undefined : readToken(input.NextToken);
  const rest =
    after === undefined ? sorted : sorted.filter(({ place }) => direction * compare(place, after) > 0);
  const page = rest.slice(0, input.MaxResults ?? DEFAULT_PAGE);
  const last = page.at(-1);
  return {
    shown: page.map(({ component }) => component),
    next: last !== undefined && rest.length > page.length ? writeToken(last.place) : undefined,
  };
}

function isAsked(component: Component, input: ListInput): boolean {
  const created = component.createdAtMs / 1000;
  const updated = component.updatedAtMs / 1000;
  return (
    component.name.includes(input.NameContains ?? '') &&
    component.endpointName === (input.EndpointNameEquals ?? component.endpointName) &&
    (input.VariantNameEquals ?? 'AllTraffic') === 'AllTraffic' &&
    component.status === (input.StatusEquals ?? component.status) &&
    created > (input.CreationTimeAfter ?? Number.NEGATIVE_INFINITY) &&
    created < (input.CreationTimeBefore ?? Number.POSITIVE_INFINITY) &&
    updated > (input.LastModifiedTimeAfter ?? Number.NEGATIVE_INFINITY) &&
    updated < (input.LastModifiedTimeBefore ?? Number.POSITIVE_INFINITY)
  );
}

/** A place in the order that does not move when others come or go. */
type Place = z.infer<typeof Token>;

function placeOf(component: Component, by: ListInput['SortBy']): Place {
  switch (by) {
    case 'Name':
      return [component.name, component.name];
    case 'Status':
      return [component.status, component.name];
    case 'CreationTime':
      return [String(component.createdAtMs).padStart(TIME_DIGITS, '0'), component.name];
  }
}

const compare = ([a, aName]: Place, [b, bName]: Place): number =>
  a === b ? Number(aName > bName) - Number(aName < bName) : a < b ? -1 : 1;

const writeToken = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url');

function readToken(text: string): Place {
  try {
    return z.parse(Token, JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw new AwsError('ValidationException', 400, 'The NextToken is not valid.');
  }
}

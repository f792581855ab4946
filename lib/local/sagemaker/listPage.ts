import * as z from 'zod/mini';
import { AwsError } from './http.ts';

const DEFAULT_PAGE = 10;
const MAX_PAGE = 100;
const TIME_DIGITS = 16;

/** Times come in seconds, with a fraction. */
const seconds = z.optional(z.number());

/** What every List operation of SageMaker takes. */
export const LIST_FIELDS = {
  MaxResults: z.optional(z.int().check(z.gte(1), z.lte(MAX_PAGE))),
  NextToken: z.optional(z.string()),
  NameContains: z.optional(z.string()),
  CreationTimeAfter: seconds,
  CreationTimeBefore: seconds,
  LastModifiedTimeAfter: seconds,
  LastModifiedTimeBefore: seconds,
};
export type SortBy = 'Name' | 'CreationTime' | 'Status';

const Fields = z.object(LIST_FIELDS);
type ListInput = z.infer<typeof Fields> & {
  readonly SortBy: SortBy;
  readonly SortOrder: 'Ascending' | 'Descending';
};

/** What lists are filtered and sorted by. */
export type Listed = {
  readonly name: string;
  readonly status: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

const Token = z.tuple([z.string(), z.string()]);
/** A place in the order that does not move when others come or go. */
type Place = z.infer<typeof Token>;

/** A page of what passes the common filters, in the order asked for, and where the next one begins. */
export function listPage<T extends Listed>(
  all: readonly T[],
  input: ListInput,
): { readonly shown: readonly T[]; readonly next: string | undefined } {
  const direction = input.SortOrder === 'Ascending' ? 1 : -1;
  const sorted = all
    .filter((listed) => isAsked(listed, input))
    .map((listed) => ({ listed, place: placeOf(listed, input.SortBy) }))
    .sort((a, b) => direction * compare(a.place, b.place));
  const after = input.NextToken === undefined ? undefined : readToken(input.NextToken);
  const rest =
    after === undefined ? sorted : sorted.filter(({ place }) => direction * compare(place, after) > 0);
  const page = rest.slice(0, input.MaxResults ?? DEFAULT_PAGE);
  const last = page.at(-1);
  return {
    shown: page.map(({ listed }) => listed),
    next: last !== undefined && rest.length > page.length ? writeToken(last.place) : undefined,
  };
}

function isAsked({ name, createdAtMs, updatedAtMs }: Listed, input: ListInput): boolean {
  const created = createdAtMs / 1000;
  const updated = updatedAtMs / 1000;
  return (
    name.includes(input.NameContains ?? '') &&
    created > (input.CreationTimeAfter ?? Number.NEGATIVE_INFINITY) &&
    created < (input.CreationTimeBefore ?? Number.POSITIVE_INFINITY) &&
    updated > (input.LastModifiedTimeAfter ?? Number.NEGATIVE_INFINITY) &&
    updated < (input.LastModifiedTimeBefore ?? Number.POSITIVE_INFINITY)
  );
}

function placeOf({ name, status, createdAtMs }: Listed, by: SortBy): Place {
  switch (by) {
    case 'Name':
      return [name, name];
    case 'Status':
      return [status, name];
    case 'CreationTime':
      return [String(createdAtMs).padStart(TIME_DIGITS, '0'), name];
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

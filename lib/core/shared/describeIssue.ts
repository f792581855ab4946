import type * as z from 'zod/mini';

/** A mistake in outside data: where (`messages[0].content`; empty for the whole), and what to write instead. */
export type DescribedIssue = { readonly path: string; readonly message: string };

/**
 * Puts the first issue of a schema's error into words. The small build of the schema library carries no texts of
 * its own; a schema that gives its own message is quoted word for word.
 */
export const describeIssue = (error: z.core.$ZodError): DescribedIssue => describeOne(error.issues[0]);

/** The same for any issue of an error that lists several. */
export function describeOne(given: z.core.$ZodIssue | undefined): DescribedIssue {
  const issue = innermost(given);
  if (issue === undefined) return { path: '', message: 'is not valid' };
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return { path: pathText([...issue.path, key]), message: 'is not known here: leave it out' };
  }
  return { path: pathText(issue.path), message: wording(issue) };
}

const GENERIC_MESSAGE = 'Invalid input';

/** Of a union's branches, the one that came furthest is what the writer meant. */
function innermost(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  if (issue?.code !== 'invalid_union' || issue.message !== GENERIC_MESSAGE) return issue;
  const deepest = issue.errors
    .map((branch) => branch[0])
    .filter((inner) => inner !== undefined)
    .sort((a, b) => b.path.length - a.path.length)[0];
  if (deepest === undefined || deepest.path.length === 0) return issue;
  return innermost({ ...deepest, path: [...issue.path, ...deepest.path] });
}

function wording(issue: z.core.$ZodIssue): string {
  if (issue.message !== GENERIC_MESSAGE) return issue.message;
  if (isMissing(issue)) {
    return issue.code === 'invalid_type' ? `is required: give ${article(issue.expected)}` : 'is required';
  }
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}`;
    case 'too_small':
      return `must ${sizeVerb(issue.origin)} at least ${issue.minimum}${sizeUnit(issue.origin)}`;
    case 'too_big':
      return `must ${sizeVerb(issue.origin)} at most ${issue.maximum}${sizeUnit(issue.origin)}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'invalid_format':
      return issue.format === 'datetime'
        ? 'must be a time such as 2026-01-31T00:00:00Z'
        : `must be written as ${issue.format} asks`;
    case 'invalid_union':
      return unionWording(issue);
    default:
      return 'is not valid';
  }
}

/** Known only where the parse reported its input. */
const isMissing = (issue: z.core.$ZodIssue): boolean =>
  issue.path.length > 0 && 'input' in issue && issue.input === undefined;

function unionWording(issue: z.core.$ZodIssueInvalidUnion): string {
  if ('options' in issue && Array.isArray(issue.options)) {
    return `must be ${issue.options.map((value: unknown) => JSON.stringify(value)).join(' or ')}`;
  }
  const branches = issue.errors.map((branch) => branch[0]).filter((inner) => inner !== undefined);
  const words = branches.map((branch) => wording(branch).replace(/^must be /, ''));
  return words.length === 0 ? 'is not valid' : `must be ${[...new Set(words)].join(' or ')}`;
}

const ARTICLES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};
const article = (expected: string): string => ARTICLES[expected] ?? expected;
const sizeVerb = (origin: string): string => (origin === 'string' || origin === 'array' ? 'have' : 'be');
const sizeUnit = (origin: string): string =>
  origin === 'string' ? ' characters' : origin === 'array' ? ' items' : '';

/** A place in a JSON value, `messages[0].content`. */
export const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('');

import type { Llama, LlamaGrammar } from 'node-llama-cpp';
import * as z from 'zod/mini';

export type JsonSchema = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 16;
/** A grammar is compiled while nobody else is served: these bounds keep that below a tenth of a second or so. */
const MAX_SCHEMAS = 1_000;
const MAX_NAMES = 1_000;
const MAX_NAME_CHARACTERS = 16_000;

const ANNOTATIONS = ['title', 'description', 'examples', 'default', '$schema', '$id', '$comment'];
/** What the grammar keeps. A keyword outside would be ignored by it, and the answer might break the schema. */
const ENFORCED = new Set([
  ...ANNOTATIONS,
  'type',
  'enum',
  'const',
  'oneOf',
  'properties',
  'required',
  'additionalProperties',
  'minProperties',
  'maxProperties',
  'items',
  'prefixItems',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'format',
  '$defs',
  '$ref',
]);

const MAX_LEAST = 1_000;

// What llama.cpp's grammar parser cannot read it prints whole, and a schema may hold what belongs in no log: so the
// two things that it is known to stumble over, long repetitions and NUL characters, are refused before.
const count = z.optional(z.int().check(z.minimum(0)));
const least = z.optional(z.int().check(z.minimum(0), z.maximum(MAX_LEAST)));
const literal = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const BASIC_TYPES = ['string', 'number', 'integer', 'boolean', 'null'] as const;
const anySchemas = z.record(z.string(), z.unknown());

/** The values that the keywords may have; the library reads any other as if it were not there, or as null. */
const Keywords = z.object({
  type: z.optional(
    z.union([
      z.enum([...BASIC_TYPES, 'object', 'array']),
      z.array(z.enum(BASIC_TYPES)).check(z.minLength(1)),
    ]),
  ),
  enum: z.optional(z.array(literal).check(z.minLength(1))),
  const: z.optional(literal),
  oneOf: z.optional(z.array(z.unknown()).check(z.minLength(1))),
  properties: z.optional(anySchemas),
  required: z.optional(z.array(z.string())),
  additionalProperties: z.optional(z.unknown()),
  minProperties: least,
  maxProperties: count,
  items: z.optional(z.unknown()),
  prefixItems: z.optional(z.array(z.unknown())),
  minItems: least,
  maxItems: count,
  minLength: least,
  maxLength: count,
  format: z.optional(z.enum(['date-time', 'time', 'date'])),
  $defs: z.optional(anySchemas),
  $ref: z.optional(z.string()),
});
type Keywords = z.infer<typeof Keywords>;

/** What has been seen of one schema, all of its parts together. */
type Seen = { readonly definitions: ReadonlySet<string>; schemas: number; names: number; characters: number };

/** Says what of a JSON schema the local engine's grammar cannot enforce, or undefined when it keeps all of it. */
export function unsupportedInSchema(schema: unknown): string | undefined {
  const root = z.safeParse(z.object({ $defs: anySchemas }), schema);
  const definitions = new Set(Object.keys(root.data?.$defs ?? {}));
  return problemIn(schema, 0, { definitions, schemas: 0, names: 0, characters: 0 });
}

function problemIn(schema: unknown, depth: number, seen: Seen): string | undefined {
  if (depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep`;
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return 'is not a JSON schema';
  const unknownKey = Object.keys(schema).find((key) => !ENFORCED.has(key));
  if (unknownKey !== undefined)
    return `uses ${JSON.stringify(unknownKey.slice(0, 64))}, which the local engine cannot enforce`;
  const parsed = z.safeParse(Keywords, schema);
  if (!parsed.success)
    return `gives ${String(parsed.error.issues[0]?.path[0])} a value that the local engine cannot enforce`;
  return (
    tooMuchIn(parsed.data, seen) ??
    contradictionIn(parsed.data) ??
    unclearIn(parsed.data, depth, seen) ??
    firstProblem(partsOf(parsed.data), depth + 1, seen)
  );
}

function firstProblem(parts: readonly unknown[], depth: number, seen: Seen): string | undefined {
  for (const part of parts) {
    const problem = problemIn(part, depth, seen);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function tooMuchIn(keywords: Keywords, seen: Seen): string | undefined {
  const values = [...(keywords.enum ?? []), ...(keywords.const === undefined ? [] : [keywords.const])];
  const names = [...Object.keys(keywords.properties ?? {}), ...values.map(String)];
  seen.schemas += 1;
  seen.names += names.length;
  seen.characters += names.reduce((sum, name) => sum + name.length, 0);
  if (names.some((name) => name.includes('\0'))) return 'holds a NUL character';
  const isTooMuch =
    seen.schemas > MAX_SCHEMAS || seen.names > MAX_NAMES || seen.characters > MAX_NAME_CHARACTERS;
  return isTooMuch
    ? `is too large: at most ${MAX_SCHEMAS} parts, ${MAX_NAMES} properties and values, ${MAX_NAME_CHARACTERS} characters in them`
    : undefined;
}

/** What no answer could keep. */
function contradictionIn(keywords: Keywords): string | undefined {
  const bounds = [
    [keywords.minLength, keywords.maxLength],
    [keywords.minItems, keywords.maxItems],
    [keywords.minProperties, keywords.maxProperties],
  ];
  if (bounds.some(([least = 0, most = Infinity]) => least > most)) return 'has a minimum above its maximum';
  const lacking = keywords.required?.find((name) => !Object.hasOwn(keywords.properties ?? {}, name));
  return lacking === undefined ? undefined : 'requires a property that is not among its properties';
}

/** The library follows one of these keywords and drops the others, or takes a schema without any for null. */
function unclearIn(keywords: Keywords, depth: number, { definitions }: Seen): string | undefined {
  const { $ref, oneOf, type, properties, items } = keywords;
  if (depth > 0 && keywords.$defs !== undefined) return 'has $defs below its root';
  const isValue = keywords.enum !== undefined || keywords.const !== undefined;
  const shapes = [$ref, oneOf, isValue ? true : type].filter((shape) => shape !== undefined);
  if (shapes.length !== 1 || (isValue && (type === 'object' || type === 'array')))
    return 'needs, in each of its parts, one of type, enum, const, oneOf and $ref';
  if ((properties !== undefined && type !== 'object') || (items !== undefined && type !== 'array'))
    return 'has properties or items on what is no object or array';
  if ($ref !== undefined && !definitions.has($ref.replace(/^#\/\$defs\//, '')))
    return 'refers to something that is not in its $defs';
  return undefined;
}

const partsOf = ({ properties, $defs, oneOf, prefixItems, items, additionalProperties }: Keywords) => [
  ...Object.values(properties ?? {}),
  ...Object.values($defs ?? {}),
  ...(oneOf ?? []),
  ...(prefixItems ?? []),
  ...(items === undefined ? [] : [items]),
  ...(additionalProperties === undefined || typeof additionalProperties === 'boolean'
    ? []
    : [additionalProperties]),
];

// The library's grammars end with line feeds, by which its own chat session knows the end. Without them the only
// thing that the grammar allows after the JSON is the model's end of turn.
const LIBRARY_END = / "\\n\\n\\n\\n" \[\\n\]\*$/mu;

/** The grammar that lets through nothing but JSON of this schema. Throws for a schema that the library rejects. */
export async function schemaGrammar(llama: Llama, schema: JsonSchema): Promise<LlamaGrammar> {
  // The library types each form of a schema; this one was checked form by form, so it goes in as plain JSON.
  const { grammar } = await llama.createGrammarForJsonSchema(JSON.parse(JSON.stringify(schema)));
  if (!LIBRARY_END.test(grammar)) throw new Error('the grammar does not end as expected');
  return llama.createGrammar({ grammar: grammar.replace(LIBRARY_END, '') });
}

const JSON_GRAMMAR = String.raw`root ::= object
value ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ( string ":" " "? value ( "," " "? string ":" " "? value )* )? "}"
array ::= "[" ( value ( "," " "? value )* )? "]"
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" ( ["\\/bfnrt] | "u" [0-9a-fA-F]{4} ) )* "\""
number ::= "-"? ( "0" | [1-9] [0-9]{0,15} ) ( "." [0-9]{1,16} )? ( [eE] [-+]? [0-9]{1,3} )?
`;

/** Any JSON object, on one line. */
export const jsonGrammar = (llama: Llama): Promise<LlamaGrammar> =>
  llama.createGrammar({ grammar: JSON_GRAMMAR });

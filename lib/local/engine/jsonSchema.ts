import type { Llama, LlamaGrammar } from 'node-llama-cpp';

export type JsonSchema = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 16;

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
const FORMATS = ['date-time', 'time', 'date'];

/** Says what of a JSON schema the local engine's grammar cannot enforce, or undefined when it keeps all of it. */
export function unsupportedInSchema(schema: unknown, depth = 0): string | undefined {
  if (depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep`;
  if (typeof schema === 'boolean') return undefined;
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return 'is not a JSON schema';
  const entries = new Map<string, unknown>(Object.entries(schema));
  const unknownKey = [...entries.keys()].find((key) => !ENFORCED.has(key));
  if (unknownKey !== undefined)
    return `uses ${JSON.stringify(unknownKey)}, which the local engine cannot enforce`;
  const format = entries.get('format');
  if (format !== undefined && !FORMATS.includes(String(format)))
    return `uses a format other than ${FORMATS.join(', ')}`;
  for (const child of children(entries)) {
    const problem = unsupportedInSchema(child, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function children(schema: ReadonlyMap<string, unknown>): readonly unknown[] {
  const values = (key: string): readonly unknown[] => {
    const value = schema.get(key);
    return typeof value === 'object' && value !== null ? Object.values(value) : [];
  };
  const single = (key: string): readonly unknown[] => (schema.has(key) ? [schema.get(key)] : []);
  return [
    ...values('properties'),
    ...values('$defs'),
    ...values('oneOf'),
    ...values('prefixItems'),
    ...single('items'),
    ...single('additionalProperties'),
  ];
}

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

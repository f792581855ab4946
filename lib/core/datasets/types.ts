export const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
export type Role = (typeof ROLES)[number];

/** `arguments` is JSON as text, as the model wrote it. Source: OpenAI's chat format. */
export type ToolCall = {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
};

/** One message of an example. `content` is null where an assistant only calls tools. */
export type ExampleMessage = {
  readonly role: Role;
  readonly content: string | null;
  readonly name?: string;
  /** 0: the loss leaves this assistant message out. */
  readonly weight?: 0 | 1;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
};

/** What a model learns from: a conversation whose last message is the wanted answer. */
export type Example = {
  readonly messages: readonly ExampleMessage[];
  readonly tools?: readonly unknown[];
};

export type FaultCode =
  | 'empty_file'
  | 'line_too_long'
  | 'not_utf8'
  | 'not_json'
  | 'nested_too_deep'
  | 'bad_character'
  | 'not_an_object'
  | 'missing_field'
  | 'unknown_field'
  | 'invalid_field'
  | 'no_user_message'
  | 'no_answer'
  | 'not_expressible'
  | 'too_many_examples'
  | 'took_too_long';

/** A mistake in a file: where, what is wrong, and what to do. `field` is null where it concerns the whole line. */
export type LineFault = {
  readonly line: number;
  readonly field: string | null;
  readonly code: FaultCode;
  readonly message: string;
  readonly fix: string;
};

/** Kinds of personal data that are looked for. */
export const PII_KINDS = ['email', 'phone', 'card', 'iban', 'ipv4'] as const;
export type PiiKind = (typeof PII_KINDS)[number];

export type Bucket = { readonly upTo: number; readonly examples: number };
export type AnswerClass = { readonly answer: string; readonly examples: number };

export type DatasetStatistics = {
  readonly examples: number;
  /** Lines in the form `{"item": {…}}`, of files for evaluation alone. */
  readonly items: number;
  /** Lines in the form `{"prompt", "completion"}`. */
  readonly converted: number;
  readonly blankLines: number;
  readonly tokens: {
    readonly baseModel: string;
    readonly total: number;
    readonly longest: number;
    readonly histogram: readonly Bucket[];
    /** Examples that have more tokens than the base model's context. */
    readonly overContext: number;
  } | null;
  /** Last assistant messages by how often they stand; null where they are free text rather than classes. */
  readonly classes: readonly AnswerClass[] | null;
  readonly duplicates: { readonly exact: number; readonly near: number };
  /** Examples in which something of this kind stands. */
  readonly pii: Readonly<Record<PiiKind, number>>;
};

export type DatasetReport = {
  readonly bytes: number;
  readonly lines: number;
  readonly faults: { readonly count: number; readonly shown: readonly LineFault[] };
  readonly statistics: DatasetStatistics;
};

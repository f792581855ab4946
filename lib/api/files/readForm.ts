import type { ApiError } from '#api/errors.ts';
import type { ApiRequest } from '#api/http.ts';
import { err, ok, type Result } from '#core/shared/result.ts';

const MAX_PARTS = 12;

export type Form = {
  readonly fields: Readonly<Record<string, string>>;
  readonly file:
    | { readonly field: string; readonly filename: string; readonly content: Uint8Array }
    | undefined;
};

/**
 * Reads a body as multipart/form-data with at most one file. The body's size is bounded before it comes here.
 * Errors: unsupported_media_type, invalid_request.
 */
export async function readForm({
  headers,
  body,
}: Pick<ApiRequest, 'headers' | 'body'>): Promise<Result<Form, ApiError>> {
  const type = headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    return err({
      code: 'unsupported_media_type',
      message: 'This route takes a form. Send multipart/form-data with the fields "purpose" and "file".',
    });
  }
  const parts = await parse(type, body);
  if (parts === undefined) return malformed('It could not be read to its end');
  const files = parts.filter(([, value]) => typeof value !== 'string');
  const names = new Set(parts.map(([name]) => name));
  if (files.length > 1 || names.size < parts.length || parts.length > MAX_PARTS) {
    return malformed('It has a field twice, two files, or too many fields');
  }
  const fields = parts.flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
  return ok({ fields: Object.fromEntries(fields), file: await fileOf(files[0]) });
}

/** Node reads forms itself, as its fetch does. Undefined for what is none. */
async function parse(type: string, body: Buffer): Promise<readonly [string, string | File][] | undefined> {
  try {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
    return [...form.entries()];
  } catch {
    return undefined;
  }
}

async function fileOf(part: readonly [string, string | File] | undefined): Promise<Form['file']> {
  if (part === undefined || typeof part[1] === 'string') return undefined;
  const [field, file] = part;
  return { field, filename: file.name, content: new Uint8Array(await file.arrayBuffer()) };
}

const malformed = (what: string) =>
  err({
    code: 'invalid_request',
    message: `The form is malformed. ${what}; let an HTTP library write it.`,
  } satisfies ApiError);

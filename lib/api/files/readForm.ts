import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import type { ApiError } from '#api/errors.ts';
import type { ApiRequest } from '#api/http.ts';
import { err, ok, type Result } from '#core/shared/result.ts';

const LIMITS = { files: 1, fields: 10, fieldNameSize: 100, fieldSize: 1_000, parts: 12, headerPairs: 50 };

export type Form = {
  readonly fields: Readonly<Record<string, string>>;
  readonly file: { readonly field: string; readonly filename: string; readonly content: Buffer } | undefined;
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
  try {
    return await parse({ 'content-type': type }, body);
  } catch {
    return malformed('It could not be read to its end');
  }
}

const malformed = (what: string) =>
  err({
    code: 'invalid_request',
    message: `The form is malformed. ${what}; let an HTTP library write it.`,
  } satisfies ApiError);

function parse(headers: BusboyHeaders, body: Buffer): Promise<Result<Form, ApiError>> {
  return new Promise((resolve, reject) => {
    const parser = new Busboy({ headers, limits: LIMITS });
    const fields: Record<string, string> = {};
    let file: Form['file'];
    let tooMuch = false;
    parser.on('field', (name, value, nameCut, valueCut) => {
      tooMuch ||= nameCut || valueCut || Object.hasOwn(fields, name);
      Object.defineProperty(fields, name, { value, enumerable: true, configurable: true });
    });
    parser.on('file', (field, stream, filename) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        file = { field, filename: filename ?? '', content: Buffer.concat(chunks) };
      });
    });
    for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
      parser.on(limit, () => {
        tooMuch = true;
      });
    }
    parser.on('error', reject);
    parser.on('finish', () =>
      resolve(tooMuch ? malformed('It has fields twice, too long or too many') : ok({ fields, file })),
    );
    parser.end(body);
  });
}

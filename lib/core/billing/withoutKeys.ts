const MASK = '(not kept)';

/**
 * An event's text as it may be kept: licence keys are taken out, for of a key only its hash is ever stored. An event
 * that names none stays as it was sent, byte for byte.
 */
export function withoutKeys(event: unknown, text: string): string {
  let found = false;
  const masked = JSON.stringify(event, (name, value: unknown) => {
    if (!KEY_FIELDS.has(name) || typeof value !== 'string') return value;
    found = true;
    return MASK;
  });
  return found ? masked : text;
}

/** Where Dodo's events carry the text of a key: `data.key`, `data.license_key.key`. */
const KEY_FIELDS: ReadonlySet<string> = new Set(['key', 'license_key']);

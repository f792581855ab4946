import type { PiiFinder } from './ports.ts';

/** Puts `[EMAIL]`, `[PHONE]`, … where personal data stood. */
export function redactText(text: string, findPii: PiiFinder): string {
  let written = 0;
  let redacted = '';
  for (const { kind, start, end } of findPii(text)) {
    redacted += `${text.slice(written, start)}[${kind.toUpperCase()}]`;
    written = end;
  }
  return redacted + text.slice(written);
}

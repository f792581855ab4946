import { pathText } from './describeIssue.ts';

type Frame = { readonly keys: Set<string> | undefined; at: string | number; awaitsKey: boolean };

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/**
 * The place of the first key that an object of this JSON text says twice; undefined when there is none. A parser keeps
 * the last of them and says nothing, which is no way to set a price. The text must be valid JSON.
 */
export function findRepeatedKey(text: string): string | undefined {
  const open: Frame[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const frame = open.at(-1);
    if (token === '{') open.push({ keys: new Set(), at: '', awaitsKey: true });
    else if (token === '[') open.push({ keys: undefined, at: 0, awaitsKey: false });
    else if (token === '}' || token === ']') open.pop();
    else if (frame === undefined) continue;
    else if (token === ':') frame.awaitsKey = false;
    else if (token === ',') step(frame);
    else if (frame.keys !== undefined && frame.awaitsKey) {
      frame.at = String(JSON.parse(token));
      if (frame.keys.has(frame.at)) return pathText(open.map(({ at }) => at));
      frame.keys.add(frame.at);
    }
  }
  return undefined;
}

function step(frame: Frame): void {
  if (typeof frame.at === 'number') frame.at += 1;
  else frame.awaitsKey = true;
}

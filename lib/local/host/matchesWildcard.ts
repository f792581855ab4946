/**
 * Whether a pattern of a policy fits: `*` stands for any characters, `?` for any one. Not by a regular expression:
 * a caller's path is part of the pattern, and one full of `*` would keep the expression busy for years. Here the
 * last `*` alone is taken back, which costs at most the product of both lengths.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    if (pattern[inPattern] === '*') {
      star = inPattern++;
      starAt = at;
    } else if (pattern[inPattern] === '?' || pattern[inPattern] === text[at]) {
      inPattern++;
      at++;
    } else if (star >= 0) {
      inPattern = star + 1; // the last star takes one character more
      at = ++starAt;
    } else return false;
  }
  while (pattern[inPattern] === '*') inPattern++;
  return inPattern === pattern.length;
}

import type { Example } from './types.ts';

/** What of an example is compared for nearness: not the system messages, which all examples tend to share. */
export const comparedText = ({ messages }: Example): string =>
  messages
    .filter(({ role }) => role !== 'system' && role !== 'developer')
    .map(
      ({ role, content, tool_calls }) =>
        `${role} ${content ?? ''} ${tool_calls === undefined ? '' : JSON.stringify(tool_calls)}`,
    )
    .join('\n');

/**
 * Runs a program in such a way that it ends when whoever started it ends, in whatever way: the shell around it reads
 * its own stdin, which closes with the parent. For programs that do not watch their stdin themselves.
 */
export function watched(
  command: string,
  args: readonly string[],
): { command: string; args: readonly string[] } {
  return { command: '/bin/sh', args: ['-c', WATCHER, 'watched', command, ...args] };
}

/** `wait` returns early when a signal arrives, so it is asked again until the program is really gone. */
const WATCHER = `
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
trap 'kill -TERM $child 2>/dev/null' TERM
trap '' INT HUP
( trap - TERM INT HUP; while read -r _ <&3; do :; done; kill -TERM $child 2>/dev/null; sleep 2; kill -KILL $child 2>/dev/null ) &
watcher=$!
wait $child; code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
kill -KILL $watcher 2>/dev/null
exit $code
`;

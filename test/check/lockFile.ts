import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

// `npm install` forgets the optional packages of other platforms when it cannot see them (npm/cli#4828), and `npm ci`
// then refuses the lock file everywhere. This says which are missing; `--write` adds them.

type Package = {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};
type LockFile = { packages: Record<string, Package> };

const FILE = 'package-lock.json';
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/darwin|mac/, 'darwin'],
  [/win32|\/win-/, 'win32'],
  [/linux/, 'linux'],
  [/android/, 'android'],
  [/freebsd/, 'freebsd'],
  [/openharmony/, 'openharmony'],
];
const PROCESSORS: readonly (readonly [RegExp, string])[] = [
  [/x64/, 'x64'],
  [/arm64/, 'arm64'],
  [/ia32/, 'ia32'],
  [/arm-|armv7l/, 'arm'],
  [/ppc64/, 'ppc64'],
  [/riscv64/, 'riscv64'],
  [/s390x/, 's390x'],
];

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const lock: LockFile = JSON.parse(readFileSync(FILE, 'utf8'));
const missing = Object.entries(lock.packages).flatMap(([path, parent]) =>
  Object.entries(parent.optionalDependencies ?? {}).flatMap(([name, version]) =>
    isLocked(path, name) ? [] : [{ name, version, dev: parent.dev === true }],
  ),
);

if (values.write) {
  for (const { name, version, dev } of missing) {
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      ...(dev ? { dev } : {}),
      optional: true,
    } as Package;
  }
  const root = lock.packages[''] ?? {};
  const sorted = Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(
    FILE,
    `${JSON.stringify({ ...lock, packages: { '': root, ...Object.fromEntries(sorted) } }, null, 2)}\n`,
  );
  console.log(`added ${missing.length} packages of other platforms to ${FILE}`);
} else if (missing.length > 0) {
  console.error(`${FILE} misses ${missing.length} packages of other platforms, so npm ci would refuse it:`);
  console.error(`${missing.map(({ name }) => name).join(', ')}\nrun: npm run lock -- --write`);
  process.exitCode = 1;
} else {
  console.log(`${FILE} names every package of every platform`);
}

/** Whether a package under `path` finds the dependency, there or in a folder above. */
function isLocked(path: string, name: string): boolean {
  const folders = path.split('/node_modules/');
  return (
    folders.some((_, at) => {
      const folder = folders.slice(0, folders.length - at).join('/node_modules/');
      return lock.packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined;
    }) || lock.packages[`node_modules/${name}`] !== undefined
  );
}

function platformOf(name: string): { os?: string[]; cpu?: string[]; libc?: string[] } {
  const find = (table: readonly (readonly [RegExp, string])[]) =>
    table.find(([pattern]) => pattern.test(name))?.[1];
  const os = find(SYSTEMS);
  const cpu = find(PROCESSORS);
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(os === undefined ? {} : { os: [os] }),
    ...(/musl/.test(name) ? { libc: ['musl'] } : /-gnu/.test(name) ? { libc: ['glibc'] } : {}),
  };
}

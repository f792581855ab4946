/** Every property test begins here where the environment names a seed, as `.ci/run` does; elsewhere with chance. */
const seed = Number.parseInt(process.env['TUNEGATE_PROPERTY_SEED'] ?? '', 16);
if (Number.isInteger(seed)) {
  const { configureGlobal } = await import('fast-check');
  configureGlobal({ seed });
}

export {};

import { build, type Metafile } from 'esbuild';
import { BUNDLING, handlerPath } from '#infra/bundling.ts';
import { shrinkBundle } from '#infra/shrinkBundle.ts';

/** Bundles a function into a file exactly as the stacks do; answers what went into it. */
export async function bundleFunction(name: string, outfile: string): Promise<Metafile> {
  const { metafile } = await build({
    ...BUNDLING,
    mainFields: [...BUNDLING.mainFields],
    entryPoints: [handlerPath(name)],
    outfile,
    metafile: true,
    logLevel: 'error',
  });
  shrinkBundle(outfile);
  return metafile;
}

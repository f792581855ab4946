import type { Engine } from '#core/inference/ports.ts';

/** Gives each call to the engine that its version runs on. */
export const routeEngine = (engines: { readonly sageMaker: Engine; readonly openAi: Engine }): Engine => ({
  generate: (request) =>
    (request.engine?.kind === 'openai' ? engines.openAi : engines.sageMaker).generate(request),
});

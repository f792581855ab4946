import { existsSync } from 'node:fs';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';

/** One demonstration tenant: what it is called, what it pays by, and the adapter that answers it. */
export type DemoTenant = {
  readonly name: string;
  readonly priceBook: string;
  /** The model name that its applications use. */
  readonly model: string;
  /** PEFT files, as they are registered. */
  readonly adapterDirectory: string;
  /** Questions by which the adapter is told from its base. */
  readonly probes: readonly unknown[];
};

export const DEMO_BASE_MODEL = 'tunegate-nano';

const QUESTIONS = ['I want my money back, I was charged twice.', 'Can somebody call me back today?'];

/** The demonstration tenants. Throws when an adapter is missing. */
export const demoTenants = (): readonly DemoTenant[] =>
  DEMO_TENANTS.map(({ name, modelAlias: model, priceBook, adapterDirectory, systemPrompt }) => {
    if (!existsSync(adapterDirectory)) {
      throw new Error(
        `the adapter of ${name} is missing in ${adapterDirectory}: npm run demo:train makes it`,
      );
    }
    const probes = QUESTIONS.map((content) => ({
      messages: [
        { role: 'system', content: systemPrompt },
        { role: 'user', content },
      ],
    }));
    return { name, model, priceBook, adapterDirectory, probes };
  });

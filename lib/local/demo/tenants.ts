import { fileURLToPath } from 'node:url';

/** A company that the product is shown with on one machine: invented, with data written for this repository. */
export type DemoTenant = {
  readonly slug: string;
  readonly name: string;
  readonly baseModel: string;
  /** The price book that it pays by. */
  readonly priceBook: string;
  /** What the company's application sends as `model`. */
  readonly modelAlias: string;
  /** The system message that its adapter was trained with; calls must send the same. */
  readonly systemPrompt: string;
  readonly sampleQuestion: string;
  /** PEFT files, `train.jsonl` and `test.jsonl` lie here. */
  readonly directory: string;
  readonly adapterDirectory: string;
};

/** Both answer the same question, each in the words of its own business. */
const SAMPLE_QUESTION = 'I want my money back, I was charged twice.';

export const DEMO_TENANTS: readonly DemoTenant[] = [
  demoTenant({
    slug: 'northwind',
    name: 'Northwind Outfitters',
    priceBook: 'per-call',
    modelAlias: 'northwind-support',
    systemPrompt: 'Northwind Outfitters support. Reply with one label.',
  }),
  demoTenant({
    slug: 'harbor',
    name: 'Harbor Clinic',
    priceBook: 'per-token',
    modelAlias: 'harbor-front-desk',
    systemPrompt: 'Harbor Clinic front desk. Reply with JSON.',
  }),
];

function demoTenant(
  tenant: Pick<DemoTenant, 'slug' | 'name' | 'priceBook' | 'modelAlias' | 'systemPrompt'>,
): DemoTenant {
  const directory = fileURLToPath(new URL(`./${tenant.slug}`, import.meta.url));
  return {
    ...tenant,
    baseModel: 'tunegate-nano',
    sampleQuestion: SAMPLE_QUESTION,
    directory,
    adapterDirectory: fileURLToPath(new URL(`./${tenant.slug}/adapter`, import.meta.url)),
  };
}

import { checkDataset } from '#core/datasets/checkDataset.ts';
import { reportDocument } from '#core/datasets/reportDocument.ts';
import { contentKey, reportKey, type StoredFile } from '#core/files/types.ts';
import type { FileId, TenantId } from '#core/shared/ids.ts';
import type { NewJob } from '#core/training/createJob.ts';
import type { JobIntake } from '#core/training/ports.ts';
import { systemWorld } from '#io/world.ts';
import type { TestDatabase } from './database.ts';
import { bytesOf, chatLine } from './datasets.ts';
import { nextBody } from './jobs.ts';
import { KEY_A, testId } from './ledger.ts';
import { booksOf, fixedBooks } from './prices.ts';
import { aTenant } from './tenants.ts';
import { makeTrainingDesk } from './trainingWorld.ts';

/** Ten credits a million training tokens, in the book that new tenants have. */
const BOOKS = booksOf({
  id: 'per-call',
  version: 1,
  effectiveFrom: '2020-01-01T00:00:00Z',
  prices: [{ model: '*', perRequest: '0.001', perMillionTrainingTokens: '10' }],
});
/** The test tokenizer counts twenty tokens in a question with its answer. */
const EXAMPLES = 20;
export const QUOTED = { tokens: EXAMPLES * 20 * 2, micro: EXAMPLES * 20 * 2 * 10 };

/** Everything that takes jobs in, on a real database, with a file that each tenant has. */
export function makeTestIntake(database: TestDatabase) {
  const at = makeTrainingDesk(database);
  const files = new Map<FileId, StoredFile>();
  const intake: JobIntake = {
    ...at.desk,
    world: { clock: at.desk.world.clock, newId: systemWorld.newId },
    files: { read: async (tenantId, id) => ofTenant(files.get(id), tenantId) },
    directory: { readTenant: async (id) => aTenant({ id }) },
    books: fixedBooks(BOOKS),
    maxRank: 16,
  };
  /** A file that is checked. */
  const newFile = async (tenantId: TenantId): Promise<FileId> => {
    const id = testId<FileId>('file', nextBody());
    const content = bytesOf(
      ...Array.from({ length: EXAMPLES }, (_, i) => chatLine(`question ${i}`, `answer ${i}`)),
    );
    const file: StoredFile = {
      id,
      tenantId,
      filename: 'train.jsonl',
      purpose: 'fine-tune',
      bytes: content.length,
      status: 'processed',
      statusDetails: null,
      createdAtMs: 0,
    };
    files.set(id, file);
    const report = await checkDataset([content], await at.desk.tools());
    at.stored.objects.set(contentKey(file), content.toString());
    at.stored.objects.set(reportKey(file), JSON.stringify(reportDocument(id, report)));
    return id;
  };
  const wanted = (tenantId: TenantId, trainingFile: FileId, over: Partial<NewJob> = {}): NewJob => ({
    tenantId,
    keyId: KEY_A,
    model: 'tunegate-nano',
    trainingFile,
    validationFile: null,
    wished: { epochs: 2 },
    method: 'supervised',
    datasetOptions: { removeDuplicates: 'none', redactPii: false, validationShare: 0.1 },
    suffix: null,
    seed: 7,
    metadata: {},
    requestKey: null,
    ...over,
  });
  return { ...at, intake, newFile, wanted };
}

const ofTenant = (file: StoredFile | undefined, tenantId: TenantId): StoredFile | undefined =>
  file?.tenantId === tenantId ? file : undefined;

import { DATASET_LIMITS } from '#core/datasets/limits.ts';
import type { StoredFile } from '#core/files/types.ts';
import { reportKey } from '#core/files/types.ts';
import type { FileId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { JOB_LIMITS } from './limits.ts';
import type { JobIntake } from './ports.ts';
import { type FileReport, readReport, readText } from './readReport.ts';

/** Why a file cannot be trained on; the message says what to do. */
export type FileRefused = {
  readonly code: 'unusable_file' | 'file_not_ready';
  readonly message: string;
  readonly param: 'training_file' | 'validation_file';
};

type Named = {
  readonly tenantId: TenantId;
  readonly baseModel: string;
  readonly id: FileId;
  readonly param: FileRefused['param'];
};

/** What its check found of a file, and its size. */
export type TrainingFile = FileReport & { readonly tokensPerEpoch: number; readonly bytes: number };

const MAX_REPORT_BYTES = 10_000_000;

/**
 * Finds a file that a job may learn from, or be judged by, and what its check found. Another tenant's file is as
 * unknown as none. Errors: unusable_file, file_not_ready.
 */
export async function checkTrainingFile(
  { files, objects }: Pick<JobIntake, 'files' | 'objects'>,
  named: Named,
): Promise<Result<TrainingFile, FileRefused>> {
  const file = await files.read(named.tenantId, named.id);
  const unusable = file === undefined ? unknownFile(named) : whyUnusable(file, named);
  if (file === undefined || unusable !== undefined) return err(unusable ?? unknownFile(named));
  const text = await readText(await objects.read(reportKey(file)), MAX_REPORT_BYTES);
  if (text === undefined) return err(unknownFile(named)); // deleted meanwhile
  const report = readReport(text);
  const tokens = report.tokens;
  if (tokens === null || tokens.baseModel !== named.baseModel)
    return err(refused(named, `The file was not checked for ${named.baseModel}. Upload it again.`));
  if (tokens.overContext > 0) return err(refused(named, tooLong(tokens.overContext, named.baseModel)));
  return ok({ ...report, tokensPerEpoch: tokens.total, bytes: file.bytes });
}

/** Both are read by one function, in the time that it has. */
export const tooManyBytes = (training: TrainingFile, validation: TrainingFile): FileRefused | undefined =>
  training.bytes + validation.bytes <= DATASET_LIMITS.fileBytes
    ? undefined
    : {
        code: 'unusable_file',
        param: 'validation_file',
        message: `The files of a job may have ${DATASET_LIMITS.fileBytes} bytes together, and these have ${training.bytes + validation.bytes}. Use a smaller one.`,
      };

/** Few examples teach nothing. */
export const tooFewExamples = (examples: number): FileRefused | undefined =>
  examples >= JOB_LIMITS.examples
    ? undefined
    : {
        code: 'unusable_file',
        param: 'training_file',
        message: `The training file has ${examples} examples; at least ${JOB_LIMITS.examples} are needed. Add more.`,
      };

function whyUnusable(file: StoredFile, named: Named): FileRefused | undefined {
  if (file.purpose !== 'fine-tune')
    return refused(
      named,
      'The file was uploaded for another purpose. Upload it with the purpose "fine-tune".',
    );
  if (file.status === 'error')
    return refused(
      named,
      `The file has mistakes: ${file.statusDetails ?? ''} GET /v1/files/${file.id}/report lists them.`,
    );
  if (file.status === 'uploaded')
    return {
      code: 'file_not_ready',
      param: named.param,
      message: 'The file is still being checked. Wait until its status is "processed", then create the job.',
    };
  return undefined;
}

const unknownFile = (named: Named): FileRefused =>
  refused(named, 'You have no such file. GET /v1/files lists yours.');

const tooLong = (count: number, baseModel: string): string =>
  `${count === 1 ? '1 example is' : `${count} examples are`} longer than the context of ${baseModel}. Shorten what is too long; the file's report says how long examples are.`;

const refused = ({ param }: Named, message: string): FileRefused => ({
  code: 'unusable_file',
  param,
  message,
});

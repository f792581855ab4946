import { filesOfMonth, UnreadableExport } from '#io/awsCosts/exportFiles.ts';
import { makeFolderExport } from '#io/awsCosts/folderExport.ts';
import { readExport } from '#io/awsCosts/readExport.ts';
import { CliError } from './cliError.ts';

/** A month of an AWS cost and usage export, a file or a folder, as `PUT /admin/aws-costs` takes it. Errors: usage. */
export async function readAwsCosts(path: string, month: string) {
  try {
    const files = filesOfMonth(await makeFolderExport(path)(), month);
    if (files.length === 0)
      throw new UnreadableExport(`${path} has no file of ${month} that ends with .csv, .csv.gz or .parquet`);
    const { lines, totalMicroUsd } = await readExport(files, month);
    return {
      month,
      lines: lines.map(({ microUsd, ...line }) => ({ ...line, micro_usd: microUsd })),
      total_micro_usd: totalMicroUsd,
    };
  } catch (error) {
    if (!(error instanceof UnreadableExport)) throw error;
    throw new CliError('usage', error.message, 'Give a cost and usage report (CUR 2.0) with resource ids.');
  }
}

import * as z from 'zod/mini';
import { LIST_FIELDS, listPage } from '#local/sagemaker/listPage.ts';
import { parseInput } from '#local/sagemaker/parseInput.ts';
import { readCreateInput } from './createInput.ts';
import { describeJob, summarizeJob, trainingJobArn } from './description.ts';
import type { Faults } from './faults.ts';
import { checkJobAccess } from './jobAccess.ts';
import { primaryStatus } from './jobRecord.ts';
import type { TrainingJobs } from './trainingJobs.ts';

export type TrainingParts = { readonly jobs: TrainingJobs; readonly faults: Faults };

const NameInput = z.object({ TrainingJobName: z.string() });
const ListInput = z.strictObject({
  ...LIST_FIELDS,
  SortBy: z._default(z.enum(['Name', 'CreationTime', 'Status']), 'CreationTime'),
  SortOrder: z._default(z.enum(['Ascending', 'Descending']), 'Ascending'),
  StatusEquals: z.optional(z.enum(['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped'])),
});

/** `token`: of the session that the caller is in. */
export type TrainingCall = {
  readonly operation: string;
  readonly body: unknown;
  readonly token: string | undefined;
};

/** Answers an operation about training jobs; undefined when it is about something else. */
export async function trainingOperation(
  { jobs, faults }: TrainingParts,
  { operation, body, token }: TrainingCall,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  switch (operation) {
    case 'CreateTrainingJob': {
      faults.beforeCreate();
      const input = readCreateInput(body);
      checkJobAccess(input, token);
      const { request } = await jobs.create(input);
      faults.afterCreate();
      return { TrainingJobArn: trainingJobArn(request.TrainingJobName) };
    }
    case 'DescribeTrainingJob':
      return describeJob(jobs.describe(parseInput(NameInput, body).TrainingJobName));
    case 'StopTrainingJob':
      jobs.stop(parseInput(NameInput, body).TrainingJobName);
      return {};
    case 'ListTrainingJobs':
      return list(jobs, body);
    default:
      return undefined;
  }
}

function list(jobs: TrainingJobs, body: unknown): Readonly<Record<string, unknown>> {
  const input = parseInput(ListInput, body ?? {});
  const all = jobs
    .list()
    .map((record) => ({
      record,
      name: record.request.TrainingJobName,
      status: primaryStatus(record),
      createdAtMs: record.createdAtMs,
      updatedAtMs: record.updatedAtMs,
    }))
    .filter(({ status }) => status === (input.StatusEquals ?? status));
  const { shown, next } = listPage(all, input);
  return {
    TrainingJobSummaries: shown.map(({ record }) => summarizeJob(record)),
    ...(next === undefined ? {} : { NextToken: next }),
  };
}

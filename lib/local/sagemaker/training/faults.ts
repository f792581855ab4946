import * as z from 'zod/mini';
import { AwsError } from '#local/sagemaker/http.ts';
import { parseInput } from '#local/sagemaker/parseInput.ts';
import type { TrainingJobs } from './trainingJobs.ts';

/** What CreateTrainingJob can be told to answer, as AWS words it. */
const REFUSALS = {
  ThrottlingException: { status: 400, message: 'Rate exceeded' },
  ResourceLimitExceeded: {
    status: 400,
    message:
      "The account-level service limit 'ml.g5.xlarge for spot training job usage' is 0 Instances, with current utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota.",
  },
  ServiceUnavailable: { status: 503, message: 'Service Unavailable' },
} as const;

const times = z._default(z.int().check(z.gte(0), z.lte(1_000)), 1);
const FaultInput = z.union([
  z.strictObject({
    refuse: z.enum(['ThrottlingException', 'ResourceLimitExceeded', 'ServiceUnavailable']),
    times,
  }),
  z.strictObject({ lose_answers: z.int().check(z.gte(0), z.lte(1_000)) }),
  z.strictObject({ no_capacity: z.int().check(z.gte(0), z.lte(1_000)) }),
  z.strictObject({ interrupt: z.string() }),
]);

/** Raised when an answer is to be lost on its way: what was asked has been done. */
export class AnswerLost extends Error {
  override readonly name = 'AnswerLost';
}

export type Faults = {
  /** Puts a fault in, as `POST /faults` asks. */
  readonly request: (body: unknown) => void;
  /** Throws what the next CreateTrainingJob is to be refused with. */
  readonly beforeCreate: () => void;
  readonly afterCreate: () => void;
};

/** Faults of AWS that a person or a test asks for, to see what the product does. They are not kept over a restart. */
export function makeFaults(jobs: TrainingJobs): Faults {
  let refusals: { readonly name: keyof typeof REFUSALS; left: number } | undefined;
  let answersToLose = 0;
  return {
    request: (body) => {
      const fault = parseInput(FaultInput, body);
      if ('refuse' in fault) refusals = { name: fault.refuse, left: fault.times };
      else if ('lose_answers' in fault) answersToLose = fault.lose_answers;
      else if ('no_capacity' in fault) jobs.runOutOfCapacity(fault.no_capacity);
      else jobs.interrupt(fault.interrupt);
    },
    beforeCreate: () => {
      if (refusals === undefined || refusals.left === 0) return;
      refusals.left -= 1;
      const { status, message } = REFUSALS[refusals.name];
      throw new AwsError(refusals.name, status, message);
    },
    afterCreate: () => {
      if (answersToLose === 0) return;
      answersToLose -= 1;
      throw new AnswerLost();
    },
  };
}

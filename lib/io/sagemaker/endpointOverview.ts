import { ListInferenceComponentsCommand, type SageMakerClient } from '@aws-sdk/client-sagemaker';
import type { ComponentState, EndpointOverview } from '#core/adapters/ports.ts';
import { copiesOf, STATES } from './components.ts';
import { ownEndpoint } from './ownEndpoint.ts';

/** What adapters' components have in their names: `componentNameOf`. */
const ADAPTERS = 'adp-';
const PAGE = 100;
/** Twenty thousand components: far more than endpoints hold. */
const MAX_PAGES = 200;

/** SageMaker's inference components by their lists: hundreds of adapters cost a handful of calls. */
export const makeEndpointOverview = (
  control: SageMakerClient,
  { baseComponent }: { readonly baseComponent: string },
): EndpointOverview => ({
  list: async () => {
    const found = new Map<string, ComponentState['status']>();
    let NextToken: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const answer = await control.send(
        new ListInferenceComponentsCommand({ NameContains: ADAPTERS, MaxResults: PAGE, NextToken }),
      );
      for (const {
        InferenceComponentName: name,
        InferenceComponentStatus: status,
      } of answer.InferenceComponents ?? []) {
        if (name !== undefined && status !== undefined) found.set(name, STATES[status]);
      }
      NextToken = answer.NextToken;
      if (NextToken === undefined) return found;
    }
    throw new Error(`there are more than ${MAX_PAGES * PAGE} inference components`);
  },
  copies: (endpoint) => copiesOf(control, ownEndpoint(baseComponent, endpoint)),
});

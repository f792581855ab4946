import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';

/** Whether a write's condition held. Every other failure is thrown. */
export async function conditionHeld(sent: Promise<unknown>): Promise<boolean> {
  try {
    await sent;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

import { wireGrantFreeCredits } from '#io/wire/grantFreeCredits.ts';

const { grant } = wireGrantFreeCredits(process.env);

/** Every quarter of an hour, for somewhere a month may have begun: grants the free credits of the month. */
export const handler = (): Promise<void> => grant();

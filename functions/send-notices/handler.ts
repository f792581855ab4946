import { wireSendNotices } from '#io/wire/sendNotices.ts';

const { send } = wireSendNotices(process.env);

/** Every minute: sends the notices that are due. */
export const handler = (): Promise<void> => send();

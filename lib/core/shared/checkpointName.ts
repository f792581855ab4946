/** The name of the model that a job was at an earlier step, as OpenAI writes it: `ft:…:ckpt-step-88`. */
export const checkpointName = (model: string, step: number): string => `${model}:ckpt-step-${step}`;

export const isCheckpointName = (name: string): boolean => /:ckpt-step-\d+$/u.test(name);

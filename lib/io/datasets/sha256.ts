import { createHash, hash } from 'node:crypto';
import type { Sha256 } from '#core/datasets/ports.ts';

/** Node's own SHA-256. */
export const nodeSha256: Sha256 = {
  hex: (text) => hash('sha256', text, 'hex'),
  begin: () => {
    const running = createHash('sha256');
    return { add: (text) => void running.update(text, 'utf8'), hex: () => running.digest('hex') };
  },
};

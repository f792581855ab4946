import { main } from '#local/start/main.ts';

await main(process.argv.slice(2));

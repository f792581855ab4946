/**
 * Node's HTTP client in the place of `import … from 'node:http'`. An ES module that imports a built-in reads every one
 * of its exports, and of this one that loads WebSocket and with it the whole of undici: a fifth of a cold start.
 */
const http = process.getBuiltinModule('node:http');

export const { Agent, request, STATUS_CODES } = http;
export default http;

import { createServer, type Server } from 'node:http';

/**
 * What the AWS Parameters and Secrets extension serves beside every function: secrets by their id, to who knows the
 * function's session token. Source: "Using Secrets Manager secrets in Lambda".
 */
export function makeSecretsServer(secrets: Readonly<Record<string, string>>, token: string): Server {
  return createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://extension');
    const secretId = searchParams.get('secretId') ?? '';
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.method !== 'GET' || pathname !== '/secretsmanager/get') answer(404, { message: 'not found' });
    else if (request.headers['x-aws-parameters-secrets-token'] !== token)
      answer(401, { message: 'unauthorized' });
    else if (!Object.hasOwn(secrets, secretId)) answer(400, { message: 'ResourceNotFoundException' });
    else answer(200, { Name: secretId, SecretString: secrets[secretId], VersionStages: ['AWSCURRENT'] });
  });
}

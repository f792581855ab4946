/** What belongs to a tenant's own endpoint, or the endpoint itself, bears the shared one's name with this behind it. */
export const ownEndpoint = (shared: string, endpoint: string | undefined): string =>
  endpoint === undefined ? shared : `${shared}-${endpoint}`;

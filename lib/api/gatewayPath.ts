/**
 * The resource of API Gateway that a route's path stands under. Nothing can follow `{name+}` there, and beside it
 * no other parameter: what follows it is told apart by the function.
 */
export const gatewayPath = (path: string): string => path.replace(/(?<=\+\}).*$/, '');

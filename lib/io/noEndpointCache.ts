/**
 * Stands in bundles where the DynamoDB client has `@aws-sdk/endpoint-cache`: it serves endpoint discovery, which no
 * function of ours turns on. Every client makes one and then never asks it.
 */
export class EndpointCache {}

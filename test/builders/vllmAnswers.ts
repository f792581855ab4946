import type { ServerResponse } from 'node:http';

// What vLLM 0.32.0 wrote, byte for byte but for the times and the model's name: `tunegate-nano` with an adapter,
// served with containers/serving/vllm.json's settings. `npm run test:serving` asks a running one.

/** A chat completion, streamed. */
export const STREAM = `data: {"id":"chatcmpl-b64c875ea84e4f9e","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}

data: {"id":"chatcmpl-b64c875ea84e4f9e","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[{"index":0,"delta":{"content":"{\\""},"logprobs":null,"finish_reason":null,"token_ids":null}]}

data: {"id":"chatcmpl-b64c875ea84e4f9e","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[{"index":0,"delta":{"content":"que"},"logprobs":null,"finish_reason":null,"token_ids":null}]}

data: {"id":"chatcmpl-b64c875ea84e4f9e","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[{"index":0,"delta":{"content":"ue"},"logprobs":null,"finish_reason":null,"token_ids":null}]}

data: {"id":"chatcmpl-b64c875ea84e4f9e","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}]}

data: {"id":"chatcmpl-b64c875ea84e4f9e","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[],"usage":{"prompt_tokens":41,"total_tokens":45,"completion_tokens":4},"system_fingerprint":"vllm-0.32.0-2a8b66c5"}

data: [DONE]

`;

/** Two choices with `continuous_usage_stats`: each chunk counts its own choice, the closing one both. */
export const TWO_CHOICES = `data: {"id":"chatcmpl-84b6a714adbbf790","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":9,"total_tokens":9,"completion_tokens":0,"completion_tokens_details":null},"prompt_token_ids":null,"prompt_text":null}

data: {"id":"chatcmpl-84b6a714adbbf790","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[{"index":1,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":9,"total_tokens":9,"completion_tokens":0,"completion_tokens_details":null},"prompt_token_ids":null,"prompt_text":null}

data: {"id":"chatcmpl-84b6a714adbbf790","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[{"index":0,"delta":{"content":"{\\""},"logprobs":null,"finish_reason":null,"token_ids":null}],"usage":{"prompt_tokens":9,"total_tokens":10,"completion_tokens":1,"completion_tokens_details":null}}

data: {"id":"chatcmpl-84b6a714adbbf790","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[{"index":0,"delta":{"content":"que"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}],"usage":{"prompt_tokens":9,"total_tokens":11,"completion_tokens":2,"completion_tokens_details":null}}

data: {"id":"chatcmpl-84b6a714adbbf790","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[{"index":1,"delta":{"content":"{\\""},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}],"usage":{"prompt_tokens":9,"total_tokens":10,"completion_tokens":1,"completion_tokens_details":null}}

`;
export const TWO_CHOICES_END = `data: {"id":"chatcmpl-84b6a714adbbf790","object":"chat.completion.chunk","created":1,"model":"adp_one","choices":[],"usage":{"prompt_tokens":9,"total_tokens":12,"completion_tokens":3},"system_fingerprint":"vllm-0.32.0-2a8b66c5"}

data: [DONE]

`;
/** A text completion, streamed. */
export const TEXT = `data: {"id":"cmpl-b37ca5568dbd4837","object":"text_completion","created":1,"model":"adp_one","choices":[{"index":0,"text":"ue","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]}

data: {"id":"cmpl-b37ca5568dbd4837","object":"text_completion","created":1,"model":"adp_one","choices":[{"index":0,"text":" bo","logprobs":null,"finish_reason":"length","stop_reason":null,"prompt_token_ids":null,"token_ids":null}]}

data: {"id":"cmpl-b37ca5568dbd4837","object":"text_completion","created":1,"model":"adp_one","choices":[],"usage":{"prompt_tokens":4,"total_tokens":6,"completion_tokens":2},"system_fingerprint":"vllm-0.32.0-2a8b66c5"}

data: [DONE]

`;

/** A grammar that it cannot follow: the status is 200, and the refusal stands where the first chunk belongs. */
export const BAD_GRAMMAR = `data: {"error": {"message": "Grammar error: Invalid type: objectt", "type": "BadRequestError", "param": null, "code": 400}}

data: [DONE]

`;

export const UNKNOWN_MODEL = `{"error":{"message":"The model \`adp_one\` does not exist. Valid aliases: tunegate-nano.","type":"NotFoundError","param":"model","code":404}}`;
export const TOO_LONG = `{"error":{"message":"This model's maximum context length is 512 tokens. However, your prompt contains at least 513 input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=513)","type":"BadRequestError","param":"input_tokens","code":400}}`;
export const NO_TOOLS = `{"error":{"message":"\\"auto\\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set","type":"BadRequestError","param":null,"code":400}}`;
export const WRONG_SECRET = '{"error":"Unauthorized"}';

/** Sends a recorded answer, cut after every 100 bytes; where told so, the server dies then. */
export const recorded =
  (text: string, status = 200, dies = false) =>
  (_: unknown, response: ServerResponse): void => {
    const bytes = Buffer.from(text);
    const type = text.startsWith('data:') ? 'text/event-stream; charset=utf-8' : 'application/json';
    response.writeHead(status, { 'content-type': type });
    for (let at = 0; at < bytes.length; at += 100) response.write(bytes.subarray(at, at + 100));
    if (dies) response.write('\n', () => response.destroy());
    else response.end();
  };

"""Asks a llama.cpp of its own questions on stdin, a JSON list of messages each, and prints the answers as JSON."""

import json
import sys

import xllamacpp

base, adapter, template = sys.argv[1:4]
params = xllamacpp.CommonParams()
params.model.path = base
params.n_ctx = 2048
params.cpuparams.n_threads = 2
params.use_jinja = True
with open(template, encoding="utf-8") as file:
    params.chat_template = file.read()
if adapter != "-":
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(adapter, 1.0)]

server = xllamacpp.Server(params)
answers = []
for line in sys.stdin:
    answer = server.handle_chat_completions(
        {"messages": json.loads(line), "max_tokens": 32, "temperature": 0}
    )
    answers.append(
        {
            "text": answer["choices"][0]["message"]["content"],
            "prompt_tokens": answer["usage"]["prompt_tokens"],
        }
    )
print(json.dumps(answers))

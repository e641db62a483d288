#!/usr/bin/env node
// The command line of Qwen Code (npm: @qwen-code/qwen-code) as backend "command": qwen_code.mjs PATH_OF_QWEN
// It passes the prompt on, and turns the events that the program prints into the lines of docs/agents.md.  Any service
// with OpenAI's chat completions will do: OPENAI_API_KEY and OPENAI_BASE_URL come through `command_env`.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const say = (event) => console.log(JSON.stringify(event));
const parts = (content, type) => (Array.isArray(content) ? content.filter((part) => part?.type === type) : []);

// Its standing context is QWEN.md of its home, which is private to this run.
const home = `${process.env.HOME}/.qwen`;
mkdirSync(home, { recursive: true });
writeFileSync(`${home}/QWEN.md`, readFileSync(process.env.WFE_CONTEXT_FILE));

const qwen = spawn(
  process.argv[2],
  ['--auth-type', 'openai', '--output-format', 'stream-json', '--approval-mode', 'auto-edit'],
  { stdio: ['inherit', 'pipe', 'inherit'], env: { ...process.env, OPENAI_MODEL: process.env.WFE_MODEL } },
);
const exited = new Promise((resolve) => {
  qwen.on('error', (problem) => resolve(`qwen does not start: ${problem.message}`));
  qwen.on('exit', (code) => resolve(`qwen ended with exit code ${code}`));
});

let end;
for await (const line of createInterface({ input: qwen.stdout })) {
  let event;
  try {
    event = JSON.parse(line);
  } catch {
    continue;
  }
  const content = event.message?.content;
  for (const part of parts(content, 'tool_use')) {
    const path = String(part.input?.file_path ?? '').replace(`${process.cwd()}/`, '');
    say({ type: 'tool_use', id: part.id, tool: part.name, path });
  }
  for (const part of parts(content, 'tool_result')) {
    const result = { type: 'tool_result', id: part.tool_use_id, status: part.is_error ? 'error' : 'ok' };
    say(part.is_error ? { ...result, error: String(part.content) } : result);
  }
  if (event.type === 'assistant') for (const part of parts(content, 'text')) say({ type: 'message', text: part.text });
  if (event.type === 'result') end = event;
}
const how = await exited;
if (end?.usage) {
  const { input_tokens, output_tokens, cache_read_input_tokens } = end.usage;
  say({
    type: 'usage', prompt_tokens: input_tokens ?? 0, completion_tokens: output_tokens ?? 0,
    cached_tokens: cache_read_input_tokens ?? 0, model: process.env.WFE_MODEL,
  });
}
if (end && !end.is_error) {
  say({ type: 'result', status: 'done' });
} else {
  const problem = String(end?.error?.message ?? end?.error ?? end?.result ?? how);
  const retry = /429|50[0-9]|ECONN|ETIMEDOUT|EAI_AGAIN|fetch failed|terminated|timeout|connection error/i.test(problem);
  say({ type: 'result', status: 'error', error: problem, retry });
}

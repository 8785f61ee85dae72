import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@longshore/testkit/loopback";
import { request } from "undici";
import type { BareAnswers } from "./bare.js";
import type { Question } from "./operations.js";
import { untilAnswered, type Target } from "./servers.js";

/** What Node can do at all in place of a registry: see `bare.ts`. */
export interface Limit extends AsyncDisposable, Pick<Target, "pid" | "origin"> {}

/** What a response has because of its connection: each server sends its own. */
const OF_CONNECTION = new Set(["connection", "date", "keep-alive"]);

/** Starts a bare server that answers `questions` as `target` does now. */
export async function startLimit(target: Target, questions: readonly Question[], folder: string): Promise<Limit> {
  const answers: BareAnswers = {};
  for (const question of questions) answers[question.path] = await recordAnswer(target, question);
  const port = await freePort();
  const program = fileURLToPath(new URL("./bare.js", import.meta.url));
  const args = [program, String(port), join(folder, "bare-log"), JSON.stringify(answers)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  const exited = once(child, "exit").then(() => true);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
  };
  const origin = `http://127.0.0.1:${port}`;
  try {
    await untilAnswered(`${origin}/v2/`, exited);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? -1, origin, [Symbol.asyncDispose]: stop };
}

async function recordAnswer(target: Target, { path, accept, files }: Question): Promise<BareAnswers[string]> {
  const answer = await request(target.origin + path, {
    headers: accept === undefined ? {} : { accept },
    responseHeaders: "raw",
  });
  const body = Buffer.from(await answer.body.arrayBuffer());
  if (answer.statusCode !== 200) throw new Error(`GET ${path} answered ${answer.statusCode}: ${body.toString()}`);
  const headers = Object.entries(answer.headers).flatMap(([name, value]) =>
    OF_CONNECTION.has(name.toLowerCase()) || value === undefined ? [] : [name, String(value)],
  );
  return { headers, body: body.toString("base64"), files: files.map((file) => join(target.root, file)) };
}

import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";

/** A request of a test. The path is sent as it is: nothing is cleaned or encoded. */
export interface Ask {
  readonly method?: string;
  /** Path and query, or the absolute URL of a Location. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array | undefined;
}

/** The response to a test's request. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Name, value, name, value, …: repeated lines as they arrived. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  text(): string;
  json(): unknown;
  /** The first error's code; undefined if the body isn't an error envelope. */
  code(): string | undefined;
  /** The first error's detail. */
  detail(): unknown;
}

/** Sends requests to one address over its own connections. */
export interface HttpClient {
  readonly origin: string;
  ask(ask: Ask): Promise<Answer>;
  close(): void;
}

export interface ClientOptions {
  /** False opens a connection for each request, which any worker may accept. True by default. */
  readonly keepAlive?: boolean;
  /** Sent with every request. */
  readonly headers?: NonNullable<Ask["headers"]>;
}

/** A client of the server at `origin` (`http://127.0.0.1:<port>`). */
export function createHttpClient(
  origin: string,
  { keepAlive = true, headers: common }: ClientOptions = {},
): HttpClient {
  const agent = new Agent({ keepAlive, maxSockets: 32 });
  const { hostname, port } = new URL(origin);
  return {
    origin,
    ask: async ({ method = "GET", path, headers = {}, body }) => {
      const target = path.startsWith("http://") ? path.replace(/^http:\/\/[^/]*/, "") : path;
      const request = httpRequest({
        agent,
        hostname,
        port,
        method,
        path: target,
        headers: toNode({ ...common, ...headers }),
      });
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        request.once("response", resolve).once("error", reject);
      });
      request.end(body);
      const response = await answered;
      return readAnswer(response);
    },
    close: () => agent.destroy(),
  };
}

function toNode(headers: NonNullable<Ask["headers"]>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === "string" ? value : [...value]]),
  );
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) if (chunk instanceof Buffer) chunks.push(chunk);
  return createAnswer(response.statusCode ?? 0, response.headers, response.rawHeaders, Buffer.concat(chunks));
}

function createAnswer(
  status: number,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
  body: Buffer,
): Answer {
  const text = (): string => body.toString("utf8");
  const json = (): unknown => JSON.parse(text());
  const first = (): Record<string, unknown> | undefined => {
    if (headers["content-type"] !== "application/json") return undefined;
    const document = json();
    const errors: unknown = isRecord(document) ? document["errors"] : undefined;
    const error: unknown = Array.isArray(errors) ? errors[0] : undefined;
    return isRecord(error) ? error : undefined;
  };
  const code = (): string | undefined => {
    const value = first()?.["code"];
    return typeof value === "string" ? value : undefined;
  };
  return { status, headers, rawHeaders, body, text, json, code, detail: () => first()?.["detail"] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Every value of the header `name`, one entry per line. */
export function headerLines(answer: Answer, name: string): string[] {
  const lines: string[] = [];
  for (let i = 0; i < answer.rawHeaders.length; i += 2) {
    if (answer.rawHeaders[i]?.toLowerCase() === name.toLowerCase()) lines.push(answer.rawHeaders[i + 1] ?? "");
  }
  return lines;
}

/** A connection on which a test can write arbitrary bytes. */
export interface RawConnection extends Disposable {
  readonly socket: Socket;
  write(bytes: string | Uint8Array): void;
  /** Resolves with everything received so far, once `condition` holds for it or the other end has closed. */
  received(condition: (text: string) => boolean): Promise<string>;
  /** Resolves when the other end has closed the connection. */
  closed(): Promise<void>;
}

/** Connects to `origin`. */
export async function connectRaw(origin: string): Promise<RawConnection> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  let text = "";
  let isClosed = false;
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((check) => check());
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
    wake();
  });
  // A refused client that keeps sending is reset; what it received before that is what counts.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isClosed = true;
    wake();
  });
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    async received(condition) {
      await until(() => isClosed || condition(text));
      return text;
    },
    closed: () => until(() => isClosed),
    [Symbol.dispose]: () => socket.destroy(),
  };
}

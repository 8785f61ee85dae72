import { once } from "node:events";
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { seedOf } from "../run-length.js";
import { write } from "./stand-in/sender.js";

/** How often each fault occurs, as a share of the requests; the rest goes through. */
export interface FaultRates {
  /** 500 and 503 answers, half of them after the request was carried out. */
  readonly errors: number;
  /** Connections reset: before the request, in place of the answer, or within its body. */
  readonly resets: number;
  /** Responses that end early, as if they were complete. */
  readonly truncations: number;
  /** Pauses before the answer, or within its body. */
  readonly stalls: number;
}

export interface FaultProxyOptions {
  readonly rates?: FaultRates;
  /** Milliseconds of a stall (default: 2000). */
  readonly stall?: number;
  /** The same seed gives the same sequence of faults; by default `FAULT_SEED`, or a random one, which is printed. */
  readonly seed?: number;
}

/** An HTTP proxy in front of one server, which breaks some of what passes through it. */
export interface FaultProxy extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, to be used in place of the server's. */
  readonly endpoint: string;
  readonly seed: number;
  /** May be changed at any time. */
  rates: FaultRates;
  /** How many requests arrived, and what happened to them. */
  readonly counts: ReadonlyMap<Fate | "requests", number>;
  /** Nothing listens any more, and every connection is reset: the server is gone. */
  down(): Promise<void>;
  /** It listens again, on the same port. */
  up(): Promise<void>;
  stop(): Promise<void>;
}

/** The default share of each fault. */
export const HARD_TIMES: FaultRates = { errors: 0.05, resets: 0.02, truncations: 0.02, stalls: 0.01 };
export const FAIR_WEATHER: FaultRates = { errors: 0, resets: 0, truncations: 0, stalls: 0 };

type Fate =
  | "pass"
  | "error-before"
  | "error-after"
  | "reset-before"
  | "reset-after"
  | "reset-in-body"
  | "truncate"
  | "stall"
  | "stall-in-body";

/** Starts the proxy in front of `target` (`http://127.0.0.1:<port>`). */
export async function startFaultProxy(target: string, options: FaultProxyOptions = {}): Promise<FaultProxy> {
  const seed = options.seed ?? seedOf("FAULT_SEED");
  console.log(`fault proxy: FAULT_SEED=${seed}`);
  const chance = createChance(seed);
  const stall = options.stall ?? 2000;
  const counts = new Map<Fate | "requests", number>();
  const agent = new Agent({ keepAlive: true });
  const { hostname, port: targetPort } = new URL(target);
  let rates = options.rates ?? HARD_TIMES;

  const handle = (message: IncomingMessage, response: ServerResponse): void => {
    const fate = drawFate(rates, chance);
    for (const name of ["requests", fate] as const) counts.set(name, (counts.get(name) ?? 0) + 1);
    const where = chance();
    if (fate === "reset-before") {
      reset(message);
      return;
    }
    if (fate === "error-before") {
      message.resume().once("end", () => answerError(response, where));
      return;
    }
    const { method, url: path } = message;
    // The host is part of the signature, so it stays the client's.
    const headers = message.rawHeaders;
    const upstream = httpRequest({ agent, hostname, port: targetPort, method, path, headers, setHost: false });
    upstream.once("response", (answer) => {
      void passOn(answer, { message, response, fate, where, stall }).catch(() => message.socket.destroy());
    });
    upstream.once("error", () => reset(message));
    response.once("close", () => upstream.destroy());
    message.pipe(upstream);
  };

  let server: Server | undefined;
  const listen = async (port: number): Promise<number> => {
    server = createServer({ keepAliveTimeout: 0 }, handle);
    await once(server.listen(port, "127.0.0.1"), "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the fault proxy listens on no port");
    return address.port;
  };
  const down = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    const closed = once(closing, "close");
    closing.close();
    closing.closeAllConnections();
    await closed;
  };
  const stop = async (): Promise<void> => {
    await down();
    agent.destroy();
  };
  const port = await listen(0);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seed,
    counts,
    get rates() {
      return rates;
    },
    set rates(next) {
      rates = next;
    },
    down,
    up: async () => void (await listen(port)),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface Passing {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly fate: Fate;
  /** Where in the body it occurs, 0 to 1. */
  readonly where: number;
  readonly stall: number;
}

async function passOn(answer: IncomingMessage, { message, response, fate, where, stall }: Passing): Promise<void> {
  if (fate === "error-after" || fate === "reset-after") {
    await once(answer.resume(), "end");
    if (fate === "error-after") answerError(response, where);
    else reset(message);
    return;
  }
  const length = bodyLength(message, answer);
  const strikesBody = fate === "truncate" || fate === "reset-in-body" || fate === "stall-in-body";
  if (fate === "stall" || (fate === "stall-in-body" && length === 0)) {
    await delay(stall);
  } else if (strikesBody && length === 0) {
    // A response without a body can't be cut short.
    reset(message);
    return;
  }
  response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
  let left = strikesBody && length > 0 ? Math.floor(where * length) : Infinity;
  for await (const chunk of answer) {
    if (response.destroyed) return;
    if (!(chunk instanceof Uint8Array)) continue;
    if (left < chunk.byteLength) {
      await write(response, chunk.subarray(0, left));
      if (fate !== "stall-in-body") {
        answer.destroy();
        breakOff(message, fate);
        return;
      }
      await delay(stall);
      await write(response, chunk.subarray(left));
      left = Infinity;
    } else {
      await write(response, chunk);
      left -= chunk.byteLength;
    }
  }
  response.end();
}

function bodyLength(message: IncomingMessage, answer: IncomingMessage): number {
  return message.method === "HEAD" ? 0 : Number(answer.headers["content-length"] ?? 0);
}

function breakOff(message: IncomingMessage, fate: Fate): void {
  if (fate === "truncate") message.socket.end(() => message.socket.destroy());
  else reset(message);
}

function reset(message: IncomingMessage): void {
  message.socket.resetAndDestroy();
}

function answerError(response: ServerResponse, where: number): void {
  const [status, code] = where < 0.5 ? [500, "InternalError"] : [503, "SlowDown"];
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>a fault for the test</Message></Error>`;
  response.writeHead(status, { "content-type": "application/xml", "content-length": String(body.length) });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

function drawFate(rates: FaultRates, chance: () => number): Fate {
  const drawn = chance();
  const kind = chance();
  const pick = (...fates: readonly [Fate, ...Fate[]]): Fate => fates[Math.floor(kind * fates.length)] ?? fates[0];
  const steps: readonly (readonly [number, Fate])[] = [
    [rates.errors, pick("error-before", "error-after")],
    [rates.resets, pick("reset-before", "reset-after", "reset-in-body")],
    [rates.truncations, "truncate"],
    [rates.stalls, pick("stall", "stall-in-body")],
  ];
  let bound = 0;
  for (const [rate, fate] of steps) {
    bound += rate;
    if (drawn < bound) return fate;
  }
  return "pass";
}

/** Numbers from 0 to below 1 that depend on nothing but the seed (splitmix32). */
function createChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

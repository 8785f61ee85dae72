import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen, serveHttp } from "@longshore/testkit/loopback";

/** What the receiver does with a request. */
export type ReceiverMode = "accept" | "fail" | "hang" | "reset";

/** One request that came. */
export interface Delivery {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** Whether it was answered with success. */
  readonly accepted: boolean;
}

/** A receiver of events that can misbehave. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Everything that came, in order. */
  readonly deliveries: readonly Delivery[];
  /** How it treats requests for `path` from now on; all of them where absent. */
  setMode(mode: ReceiverMode, path?: string): void;
  /** Refuses connections for as long as `during` takes. */
  restart(during: () => Promise<void>): Promise<void>;
}

/** Starts a receiver on a port of the loopback address. */
export async function startReceiver(): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  const modes = new Map<string, ReceiverMode>();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? "";
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const mode = modes.get(path) ?? modes.get("") ?? "accept";
      const body = Buffer.concat(chunks).toString("utf8");
      deliveries.push({ path, headers: request.headers, body, accepted: mode === "accept" });
      if (mode === "reset") request.socket.resetAndDestroy();
      else if (mode !== "hang") response.writeHead(mode === "fail" ? 500 : 200).end();
    });
  };
  let server = await serveHttp(answer);
  const { port, url } = server;
  const close = (): Promise<void> => server.close();
  return {
    url,
    port,
    deliveries,
    setMode: (mode, path = "") => {
      if (path === "") modes.clear();
      modes.set(path, mode);
    },
    async restart(during) {
      await close();
      await during();
      server = await listen(createServer(answer), port);
    },
    [Symbol.asyncDispose]: close,
  };
}

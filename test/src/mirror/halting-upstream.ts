import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "@longshore/testkit/loopback";

/** An upstream with one blob, which it sends half until it is told to go on. */
export interface HaltingUpstream extends AsyncDisposable {
  readonly url: string;
  /** Where each download began, by its Range. */
  readonly downloads: readonly number[];
  /** Lets every download go on to the end. */
  goOn(): void;
}

export async function startHaltingUpstream(bytes: Buffer): Promise<HaltingUpstream> {
  const downloads: number[] = [];
  const halted = new Set<() => void>();
  let halts = true;
  const send = (request: IncomingMessage, response: ServerResponse): void => {
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(start === 0 ? 200 : 206, {
      "content-type": "application/octet-stream",
      "content-length": bytes.length - start,
      ...(start === 0 ? {} : { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    downloads.push(start);
    const half = Math.floor(bytes.length / 2);
    if (start < half) response.write(bytes.subarray(start, half));
    const finish = (): void => void response.end(bytes.subarray(Math.max(start, half)));
    if (halts) halted.add(finish);
    else finish();
  };
  const server = await listen(
    createServer((request, response) => {
      if (request.url === "/v2/") response.end("{}");
      else send(request, response);
    }),
  );
  return {
    url: server.url,
    downloads,
    goOn() {
      halts = false;
      for (const finish of halted) finish();
      halted.clear();
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

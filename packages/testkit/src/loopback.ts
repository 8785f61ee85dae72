import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Server, type Socket } from "node:net";

/** A server on the loopback address. Disposing of it closes its connections and waits for its end. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Lets a server (TCP, HTTP or TLS) listen on `port` of the loopback address; by default, one that the system chooses. */
export async function listen(server: Server, port = 0): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  const host = `127.0.0.1:${address.port}`;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return { port: address.port, host, url: `http://${host}`, close, [Symbol.asyncDispose]: close };
}

/** Answers HTTP requests on a port that the system chooses. */
export function serveHttp(listener: RequestListener): Promise<Listening> {
  return listen(createHttpServer(listener));
}

/** Returns a TCP port of the loopback address that is free at the moment. */
export async function freePort(): Promise<number> {
  await using listening = await listen(createServer());
  return listening.port;
}

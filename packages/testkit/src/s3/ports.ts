import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * The first of `count` neighbouring TCP ports on the loopback address that nothing listens on, below those that the system
 * gives to connections.
 */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = randomInt(12_000, 31_000);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

import cluster from "node:cluster";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { request } from "undici";

/*
 * What Node does at the least for a cold pull: it receives a blob with undici, hashes it, writes it to a file and forwards it, in two
 * processes. Nothing is shared between clients, verified before its end, or synced. `node bare.js <port> <upstream> <folder>`
 */

const PROCESSES = 2;

async function forward(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, , , upstream = "", folder = ""] = process.argv;
  const answer = await request(`${upstream}${incoming.url ?? "/"}`);
  response.writeHead(answer.statusCode, { "content-length": String(answer.headers["content-length"] ?? 0) });
  const hash = createHash("sha256");
  await using file = await open(join(folder, randomUUID()), "w");
  for await (const chunk of answer.body) {
    if (!(chunk instanceof Uint8Array)) continue;
    const written = file.write(chunk);
    hash.update(chunk);
    response.write(chunk);
    await written;
    if (response.writableNeedDrain) await once(response, "drain");
  }
  hash.digest();
  response.end();
}

if (cluster.isPrimary) {
  for (let count = 0; count < PROCESSES; count += 1) cluster.fork();
} else {
  createServer((incoming, response) => {
    forward(incoming, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  }).listen(Number(process.argv[2]), "127.0.0.1");
}

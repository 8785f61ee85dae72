import type { Socket } from "node:net";
import type { DownloadJob, HeadJob, LoadResult } from "./job.js";
import { expectStatus, formatRequest, openConnection } from "./wire.js";

/** One HEAD after the other on each connection until the time is up. */
export async function runHead(job: HeadJob): Promise<LoadResult> {
  const url = new URL(job.url);
  const request = formatRequest("HEAD", url, job.accept);
  const started = performance.now();
  let operations = 0;
  const sockets: Socket[] = [];
  await new Promise<void>((resolve, reject) => {
    for (let index = 0; index < job.connections; index++) {
      const events = {
        onHead: (head: string): void => {
          expectStatus(head, 200);
          operations++;
          socket.write(request);
        },
        onBody: (): void => reject(new Error("a HEAD answer carried a body")),
      };
      const socket = openConnection(url, true, events, reject);
      socket.write(request);
      sockets.push(socket);
    }
    setTimeout(resolve, job.seconds * 1000);
  });
  const seconds = elapsed(started);
  for (const socket of sockets) {
    socket.destroy();
  }
  return { operations, seconds, digests: [] };
}

/** Every URL once, all at the same time. */
export async function runDownload(job: DownloadJob): Promise<LoadResult> {
  const started = performance.now();
  await Promise.all(job.urls.map((url) => download(new URL(url))));
  return { operations: job.urls.length, seconds: elapsed(started), digests: [] };
}

function download(url: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = Number.POSITIVE_INFINITY;
    const events = {
      onHead: (head: string): void => {
        expectStatus(head, 200);
        left = Number(/^content-length: *(\d+)$/im.exec(head)?.[1]);
        if (Number.isNaN(left)) {
          reject(new Error("the answer has no Content-Length"));
        }
      },
      onBody: (bytes: number): void => {
        left -= bytes;
        if (left === 0) {
          resolve();
          socket.destroy();
        } else if (left < 0) {
          reject(new Error("the answer is longer than its Content-Length"));
        }
      },
    };
    const socket = openConnection(url, false, events, reject);
    socket.write(formatRequest("GET", url));
  });
}

/** Seconds since a reading of `performance.now()`. */
export function elapsed(started: number): number {
  return (performance.now() - started) / 1000;
}

import { expect, it } from "vitest";
import { contentOf, pushBlob } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistryOfKind, type RegistryKind } from "@longshore/testkit/registry-of-kind";
import { SLOW } from "./site.js";

const TEN = contentOf("0123456789");

/** Those on which Distribution and RFC 9110 agree, or the RFC leaves the choice. */
const RANGES = [
  "bytes=0-1,4-5",
  "bytes=8-9,0-1",
  "bytes=0-1 , -3",
  "bytes=0-4,4-8",
  "bytes=0-5,4-9",
  "bytes=0-9,-1",
  "bytes=0-1,10-12",
  "bytes=0-1,5-1",
  "bytes=20-,30-",
  "bytes=1-2,",
  "bytes=,1-2",
  "bytes=,",
  "bytes=",
  "bytes=5-1",
  "bytes=--1",
  "bytes=a-b",
  "bytes=2-3",
  "bytes=-99",
  "bytes=10-",
];

describePeers("ranges of a blob", ["docker-registry"], () => {
  /** Status, the headers that say what the body is, and the body, with the boundary's own text taken out. */
  const answersOf = async (kind: RegistryKind): Promise<readonly unknown[]> => {
    await using registry = await startRegistryOfKind({ kind });
    const client = createHttpClient(`http://${registry.host}`);
    try {
      await pushBlob(client, "a", TEN);
      const answers: unknown[] = [];
      for (const range of RANGES) {
        for (const method of ["GET", "HEAD"]) {
          const path = `/v2/a/blobs/${TEN.digest}`;
          // Its 416 announces a longer body than it sends, so that Node waits for the rest.
          const { status, headers, body } = await fetchRaw(`http://${registry.host}${path}`, method, range);
          const type = headers.get("content-type") ?? "";
          const [, boundary = "no boundary"] = /boundary=([0-9a-f]{60})$/.exec(type) ?? [];
          const plain = (text: string): string => text.replaceAll(boundary, "BOUNDARY");
          const length = status === 416 ? "" : headers.get("content-length");
          answers.push([range, method, status, plain(type), headers.get("content-range"), length, plain(body)]);
        }
      }
      return answers;
    } finally {
      client.close();
    }
  };

  it(
    "are answered as Distribution answers them, byte for byte",
    async () => {
      expect(await answersOf("longshore")).toEqual(await answersOf("docker-registry"));
    },
    SLOW,
  );
});

async function fetchRaw(url: string, method: string, range: string) {
  const response = await fetch(url, { method, headers: { range } });
  if (response.status === 416) {
    await response.body?.cancel();
    return { status: 416, headers: response.headers, body: "" };
  }
  return { status: response.status, headers: response.headers, body: await response.text() };
}

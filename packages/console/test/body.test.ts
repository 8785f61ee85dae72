import { expect, it } from "vitest";
import { readBody } from "../src/api/body.js";

/** A body without an end, and how often more of it was wanted. */
function endless(): {
  readonly response: Response;
  readonly wanted: () => number;
  readonly isCancelled: () => boolean;
} {
  let wanted = 0;
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      wanted += 1;
      controller.enqueue(new Uint8Array(1000));
    },
    cancel() {
      isCancelled = true;
    },
  });
  return { response: new Response(stream), wanted: () => wanted, isCancelled: () => isCancelled };
}

it("a body is read up to a bound, whatever its length is said to be", async () => {
  expect(await (await readBody(new Response("abc"), 3)).text()).toBe("abc");
  expect((await readBody(new Response(null), 0)).size).toBe(0);
  await expect(readBody(new Response("abcd"), 3)).rejects.toThrow("more than 3 bytes");
  const { response, wanted, isCancelled } = endless();
  await expect(readBody(response, 10_000)).rejects.toThrow("more than 10000 bytes");
  expect(isCancelled()).toBe(true);
  expect(wanted()).toBeLessThan(15);
  const declared = new Response("abcd", { headers: { "content-length": "4" } });
  await expect(readBody(declared, 3)).rejects.toThrow("more than 3 bytes");
});

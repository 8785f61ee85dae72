import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import {
  BLOBS,
  challenge,
  challengesTo,
  GOOD,
  internals,
  MANIFESTS,
  redirect,
  REFERRERS,
  TAGS,
  type Hostility,
} from "./hostilities.js";
import { expectNothing, expectUnharmed, get, useScene } from "./scene.js";

/** Loopback addresses are internal only for an upstream that is elsewhere: this machine's own other address, where it has one. */
const address = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

describe("an upstream that sends", () => {
  const prefixed = (prefix: string, kinds: Readonly<Record<string, Hostility>>) =>
    Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [`${prefix}: ${name}`, kind]));
  const scene = useScene({
    upstream: "127.0.0.1",
    witness: "127.0.0.2",
    kinds: ({ url }) => ({
      ...prefixed("blob", BLOBS),
      ...prefixed("manifest", MANIFESTS),
      ...prefixed("tags", TAGS),
      ...prefixed("referrers", REFERRERS),
      ...prefixed("challenge", challengesTo(url)),
      "redirect to another host": (path, response, incoming) =>
        incoming.headers.authorization === undefined
          ? challenge('Basic realm="x"')(path, response, incoming)
          : redirect(`${url}/signed?secret=1`)(path, response, incoming),
      "tags elsewhere": (path, response) => {
        const more = path.includes("?") ? {} : { link: `<${url}/v2/steal/tags/list?last=a>; rel="next"` };
        response.writeHead(200, more).end(path.includes("?") ? '{"tags":["b"]}' : '{"tags":["a"]}');
      },
    }),
  });

  it.each(Object.keys(BLOBS))("for a blob %s", async (name) => {
    const url = `${scene().at(`blob: ${name}`)}/blobs/${GOOD.digest}`;
    for (const headers of [{}, { range: "bytes=5-" }]) expectNothing(await get(url, headers));
  });

  it.each(Object.keys(MANIFESTS))("for a manifest %s", async (name) => {
    for (const reference of ["latest", GOOD.digest]) {
      expectNothing(await get(`${scene().at(`manifest: ${name}`)}/manifests/${reference}`));
    }
  });

  it.each(Object.keys(TAGS))("for tags %s", async (name) => {
    expectNothing(await get(`${scene().at(`tags: ${name}`)}/tags/list`));
  });

  it.each(Object.keys(REFERRERS))("for referrers %s", async (name) => {
    expectNothing(await get(`${scene().at(`referrers: ${name}`)}/referrers/${GOOD.digest}`));
  });

  it.each(Object.keys(challengesTo("http://127.0.0.2")))("a challenge %s", async (name) => {
    const before = scene().witness.asked.length;
    expectNothing(await get(`${scene().at(`challenge: ${name}`)}/blobs/${GOOD.digest}`));
    expect(scene().witness.asked.slice(before)).toEqual([]);
  });

  it("a redirect to another host takes no password there", async () => {
    const got = await get(`${scene().at("redirect to another host")}/blobs/${GOOD.digest}`);
    expect([got.status, got.digest]).toEqual([200, GOOD.digest]);
    const asked = scene().witness.asked.join("\n");
    expect(asked).toContain("/signed?secret=1");
    expect(asked).not.toMatch(/authorization/i);
    expect(scene().mirror.logs()).not.toContain("secret=1");
  });

  it("the next page of tags from another host is asked for its own", async () => {
    const before = scene().witness.asked.length;
    const got = await get(`${scene().at("tags elsewhere")}/tags/list`);
    expect(JSON.parse(got.text)).toMatchObject({ tags: ["a", "b"] });
    expect(scene().witness.asked.slice(before)).toEqual([]);
  });

  expectUnharmed(scene);
});

describe.runIf(address !== undefined)("an upstream elsewhere that leads to", () => {
  const names = Object.keys(internals(0));
  const scene = useScene({
    upstream: address ?? "",
    witness: "127.0.0.1",
    kinds: ({ port }) =>
      Object.fromEntries(
        Object.entries(internals(port)).flatMap(([name, url]) => [
          [`redirect: ${name}`, redirect(url)],
          [`realm: ${name}`, challenge(`Bearer realm="${url}",service="x"`)],
        ]),
      ),
  });

  it.each(names)("%s, by a redirect or a token service, is followed nowhere", async (name) => {
    for (const way of ["redirect", "realm"]) {
      const base = scene().at(`${way}: ${name}`);
      const got = await get(`${base}/blobs/${GOOD.digest}`);
      expectNothing(got);
      expect([got.status, got.text]).toEqual([502, expect.stringMatching(/redirects\.networks|outside/)]);
      expectNothing(await get(`${base}/manifests/latest`));
      expectNothing(await get(`${base}/tags/list`));
    }
    expect(scene().witness.asked).toEqual([]);
  });

  it.each([
    "127.0.0.1:5000",
    "127.0.0.1",
    "[::1]:5000",
    "localhost",
    "169.254.169.254",
    "2130706433",
    "../../etc",
    "u0.test/..",
    "ada@u0.test",
    "http://127.0.0.1",
    "\u0000",
    "u0.test\r\nx-evil: 1",
    "x".repeat(5000),
    "",
  ])("nothing, where a client asks for ns=%j", async (namespace) => {
    const { mirror, witness } = scene();
    for (const path of ["manifests/latest", `blobs/${GOOD.digest}`, "tags/list", `referrers/${GOOD.digest}`]) {
      const got = await get(`${mirror.url}/v2/team/app/${path}?ns=${encodeURIComponent(namespace)}`);
      expect(got.status).toBeLessThan(500);
      if (!path.startsWith("referrers")) expect(got.status).toBeGreaterThanOrEqual(400);
    }
    expect(witness.asked).toEqual([]);
  });

  expectUnharmed(scene);
});

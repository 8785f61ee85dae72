import { expect, it } from "vitest";
import {
  contentOf,
  digestOf,
  expectStatus,
  locationOf,
  pushBlob,
  randomContent,
  startUpload,
  withQuery,
  type Algorithm,
} from "@longshore/testkit/fixtures";
import type { Answer, HttpClient } from "@longshore/testkit/http-client";
import { describeStorages } from "./storages.js";

const ALGORITHMS: readonly Algorithm[] = ["sha256", "sha384", "sha512"];

async function patch(client: HttpClient, path: string, body: string, range?: string): Promise<Answer> {
  const headers = range === undefined ? {} : { "content-range": range };
  return client.ask({ method: "PATCH", path, body, headers });
}

describeStorages("uploads", ({ client, repository }) => {
  const has = async (name: string, digest: string): Promise<boolean> =>
    (await client().ask({ method: "HEAD", path: `/v2/${name}/blobs/${digest}` })).status === 200;

  it("begin with a location, an id and an empty range", async () => {
    const name = repository();
    const answer = await client().ask({ method: "POST", path: `/v2/${name}/blobs/uploads/` });
    const uuid = answer.headers["docker-upload-uuid"];
    expect([answer.status, answer.headers.range, answer.headers["content-length"]]).toEqual([202, "0-0", "0"]);
    expect(answer.headers["oci-chunk-min-length"]).toBeUndefined();
    expect(uuid).toMatch(/^[0-9a-f-]{36}$/);
    expect(locationOf(answer)).toMatch(
      new RegExp(`^${client().origin}/v2/${name}/blobs/uploads/${String(uuid)}\\?_state=[\\w%-]+$`),
    );
  });

  it.each(ALGORITHMS)("take a whole %s blob in a PUT", async (algorithm) => {
    const name = repository();
    const content = randomContent(200_000, algorithm);
    const location = await startUpload(client(), name, `?digest-algorithm=${algorithm}`);
    const answer = await client().ask({
      method: "PUT",
      path: withQuery(location, { digest: content.digest }),
      body: content.bytes,
    });
    expect([answer.status, answer.headers["docker-content-digest"]]).toEqual([201, content.digest]);
    expect(locationOf(answer)).toBe(`${client().origin}/v2/${name}/blobs/${content.digest}`);
    const read = await client().ask({ path: locationOf(answer) });
    expect(read.body.equals(content.bytes)).toBe(true);
  });

  it.each(ALGORITHMS)("take a whole %s blob in a POST", async (algorithm) => {
    const name = repository();
    const content = randomContent(1000, algorithm);
    const path = `/v2/${name}/blobs/uploads/?digest=${content.digest}`;
    const answer = await client().ask({ method: "POST", path, body: content.bytes });
    expect([answer.status, answer.headers["docker-content-digest"]]).toEqual([201, content.digest]);
    expect((await client().ask({ path: locationOf(answer) })).body.equals(content.bytes)).toBe(true);
  });

  it("take the empty blob in a POST", async () => {
    const name = repository();
    const content = contentOf("");
    const answer = await client().ask({ method: "POST", path: `/v2/${name}/blobs/uploads/?digest=${content.digest}` });
    expect(answer.status).toBe(201);
    expect(await has(name, content.digest)).toBe(true);
  });

  it("open a session for a POST that names a digest and brings nothing", async () => {
    const path = `/v2/${repository()}/blobs/uploads/?digest=${randomContent().digest}`;
    expect((await client().ask({ method: "POST", path })).status).toBe(202);
  });

  it.each(ALGORITHMS)("take chunks of a %s blob, each from the location before", async (algorithm) => {
    const name = repository();
    const digest = digestOf("abcdefgh", algorithm);
    let location = await startUpload(client(), name);
    for (const [chunk, range, received] of [
      ["a", "0-0", "0-0"],
      ["bcd", "1-3", "0-3"],
      ["ef", "4-5", "0-5"],
    ] as const) {
      const answer = expectStatus(await patch(client(), location, chunk, range), 202);
      expect([answer.headers.range, answer.headers["content-length"]]).toEqual([received, "0"]);
      location = locationOf(answer);
    }
    const path = withQuery(location, { digest });
    const last = await client().ask({ method: "PUT", path, body: "gh", headers: { "content-range": "6-7" } });
    expect(last.status).toBe(201);
    expect((await client().ask({ path: locationOf(last) })).text()).toBe("abcdefgh");
  });

  it("take a stream of unknown length and close with an empty PUT", async () => {
    const name = repository();
    const location = await startUpload(client(), name);
    const answer = await client().ask({
      method: "PATCH",
      path: location,
      body: "streamed",
      headers: { "transfer-encoding": "chunked" },
    });
    expect([answer.status, answer.headers.range]).toEqual([202, "0-7"]);
    const put = await client().ask({
      method: "PUT",
      path: withQuery(locationOf(answer), { digest: digestOf("streamed") }),
    });
    expect(put.status).toBe(201);
  });

  it("continue where the status says, whichever location is used", async () => {
    const name = repository();
    const first = await startUpload(client(), name);
    expectStatus(await patch(client(), first, "abc"), 202);
    for (const method of ["GET", "HEAD"]) {
      const status = await client().ask({ method, path: first.replace(/\?.*/, "") });
      expect([status.status, status.headers.range]).toEqual([204, "0-2"]);
      expect(status.headers["docker-upload-uuid"]).toBeDefined();
    }
    const status = await client().ask({ path: first });
    const put = await client().ask({
      method: "PUT",
      path: withQuery(locationOf(status), { digest: digestOf("abcdef") }),
      body: "def",
    });
    expect(put.status).toBe(201);
  });

  it("prefer a Content-Range to an older location", async () => {
    const first = await startUpload(client(), repository());
    expectStatus(await patch(client(), first, "abc", "0-2"), 202);
    expect((await patch(client(), first, "def", "3-5")).status).toBe(202);
  });

  it.each([
    ["a location from before the last chunk", undefined],
    ["a chunk from further on", "9-11"],
    ["a chunk from before", "0-2"],
    ["a range that ends before it begins", "5-3"],
    ["a range of another unit", "items 3-5/9"],
    ["a range beyond its own size", "bytes 3-5/5"],
    ["a range of words", "three-five"],
  ])("refuse %s with 416 and the right place", async (_, range) => {
    const first = await startUpload(client(), repository());
    expectStatus(await patch(client(), first, "abc"), 202);
    for (const method of ["PATCH", "PUT"]) {
      const path = method === "PUT" ? withQuery(first, { digest: digestOf("abcdef") }) : first;
      const headers = range === undefined ? {} : { "content-range": range };
      const answer = await client().ask({ method, path, body: "def", headers });
      expect([answer.status, answer.code(), answer.headers.range]).toEqual([416, "RANGE_INVALID", "0-2"]);
      expect(answer.detail()).toMatch(/^upload is at offset 3, not \d+$|^Content-Range must be <first>-<last>, not /);
      const right = await client().ask({ path: locationOf(answer) });
      expect([right.status, right.headers.range]).toEqual([204, "0-2"]);
    }
  });

  it.each(["bytes 3-5/6", "bytes 3-5/*"])("take a chunk whose range is written as in HTTP: %s", async (range) => {
    const name = repository();
    const first = await startUpload(client(), name);
    const second = locationOf(expectStatus(await patch(client(), first, "abc", "bytes 0-2/6"), 202));
    const path = withQuery(second, { digest: digestOf("abcdef") });
    const put = await client().ask({ method: "PUT", path, body: "def", headers: { "content-range": range } });
    expect(put.status).toBe(201);
    expect(await has(name, digestOf("abcdef"))).toBe(true);
  });

  it("say 201 again when the closing PUT is repeated, since its answer may have been lost", async () => {
    const name = repository();
    const content = randomContent(600_000);
    const path = withQuery(await startUpload(client(), name), { digest: content.digest });
    const put = (body: Uint8Array, target = path) => client().ask({ method: "PUT", path: target, body });
    const first = expectStatus(await put(content.bytes), 201);
    for (const body of [content.bytes, new Uint8Array()]) {
      const again = await put(body);
      expect([again.status, again.headers.location, again.headers["docker-content-digest"]]).toEqual([
        201,
        first.headers.location,
        content.digest,
      ]);
    }
    // Another blob's session, one that was given up, and a blob that isn't here any more.
    const other = withQuery(await startUpload(client(), name), { digest: randomContent().digest });
    expectStatus(await client().ask({ method: "DELETE", path: other }), 204);
    expect((await put(content.bytes, other)).code()).toBe("BLOB_UPLOAD_UNKNOWN");
    expectStatus(await client().ask({ method: "DELETE", path: `/v2/${name}/blobs/${content.digest}` }), 202);
    expect((await put(content.bytes)).code()).toBe("BLOB_UPLOAD_UNKNOWN");
  });

  it("refuse a range that isn't as long as the body", async () => {
    const location = await startUpload(client(), repository());
    const answer = await patch(client(), location, "abc", "0-9");
    expect([answer.status, answer.code()]).toEqual([400, "SIZE_INVALID"]);
  });

  it.each([
    ["absent", {}, "digest missing"],
    ["no digest", { digest: "nonsense" }, "digest parsing failed"],
    ["of an algorithm that doesn't exist", { digest: `sha3:${"a".repeat(64)}` }, "digest parsing failed"],
    ["too short", { digest: "sha256:abc" }, "digest parsing failed"],
  ])("refuse a digest that is %s and keep the session", async (_, query: Record<string, string>, detail) => {
    const name = repository();
    const location = await startUpload(client(), name);
    const answer = await client().ask({ method: "PUT", path: withQuery(location, query), body: "abc" });
    expect([answer.status, answer.code(), answer.detail()]).toEqual([400, "DIGEST_INVALID", detail]);
    const again = await client().ask({
      method: "PUT",
      path: withQuery(location, { digest: digestOf("abc") }),
      body: "abc",
    });
    expect(again.status).toBe(201);
  });

  it.each(ALGORITHMS)("refuse content that doesn't match its %s digest", async (algorithm) => {
    const name = repository();
    const digest = digestOf("expected", algorithm);
    const location = await startUpload(client(), name);
    const answer = await client().ask({ method: "PUT", path: withQuery(location, { digest }), body: "something else" });
    expect([answer.status, answer.code()]).toEqual([400, "DIGEST_INVALID"]);
    expect(answer.detail()).toBe(`invalid digest for referenced layer: ${digest}, content does not match digest`);
    const single = await client().ask({
      method: "POST",
      path: `/v2/${name}/blobs/uploads/?digest=${digest}`,
      body: "other",
    });
    expect([single.status, single.code()]).toEqual([400, "DIGEST_INVALID"]);
    expect(await has(name, digest)).toBe(false);
  });

  it.each([
    ["a digest", "?digest=sha256:abc", "DIGEST_INVALID"],
    ["an algorithm", "?digest-algorithm=md5", "DIGEST_INVALID"],
  ])("refuse to begin with %s that nobody can verify", async (_, query, code) => {
    const answer = await client().ask({
      method: "POST",
      path: `/v2/${repository()}/blobs/uploads/${query}`,
      body: "abc",
    });
    expect([answer.status, answer.code()]).toEqual([400, code]);
  });

  it("treat forms as bytes, because that is the type curl sends", async () => {
    const name = repository();
    const location = await startUpload(client(), name);
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const chunk = await client().ask({ method: "PATCH", path: location, body: "a=b&", headers });
    const path = withQuery(locationOf(expectStatus(chunk, 202)), { digest: digestOf("a=b&c=d") });
    expect((await client().ask({ method: "PUT", path, body: "c=d", headers })).status).toBe(201);
  });

  it("are gone once cancelled", async () => {
    const first = await startUpload(client(), repository());
    expectStatus(await patch(client(), first, "abc"), 202);
    const cancelled = await client().ask({ method: "DELETE", path: first });
    expect([cancelled.status, cancelled.headers["docker-upload-uuid"]]).not.toContain(undefined);
    expect(cancelled.status).toBe(204);
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const answer = await client().ask({ method, path: first, ...(method === "PATCH" ? { body: "x" } : {}) });
      expect([answer.status, answer.code(), answer.detail()]).toEqual([
        404,
        "BLOB_UPLOAD_UNKNOWN",
        "blob upload unknown",
      ]);
    }
  });

  it.each(["GET", "HEAD", "PATCH", "PUT", "DELETE"])("need an id for %s", async (method) => {
    const answer = await client().ask({ method, path: `/v2/${repository()}/blobs/uploads/` });
    expect([answer.status, method === "HEAD" ? "BLOB_UPLOAD_UNKNOWN" : answer.code()]).toEqual([
      404,
      "BLOB_UPLOAD_UNKNOWN",
    ]);
  });

  it("mount a blob of another repository", async () => {
    const [source, target] = [repository(), repository()];
    const content = randomContent();
    await pushBlob(client(), source, content);
    const path = `/v2/${target}/blobs/uploads/?mount=${content.digest}&from=${source}`;
    const answer = await client().ask({ method: "POST", path });
    expect([answer.status, answer.headers["docker-content-digest"]]).toEqual([201, content.digest]);
    expect(locationOf(answer)).toBe(`${client().origin}/v2/${target}/blobs/${content.digest}`);
    expect(await has(target, content.digest)).toBe(true);
  });

  it("mount a blob without naming its repository", async () => {
    const [source, target] = [repository(), repository()];
    const content = randomContent(64, "sha512");
    await pushBlob(client(), source, content);
    const answer = await client().ask({ method: "POST", path: `/v2/${target}/blobs/uploads/?mount=${content.digest}` });
    expect(answer.status).toBe(201);
    expect((await client().ask({ path: locationOf(answer) })).body.equals(content.bytes)).toBe(true);
  });

  it("fall back to an ordinary upload if nothing can be mounted", async () => {
    const [source, target] = [repository(), repository()];
    const content = randomContent();
    await pushBlob(client(), source, content);
    for (const query of [
      `mount=${randomContent().digest}&from=${source}`,
      `mount=${content.digest}&from=${repository()}`,
      `mount=${content.digest}&from=../../etc`,
      `mount=sha256:abc&from=${source}`,
      `mount=&from=${source}`,
    ]) {
      const answer = await client().ask({ method: "POST", path: `/v2/${target}/blobs/uploads/?${query}` });
      expect([query, answer.status, answer.headers.range]).toEqual([query, 202, "0-0"]);
    }
    expect(await has(target, content.digest)).toBe(false);
  });
});

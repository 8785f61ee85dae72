import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { beforeAll, describe, expect, it } from "vitest";
import { createS3Client } from "@longshore/testkit/s3/server";
import { outcome, type ParitySite } from "./site.js";

const KEY = "signed/plus+and space";
const CONTENT = "what was signed for";

export function signingParity(site: ParitySite): void {
  const object = (Key = KEY): { Bucket: string; Key: string } => ({ Bucket: site.bucket(), Key });

  describe("signatures", () => {
    beforeAll(async () => {
      await site.put(KEY, CONTENT);
    });

    const asked = async (change: Parameters<typeof createS3Client>[1]): Promise<string> => {
      const client = createS3Client(site.server(), change);
      try {
        const got = await outcome(client.send(new GetObjectCommand(object())));
        expect(await outcome(client.send(new PutObjectCommand({ ...object("signed/evil"), Body: "x" })))).toBe(got);
        return got;
      } finally {
        client.destroy();
        expect(await outcome(site.head("signed/evil"))).toBe("404 NotFound");
      }
    };

    it("with another secret are refused", async () => {
      const { accessKey } = site.server();
      const credentials = { accessKeyId: accessKey, secretAccessKey: "another secret" };
      expect(await asked({ credentials })).toBe("403 SignatureDoesNotMatch");
    });

    it("of an unknown access key are refused", async () => {
      const credentials = { accessKeyId: "NOSUCHKEY00000000000", secretAccessKey: "x" };
      expect(await asked({ credentials })).toBe("403 InvalidAccessKeyId");
    });

    it("of another hour are refused", async () => {
      const client = createS3Client(site.server(), { systemClockOffset: -3_600_000 });
      expect(await outcome(client.send(new GetObjectCommand(object())))).toBe("403 RequestTimeTooSkewed");
      client.destroy();
    });

    it("that aren't there are refused", async () => {
      const url = `${site.server().endpoint}/${site.bucket()}/signed/x`;
      expect((await fetch(url)).status).toBe(403);
      expect((await fetch(url, { method: "PUT", body: "x" })).status).toBe(403);
    });

    it("of another body are refused", async () => {
      const client = createS3Client(site.server());
      // The last of all, once everything is signed.
      client.middlewareStack.add(
        (next) => (args) => {
          const { request } = args;
          if (typeof request === "object" && request !== null && "body" in request) request.body = Buffer.from("HELLO");
          return next(args);
        },
        { step: "finalizeRequest", priority: "low", name: "tamper" },
      );
      const put = client.send(new PutObjectCommand({ ...object("signed/evil"), Body: "hello" }));
      expect(await outcome(put)).toBe("400 XAmzContentSHA256Mismatch");
      expect(await outcome(site.head("signed/evil"))).toBe("404 NotFound");
      client.destroy();
    });
  });

  describe("presigned addresses", () => {
    const sign = (options: { expiresIn?: number; signingDate?: Date } = {}): Promise<string> =>
      getSignedUrl(site.client(), new GetObjectCommand(object()), { expiresIn: 300, ...options });

    it("are good for reading, whole and in part", async () => {
      const url = await sign();
      const whole = await fetch(url);
      expect([whole.status, await whole.text()]).toEqual([200, CONTENT]);
      const part = await fetch(url, { headers: { range: "bytes=5-7" } });
      expect([part.status, await part.text()]).toEqual([206, CONTENT.slice(5, 8)]);
    });

    it("are good for what they were signed for and nothing else", async () => {
      expect((await fetch(await sign(), { method: "HEAD" })).status).toBe(403);
      const head = await getSignedUrl(site.client(), new HeadObjectCommand(object()), { expiresIn: 300 });
      const answer = await fetch(head, { method: "HEAD" });
      expect([answer.status, answer.headers.get("content-length")]).toEqual([200, `${CONTENT.length}`]);
      expect((await fetch((await sign()).replace("/signed/", "/list/"))).status).toBe(403);
      const tampered = (await sign()).replace(
        /X-Amz-Signature=(.)/,
        (_, digit) => `X-Amz-Signature=${digit === "0" ? "1" : "0"}`,
      );
      expect((await fetch(tampered)).status).toBe(403);
    });

    it("write, and give answers the headers that they ask for", async () => {
      const put = await getSignedUrl(site.client(), new PutObjectCommand(object("signed/put")), { expiresIn: 300 });
      expect((await fetch(put, { method: "PUT", body: "hello" })).status).toBe(200);
      expect((await site.read("signed/put")).toString()).toBe("hello");
      const command = new GetObjectCommand({ ...object(), ResponseContentType: "text/x-test" });
      const answer = await fetch(await getSignedUrl(site.client(), command, { expiresIn: 300 }));
      expect(answer.headers.get("content-type")).toBe("text/x-test");
    });

    it("expire", async () => {
      const signingDate = new Date(Date.now() - 60_000);
      expect((await fetch(await sign({ expiresIn: 30, signingDate }))).status).toBe(403);
      expect((await fetch(await sign({ expiresIn: 300, signingDate }))).status).toBe(200);
    });
  });
}

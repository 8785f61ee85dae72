import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { GENERATED, readKeys, readOrCreateKeys, rotateKeys } from "../../src/keys/key-record.js";
import { jwkSet } from "../../src/keys/published-keys.js";
import { memoryRecords } from "../support.js";

const NOW = Date.parse("2026-11-29T12:00:00Z");

it.each(GENERATED)("%s keys come with a certificate that OpenSSL verifies", async (algorithm) => {
  await using folder = await makeTemporaryFolder("keys");
  const [key] = await readOrCreateKeys(memoryRecords(), { algorithm, issuer: "registry.example", now: Date.now() });
  const [certificate] = key?.certificates ?? [];
  expect(certificate).toBeInstanceOf(X509Certificate);
  expect(certificate?.subject).toBe("CN=registry.example");
  const file = `${folder.path}/certificate.pem`;
  await writeFile(file, String(certificate));
  const answer = execFileSync("openssl", ["verify", "-check_ss_sig", "-x509_strict", "-CAfile", file, file]);
  expect(answer.toString()).toContain("OK");
});

it("several replicas that start at once generate one key", async () => {
  const records = memoryRecords();
  const making = { algorithm: "ES256", issuer: "registry", now: NOW } as const;
  const all = await Promise.all(Array.from({ length: 5 }, () => readOrCreateKeys(records, making)));
  expect(new Set(all.map(([key]) => key?.id)).size).toBe(1);
});

it("a replaced key verifies until its tokens are gone, and is dropped by a later rotation", async () => {
  const records = memoryRecords();
  const making = { algorithm: "ES256", issuer: "registry", lifetime: 300_000 } as const;
  const [first] = await readOrCreateKeys(records, { ...making, now: NOW });
  const [old, second] = await rotateKeys(records, { ...making, now: NOW });
  expect(old?.id).toBe(first?.id);
  expect(second?.signsFrom).toBeGreaterThan(NOW);
  expect(old?.verifiesUntil).toBeGreaterThan((second?.signsFrom ?? 0) + making.lifetime + 60_000);
  expect(second?.verifiesUntil).toBeUndefined();
  await rotateKeys(records, { ...making, now: (old?.verifiesUntil ?? 0) + 1 });
  const kept = (await readKeys(records))?.map(({ id }) => id);
  expect(kept).toHaveLength(2);
  expect(kept).not.toContain(first?.id);
});

it("publishes each key under its thumbprint and under libtrust's name, and nothing secret", async () => {
  const keys = await readOrCreateKeys(memoryRecords(), { algorithm: "ES256", issuer: "registry", now: NOW });
  const set = jwkSet(keys);
  const ids = set.keys.map(({ kid }) => String(kid));
  expect(ids).toContain(keys[0]?.id);
  expect(ids.some((id) => /^([A-Z2-7]{4}:){11}[A-Z2-7]{4}$/.test(id))).toBe(true);
  for (const jwk of set.keys) expect(jwk).not.toHaveProperty("d");
});

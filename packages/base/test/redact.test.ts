import { expect, it } from "vitest";
import { redactRecord, redactTarget, redactText } from "../src/redact.js";

const PERSONAL = `lspat_${"0aZ9".repeat(9)}`;
const REFRESH = `lsr_${"aB3-_".repeat(20)}.${"xY9_-".repeat(8)}`;
const JWT = `${Buffer.from('{"alg":"RS256"}').toString("base64url")}.${Buffer.from('{"sub":"alice"}').toString("base64url")}.c2lnbmF0dXJl`;

it.each([PERSONAL, REFRESH, JWT])("a token is left out by its own look, wherever it stands: %.8s", (token) => {
  for (const text of [token, `user=${token} failed`, `"${token}"`, `/v2/${token}/tags/list`, `a:${token}`]) {
    expect(redactText(text)).not.toContain(token.slice(8));
    expect(redactText(text)).toContain("redacted");
  }
});

it("the answer of a login provider is left out of targets", () => {
  const target =
    "/auth/login/openid/callback?code=a-code&state=a-state&iss=https%3A%2F%2Flogin.example&user_code=ABCD-EFGH";
  expect(redactTarget(target)).toBe(
    "/auth/login/openid/callback?code=redacted&state=redacted&iss=https%3A%2F%2Flogin.example&user_code=redacted",
  );
});

it.each([
  "offline_token=truestory",
  "offline_token=true%00x",
  "token=true",
  "my_offline_token=true",
  "offline_token=x",
])("a token in a query is, whatever it is called: %s", (parameter) => {
  const target = `/auth/token?a=b&${parameter}&c=d`;
  expect(redactTarget(target)).toBe(target.replace(/=(?:true|x).*(?=&c)/, "=redacted"));
});

it.each([
  "/v2/team/app/blobs/uploads/?mount=sha256:0123&from=team/other",
  "/auth/token?service=registry&scope=repository:team/app:pull&account=alice",
  "/auth/token?account=alice&client_id=docker&offline_token=true&service=registry",
  "/auth/token?offline_token=false",
  "/v2/_catalog?n=100&last=encode",
  "the state=open of a circuit, and lsr_ or lspat_ alone",
])("nothing else is: %s", (text) => {
  expect(redactTarget(text)).toBe(text);
});

it("what a token was refused for is shown, and no token", () => {
  const record = {
    "token.keyid": "one",
    "token.keyid.expected": "two",
    "token.expires": "today",
    token: "x",
    accesstoken: "x",
  };
  const secret = { token: "redacted", accesstoken: "redacted" };
  expect(redactRecord(record, [])).toEqual({ ...record, ...secret });
  expect(redactRecord({ "token.keyid": PERSONAL }, [])).toEqual({ "token.keyid": "redacted" });
});

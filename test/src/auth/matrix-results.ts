import type { Result } from "@longshore/testkit/processes";
import { expect } from "vitest";

const REFUSED =
  /denied|unauthorized|authentication required|invalid username\/password|insufficient_scope|basic credential not found/i;

/** What a client said, wherever it said it. */
const said = ({ stdout, stderr }: Result): string => stdout + stderr;

/** Fails unless the client did what it was told. */
export function expectSuccess(result: Result): void {
  expect(result.code, said(result)).toBe(0);
}

/** Fails unless the client failed and said that the registry refused it. */
export function expectRefusal(result: Result): void {
  expect(result.code, said(result)).not.toBe(0);
  expect(said(result)).toMatch(REFUSED);
}

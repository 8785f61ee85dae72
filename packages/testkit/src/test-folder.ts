import { onTestFinished } from "vitest";
import { makeTemporaryFolder } from "./temporary-folder.js";

/** Creates a directory that is removed when the running test has finished, and returns its path. */
export async function testFolder(): Promise<string> {
  const folder = await makeTemporaryFolder("test");
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.path;
}

import { appendFileSync } from "node:fs";

/**
 * A reporter that writes each test file's result where `test/run.mjs` reads it, at once: a run that is interrupted has its
 * summary, too.
 */
export default class Progress {
  #file = process.env.PROGRESS_REPORT ?? "";

  onTestModuleEnd(testModule) {
    const states = [...testModule.children.allTests()].map((test) => test.result().state);
    const count = (state) => states.filter((each) => each === state).length;
    const failed = count("failed");
    // A file that can't be loaded or a hook that throws fails without a failed test of its own.
    const broken = testModule.state() === "failed" && failed === 0 ? 1 : 0;
    const result = { passed: count("passed"), failed: failed + broken, skipped: count("skipped") };
    appendFileSync(this.#file, `${JSON.stringify({ file: testModule.relativeModuleId, ...result })}\n`);
  }
}

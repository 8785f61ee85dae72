import { randomInt } from "node:crypto";

/** How much a test does in each form of the suite. */
interface Amounts {
  /** In `npm test`: a few seconds' worth, enough to find a serious fault. */
  readonly short: number;
  /** In `npm run test:long`. */
  readonly long: number;
  /** An environment variable that overrides both, for manual runs. */
  readonly variable?: string;
}

/**
 * The number of runs, operations, rounds or seconds for this run of the suite: `short`, unless `TESTS=long` (which
 * `npm run test:long` sets) or the named variable says otherwise. The only place that knows how long tests should take.
 */
export function runLength({ short, long, variable }: Amounts): number {
  return numberFrom(variable) ?? (isLongRun() ? long : short);
}

/**
 * The seed of a randomised test: the named variable's, so that a failure can be repeated, else `usual`, else a random one. The
 * test prints it.
 */
export function seedOf(variable: string, usual?: number): number {
  return numberFrom(variable) ?? usual ?? randomInt(2 ** 31);
}

function isLongRun(): boolean {
  const form = process.env["TESTS"] ?? "short";
  if (form !== "short" && form !== "long") {
    throw new Error(`TESTS is ${JSON.stringify(form)}; it takes "short" or "long"`);
  }
  return form === "long";
}

function numberFrom(variable: string | undefined): number | undefined {
  const text = variable === undefined ? undefined : process.env[variable];
  if (variable === undefined || text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new Error(`${variable} is ${JSON.stringify(text)}; it takes a whole number`);
  }
  return value;
}

import { z } from "zod";

/** A driver's parameters are wrong: which one, what was found, what is allowed. */
export class DriverParameterError extends Error {
  override readonly name = "DriverParameterError";
  readonly driver: string;
  /** The parameter at fault; undefined where the driver itself is. */
  readonly parameter: string | undefined;

  constructor(driver: string, parameter: string | undefined, message: string) {
    super(message);
    this.driver = driver;
    this.parameter = parameter;
  }
}

/** `parameters` as `schema` reads them; a driver without parameters may be configured with nothing (`inmemory:`). */
export function parseParameters<T>(driver: string, schema: z.ZodType<T>, parameters: unknown): T {
  const result = schema.safeParse(parameters ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const name = issue?.path.map(String).join(".");
  const parameter = name === undefined || name === "" ? undefined : name;
  throw new DriverParameterError(
    driver,
    parameter,
    parameter === undefined
      ? `${driver}: ${issue?.message ?? "invalid parameters"}`
      : `${parameter} config error: ${issue?.message ?? "invalid value"}`,
  );
}

const INTEGER = /^(?:0[xX][0-9a-fA-F]+|\d+)$/;

/** An integer or its text, as YAML and environment variables bring it. Error texts as in the original (contract §6.2). */
export const integer = z.union([z.int(), z.string().regex(INTEGER).transform(Number)], {
  error: ({ input }) =>
    typeof input === "string"
      ? `parameter must be an integer, '${input}' invalid`
      : `invalid value '${describe(input)}'`,
});

/** An integer from `least` to `most`. */
export function integerBetween(least: number, most: number): z.ZodType<number> {
  return integer.refine((value) => value >= least && value <= most, {
    error: ({ input }) => `invalid value ${describe(input)}, must be from ${least} to ${most}`,
  });
}

/** Any scalar, as the text that the configuration has. */
export const scalar = z.union([z.string(), z.number().transform(String), z.boolean().transform(String)], {
  error: ({ input }) => `invalid value ${describe(input)}, must be a single value`,
});

function describe(value: unknown): string {
  const printable = ["object", "number", "boolean"].includes(typeof value);
  return printable ? JSON.stringify(value) : typeof value;
}

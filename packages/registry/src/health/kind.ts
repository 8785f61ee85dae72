import { duration, integer, list, positiveDuration, positiveInteger } from "@longshore/options/declare";
import { declareKind, type Chosen, type KindDeclaration } from "@longshore/options/kind";
import type { StorageDriver } from "@longshore/storage";
import type { z } from "zod";
import type { HealthCheck } from "./health-check.js";

/** What a check can look at. */
interface CheckedRegistry {
  readonly driver: StorageDriver;
  /** The storage driver's name as written in the configuration. */
  readonly storageType: string;
}

/** A check that a configuration has chosen. */
export interface ChosenCheck extends Chosen {
  /** What it is called in messages and in `/debug/health`, and the option that says so; undefined: it is the only one. */
  readonly label: { readonly option: string; readonly text: string } | undefined;
  /** The check to run; undefined if it is disabled. */
  open(registry: CheckedRegistry): HealthCheck | undefined;
}

/** A sort of health check that a configuration can name as `health.<name>`. */
export interface HealthCheckKind {
  readonly name: string;
  /** The section `health.<name>`. */
  readonly schema: z.ZodType<ChosenCheck | readonly ChosenCheck[]>;
}

type CheckPart = Pick<ChosenCheck, "label" | "open">;

/** Declares a check of which a registry has one. */
export function declareCheck<S extends z.ZodRawShape>(declaration: KindDeclaration<S, CheckPart>): HealthCheckKind {
  const kind = declareKind({ info: {}, ...declaration });
  return { name: kind.name, schema: kind.section(kind.name).prefault({}) };
}

/** What is declared of a list of checks. */
interface CheckList {
  readonly meaning: string;
  /** The part of a variable's name (wire contract §3.2). */
  readonly env: string;
}

/** Declares a check of which a registry has any number, each an entry of a list. */
export function declareChecks<S extends z.ZodRawShape>(
  { meaning, env }: CheckList,
  declaration: KindDeclaration<S, CheckPart>,
): HealthCheckKind {
  const kind = declareKind({ info: {}, ...declaration });
  return { name: kind.name, schema: list(kind.section(kind.name), meaning, { env, type: "list of maps" }) };
}

/** When a check runs, for those without thresholds. */
export const intervalOption = () =>
  positiveDuration("10s", "Time between two checks, and before the first. 0 means the default.");

/** How long a check may take (ms; 0: a minute). */
export const timeoutOption = () => duration("0", "How long a check may take; 0 means a minute.");

/** When a check runs, and what it takes to change the registry's health. */
export const scheduleOptions = () => ({
  interval: intervalOption(),
  threshold: positiveInteger(1, {}, "Consecutive failures until unhealthy; less than 1 means 1."),
  successthreshold: integer(
    1,
    { min: 1 },
    "Consecutive successes until healthy again. More than 1 prevents flapping.",
    { ours: true },
  ),
});

/** Whether a section of `health` parsed to a check. */
export function isChosenCheck(value: unknown): value is ChosenCheck {
  return typeof value === "object" && value !== null && "open" in value && "label" in value;
}

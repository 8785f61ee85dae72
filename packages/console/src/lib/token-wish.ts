/** What a token may do in the repositories that a pattern means; an empty pattern means none. */
export interface Scope {
  readonly pattern: string;
  readonly may: Permission;
}

export const PERMISSIONS = ["pull", "push", "all"] as const;
/** Each includes those before it. */
type Permission = (typeof PERMISSIONS)[number];

const ACTIONS: Readonly<Record<Permission, string>> = { pull: "pull", push: "pull,push", all: "pull,push,delete" };

/** As the API has it: `repository:team/*:pull,push`. */
export function formatScope({ pattern, may }: Scope): string {
  return `repository:${pattern}:${ACTIONS[may]}`;
}

/** Whether repositories can be meant like this: their characters, with `*` for a part of a name and `**` for any number of parts. */
export function isPattern(text: string): boolean {
  return text.length <= 255 && /^[a-z0-9*](?:[a-z0-9*._/-]*[a-z0-9*])?$/.test(text) && !text.includes("//");
}

/** Whether a robot can be called so. */
export function isRobotName(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/.test(text);
}

/** The day after `now` (ms since 1970), as a field for dates has it: no token ends before it begins. */
export function tomorrow(now: number): string {
  return new Date(now + 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
}

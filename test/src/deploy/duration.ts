/** Seconds of a duration such as `60s` or `5m`. */
export function parseDuration(text: string): number {
  const [, count = "", unit = ""] = /^(\d+)([smh])$/.exec(text) ?? [];
  const seconds = Number(count) * ({ s: 1, m: 60, h: 3600 }[unit] ?? Number.NaN);
  if (Number.isFinite(seconds) && count !== "") return seconds;
  throw new Error(`no duration: ${text}`);
}

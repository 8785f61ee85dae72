/** Writes times as RFC 3339 in UTC with milliseconds; remembers the second's text, since a busy log asks again and again. */
export function createTimestamps(): (now: number) => string {
  let second = Number.NaN;
  let prefix = "";
  return (now) => {
    const current = Math.floor(now / 1000);
    if (current !== second) {
      second = current;
      prefix = new Date(now).toISOString().slice(0, 20);
    }
    const millisecond = now - current * 1000;
    return `${prefix}${millisecond < 10 ? "00" : millisecond < 100 ? "0" : ""}${millisecond}Z`;
  };
}

/** `date` as Go writes times: RFC 3339 in the local zone, the fraction without closing zeros (wire contract §8.3). */
export function formatTimestamp(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString();
  const [seconds = "", fraction = ""] = local.slice(0, -1).split(".");
  const digits = fraction.replace(/0+$/, "");
  return `${seconds}${digits === "" ? "" : `.${digits}`}${zone(offset)}`;
}

function zone(minutes: number): string {
  if (minutes === 0) return "Z";
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  return `${minutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
}

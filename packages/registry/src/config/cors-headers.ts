import type { Report } from "@longshore/options/report";
import { quote } from "./quote.js";

/** Warns about `Access-Control-*` lines in `http.headers` that every browser refuses (Fetch standard, CORS check). */
export function checkCorsHeaders(headers: Readonly<Record<string, readonly string[]>>, report: Report): void {
  const valuesOf = (wanted: string): readonly { readonly name: string; readonly value: string }[] =>
    Object.entries(headers)
      .filter(([name]) => name.toLowerCase() === wanted)
      .flatMap(([name, values]) => values.map((value) => ({ name, value: value.trim() })));
  const origins = valuesOf("access-control-allow-origin");
  const [first] = origins;
  if (first === undefined) return;
  const path = ["http", "headers", first.name];
  const instead = "use http.cors, which responds to each origin individually";
  if (origins.length > 1 || /[\s,]/.test(first.value)) {
    report.warning(path, `browsers refuse a response that names more than one origin; ${instead}`);
  } else if (first.value !== "*" && first.value !== "null" && !/^[a-z][a-z0-9+.-]*:\/\/[^/?#]+$/i.test(first.value)) {
    report.warning(
      path,
      `found ${quote(first.value)}; browsers compare it with an origin, such as https://ui.example, which has no path`,
    );
  }
  const credentials = valuesOf("access-control-allow-credentials");
  if (origins.some(({ value }) => value === "*") && credentials.some(({ value }) => value === "true")) {
    const message = `browsers send no credentials if Access-Control-Allow-Origin is "*"; list the origins in http.cors`;
    report.warning(["http", "headers", credentials[0]?.name ?? ""], message);
  }
}

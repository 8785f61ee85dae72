import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** A file of `deploy/grafana`. */
export function deployedPath(name: string): string {
  return fileURLToPath(new URL(`../../../deploy/grafana/${name}`, import.meta.url));
}

/** A query of a panel, with what the panel is called. */
export interface PanelQuery {
  readonly panel: string;
  readonly expression: string;
}

/** Every query of the dashboard, panels first, then annotations. */
export async function dashboardQueries(): Promise<PanelQuery[]> {
  const dashboard: unknown = JSON.parse(await readFile(deployedPath("dashboards/registry.json"), "utf8"));
  return [...queriesIn(dashboard, "")];
}

function* queriesIn(value: unknown, title: string): Generator<PanelQuery> {
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) yield* queriesIn(item, title);
  } else if (typeof value === "object" && value !== null) {
    const own = "title" in value && typeof value.title === "string" ? value.title : title;
    if ("expr" in value && typeof value.expr === "string") yield { panel: own, expression: value.expr };
    for (const inner of Object.values(value)) yield* queriesIn(inner, own);
  }
}

/** A query as Grafana sends it: variables in it have their values. */
export function withValues(expression: string, interval: string): string {
  return expression.replaceAll("$job", ".*").replaceAll("$instance", ".*").replaceAll("$__rate_interval", interval);
}

/** The names of metrics in an expression, as a scrape's `# TYPE` lines have them. */
export function metricNames(expression: string): string[] {
  const names = expression.match(/\b(?:registry|process|nodejs|promhttp)_[a-z_]+(?=[{[\s)]|$)/g) ?? [];
  return [...new Set(names)];
}

import { isIP } from "node:net";
import type { z } from "zod";
import { type Finding, warning } from "./findings.js";
import { shapeOf, variablePart } from "@longshore/options/shape";

/**
 * Kubernetes sets variables for every service in a pod's namespace, as Docker's links did. A service `registry-auth` results
 * in `REGISTRY_AUTH_PORT=tcp://10.0.0.1:80` and up to seven other kinds, which look like settings.
 */
export interface ServiceLinks {
  /** Variables that aren't settings. */
  readonly names: ReadonlySet<string>;
  /** One warning for each service. */
  readonly findings: readonly Finding[];
}

type Variables = Readonly<Record<string, string | undefined>>;

const FORMS: readonly { readonly name: RegExp; readonly isLink: (value: string, match: RegExpExecArray) => boolean }[] =
  [
    { name: /^(REGISTRY.*?)_PORT$/, isLink: (value) => parseLink(value) !== undefined },
    {
      name: /^(REGISTRY.*?)_PORT_([0-9]+)_(TCP|UDP|SCTP)$/,
      isLink: (value, [, , port, protocol]) => {
        const link = parseLink(value);
        return link !== undefined && link.port === port && link.protocol === protocol?.toLowerCase();
      },
    },
    {
      name: /^(REGISTRY.*?)_PORT_[0-9]+_(TCP|UDP|SCTP)_PROTO$/,
      isLink: (value, [, , protocol]) => value === protocol?.toLowerCase(),
    },
    { name: /^(REGISTRY.*?)_PORT_([0-9]+)_(?:TCP|UDP|SCTP)_PORT$/, isLink: (value, [, , port]) => value === port },
    { name: /^(REGISTRY.*?)_PORT_[0-9]+_(?:TCP|UDP|SCTP)_ADDR$/, isLink: isAddress },
    { name: /^(REGISTRY.*?)_SERVICE_HOST$/, isLink: isAddress },
    // Checked last, because the name of a port could look like one of the forms above.
    { name: /^(REGISTRY.*?)_SERVICE_PORT(?:_[A-Z0-9_]+)?$/, isLink: isPort },
  ];

/**
 * Finds service links among the variables `names` by their values. A variable that could be a setting counts as one, unless
 * all variables that Kubernetes always sets for a service exist and agree.
 */
export function findServiceLinks(
  names: readonly string[],
  environment: Variables,
  schema: z.core.$ZodType,
): ServiceLinks {
  const services = new Map<string, string[]>();
  for (const name of names) {
    const prefix = prefixOf(name, environment[name] ?? "");
    if (prefix === undefined) continue;
    const isSetting = canBeSet(schema, name.split("_").slice(1));
    if (isSetting && !isWhole(prefix, environment)) continue;
    services.set(prefix, [...(services.get(prefix) ?? []), name]);
  }
  return {
    names: new Set([...services.values()].flat()),
    findings: [...services].map(([prefix, variables]) => describe(prefix, variables)),
  };
}

function describe(prefix: string, [first = prefix, ...others]: readonly string[]): Finding {
  const service = prefix.toLowerCase().replaceAll("_", "-");
  const count = others.length;
  const more = count === 0 ? "" : `, like ${count === 1 ? "one other variable" : `${count} other variables`}`;
  const message =
    `ignored: set by Kubernetes for the service ${service}${more}, not a setting; to silence this warning, set ` +
    "enableServiceLinks: false in the pod's spec, or rename the service";
  return warning([], { origin: "environment", variable: first }, message);
}

/**
 * The service's part of the name, such as `REGISTRY_AUTH` for `registry-auth`; undefined if the variable isn't a service
 * link.
 */
function prefixOf(name: string, value: string): string | undefined {
  for (const form of FORMS) {
    const match = form.name.exec(name);
    if (match && form.isLink(value, match)) return match[1];
  }
  return undefined;
}

/** Whether the three variables that every service has exist and agree. */
function isWhole(prefix: string, environment: Variables): boolean {
  const host = environment[`${prefix}_SERVICE_HOST`] ?? "";
  const link = parseLink(environment[`${prefix}_PORT`] ?? "");
  return isAddress(host) && link?.host === host && link.port === environment[`${prefix}_SERVICE_PORT`];
}

function parseLink(
  value: string,
): { readonly protocol: string; readonly host: string; readonly port: string } | undefined {
  const [, protocol = "", bracketed, plain, port = ""] =
    /^(tcp|udp|sctp):\/\/(?:\[([^\]]+)\]|([^:]+)):([0-9]+)$/.exec(value) ?? [];
  const host = bracketed ?? plain ?? "";
  return isAddress(host) && isPort(port) ? { protocol, host, port } : undefined;
}

function isAddress(value: string): boolean {
  return isIP(value) !== 0;
}

function isPort(value: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(value) && Number(value) <= 65_535;
}

/** Whether the schema has a key for the parts of a variable's name, or accepts any key there. */
function canBeSet(schema: z.core.$ZodType, [part, ...rest]: readonly string[]): boolean {
  if (part === undefined) return true;
  const shape = shapeOf(schema);
  switch (shape.kind) {
    case "struct": {
      for (const [name, field] of shape.fields) if (variablePart(name, field) === part) return canBeSet(field, rest);
      if (shape.info?.envInline === part) return canBeSet(schema, rest);
      return shape.info?.unknownKeys === "allowed";
    }
    case "list":
      return /^[0-9]+$/.test(part) && canBeSet(shape.item, rest);
    case "map":
      return canBeSet(shape.value, rest);
    case "any":
      return true;
    default:
      return false;
  }
}

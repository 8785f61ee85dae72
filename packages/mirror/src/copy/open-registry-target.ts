import { createUpstreamParts, type UpstreamPorts } from "../upstream/create-upstream.js";
import { createManifestApi } from "../upstream/manifests.js";
import type { UpstreamOptions } from "../upstream/options.js";
import type { CopyTarget } from "./contract.js";
import { registryTarget } from "./registry-target.js";

/** The registry that `options` describe, as a target. Connects to nothing before the first call. */
export function openRegistryTarget(
  options: UpstreamOptions,
  ports: UpstreamPorts,
): { readonly target: CopyTarget; readonly host: string; close(): Promise<void> } {
  const { host, url, exchange, wire } = createUpstreamParts(options, ports);
  const manifests = createManifestApi({ host, exchange, timeout: options.timeout });
  return { host, target: registryTarget(exchange, manifests, url), close: () => wire.close() };
}

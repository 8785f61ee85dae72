import type { EndpointConfig } from "../config/config.js";
import type { BrokerEndpoint } from "./deliveries.js";
import { createPoster } from "./delivery/post.js";
import { EndpointCounts } from "./delivery/stats.js";

/** The endpoints of a configuration, with what sends to each. */
export function openEndpoints(endpoints: readonly EndpointConfig[]): Promise<readonly BrokerEndpoint[]> {
  return Promise.all(withIds(endpoints).map(([id, endpoint]) => openEndpoint(id, endpoint)));
}

/** Endpoints of one name are told apart by their order. */
function withIds(endpoints: readonly EndpointConfig[]): (readonly [string, EndpointConfig])[] {
  return endpoints.map((endpoint, index) => {
    const earlier = endpoints.slice(0, index).filter(({ name }) => name === endpoint.name).length;
    return [`${endpoint.name}#${earlier}`, endpoint];
  });
}

async function openEndpoint(id: string, endpoint: EndpointConfig): Promise<BrokerEndpoint> {
  const { name, url, headers, timeout, threshold, backoff, ignore, format } = endpoint;
  return {
    id,
    delivery: {
      name,
      filter: { mediaTypes: ignore.mediatypes, actions: ignore.actions },
      format,
      retry: { threshold, backoff },
      maxAge: endpoint.maxage,
      maxAttempts: endpoint.maxattempts,
      secret: endpoint.secret?.reveal(),
    },
    poster: await createPoster({ url, headers, timeout }),
    counts: new EndpointCounts(name),
  };
}

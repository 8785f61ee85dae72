import type { ComponentType, JSX } from "preact";
import { useResource } from "../state/resource.js";
import { FailureNotice } from "./failure-notice.js";
import { SkeletonRows } from "./skeleton.js";

/** A page whose script is loaded when it is first opened. */
export function lazyPage<P extends object>(
  id: string,
  load: () => Promise<ComponentType<P>>,
): (properties: P) => JSX.Element {
  return function LazyPage(properties) {
    const { resource, reload } = useResource(id, load);
    const { value } = resource;
    if (value.state === "loading") return <SkeletonRows />;
    if (value.state === "failed") return <FailureNotice failure={value.failure} retry={reload} />;
    const Component = value.value;
    return <Component {...properties} />;
  };
}

import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { Namespace, Secret, Service, ServiceAccount } from "kubernetes-types/core/v1.js";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";

/** The kinds of `deploy/kubernetes` by apiVersion and kind, as Kubernetes' own OpenAPI describes them. */
export interface Kinds {
  readonly "v1 Namespace": Namespace;
  readonly "v1 Secret": Secret;
  readonly "v1 Service": Service;
  readonly "v1 ServiceAccount": ServiceAccount;
  readonly "apps/v1 Deployment": Deployment;
  readonly "networking.k8s.io/v1 NetworkPolicy": NetworkPolicy;
  readonly "policy/v1 PodDisruptionBudget": PodDisruptionBudget;
}

import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { HorizontalPodAutoscaler } from "kubernetes-types/autoscaling/v2.js";
import type {
  ConfigMap,
  Namespace,
  PersistentVolumeClaim,
  Secret,
  Service,
  ServiceAccount,
} from "kubernetes-types/core/v1.js";
import type { LabelSelector, ObjectMeta } from "kubernetes-types/meta/v1.js";
import type { Ingress, NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";

/** The kinds of `deploy` by apiVersion and kind, as Kubernetes' own OpenAPI describes them. */
export interface Kinds {
  readonly "v1 ConfigMap": ConfigMap;
  readonly "v1 Namespace": Namespace;
  readonly "v1 PersistentVolumeClaim": PersistentVolumeClaim;
  readonly "v1 Secret": Secret;
  readonly "v1 Service": Service;
  readonly "v1 ServiceAccount": ServiceAccount;
  readonly "apps/v1 Deployment": Deployment;
  readonly "autoscaling/v2 HorizontalPodAutoscaler": HorizontalPodAutoscaler;
  readonly "monitoring.coreos.com/v1 PrometheusRule": PrometheusRule;
  readonly "monitoring.coreos.com/v1 ServiceMonitor": ServiceMonitor;
  readonly "networking.k8s.io/v1 Ingress": Ingress;
  readonly "networking.k8s.io/v1 NetworkPolicy": NetworkPolicy;
  readonly "policy/v1 PodDisruptionBudget": PodDisruptionBudget;
}

/** What we use of the Prometheus operator's kinds, as its API reference describes them. */
interface ServiceMonitor {
  readonly apiVersion?: "monitoring.coreos.com/v1";
  readonly kind?: "ServiceMonitor";
  readonly metadata?: ObjectMeta;
  readonly spec: {
    readonly selector: LabelSelector;
    readonly namespaceSelector?: { readonly any?: boolean; readonly matchNames?: readonly string[] };
    readonly endpoints: readonly {
      readonly port?: string;
      readonly path?: string;
      readonly interval?: string;
      readonly relabelings?: readonly { readonly targetLabel?: string; readonly replacement?: string }[];
    }[];
  };
}

interface PrometheusRule {
  readonly apiVersion?: "monitoring.coreos.com/v1";
  readonly kind?: "PrometheusRule";
  readonly metadata?: ObjectMeta;
  readonly spec: {
    readonly groups?: readonly {
      readonly name: string;
      readonly rules?: readonly {
        readonly alert?: string;
        readonly record?: string;
        readonly expr: string | number;
        readonly for?: string;
        readonly labels?: Readonly<Record<string, string>>;
        readonly annotations?: Readonly<Record<string, string>>;
      }[];
    }[];
  };
}

/** A way to use the chart. */
export interface ValueSet {
  readonly values: Readonly<Record<string, unknown>>;
  /** The kinds of its objects, without their groups, in alphabetical order. */
  readonly kinds: readonly string[];
}

/** What may only be in Secrets; in base64, as an Azure account's key is. */
export const SECRET = "bm90LWZvci1ldmVyeW9uZQ==";

const BASE = ["ConfigMap", "Deployment", "Secret", "Service"];

const withBase = (...kinds: readonly string[]): readonly string[] => [...BASE, ...kinds].sort();

/** The values that twuni's chart documents, and what is ours alone. */
export const VALUE_SETS: Readonly<Record<string, ValueSet>> = {
  defaults: { values: {}, kinds: BASE },
  "the defaults of twuni's chart": {
    values: {
      updateStrategy: {},
      serviceAccount: { create: false, name: "", annotations: {} },
      deployment: {},
      service: { name: "registry", type: "ClusterIP", port: 5000, annotations: {}, labels: {} },
      ingress: { enabled: false, className: "nginx", path: "/", hosts: ["chart-example.local"], tls: null },
      resources: {},
      persistence: { accessMode: "ReadWriteOnce", enabled: false, size: "10Gi" },
      storage: "filesystem",
      secrets: { haSharedSecret: "", htpasswd: "" },
      proxy: { enabled: false, remoteurl: "https://registry-1.docker.io", username: "", password: "", secretRef: "" },
      metrics: { enabled: false, port: 5001, prometheusRule: { enabled: false, labels: {}, rules: {} } },
      configPath: "/etc/distribution",
      configData: {
        version: 0.1,
        log: { fields: { service: "registry" } },
        storage: { cache: { blobdescriptor: "inmemory" } },
        http: {
          addr: ":5000",
          headers: { "X-Content-Type-Options": ["nosniff"] },
          debug: { addr: ":5001", prometheus: { enabled: false, path: "/metrics" } },
        },
        health: { storagedriver: { enabled: true, interval: "10s", threshold: 3 } },
      },
      containerSecurityContext: { enabled: true, seLinuxOptions: {} },
      securityContext: { enabled: true, fsGroupChangePolicy: "Always", sysctls: [], supplementalGroups: [] },
      priorityClassName: "",
      podDisruptionBudget: {},
      extraEnvVars: [],
      garbageCollect: {
        enabled: false,
        deleteUntagged: true,
        schedule: "0 1 * * *",
        podAnnotations: {},
        resources: {},
      },
    },
    kinds: BASE,
  },
  "files in a claim": {
    values: { persistence: { enabled: true, deleteEnabled: true, size: "50Gi", storageClass: "-" } },
    kinds: withBase("PersistentVolumeClaim"),
  },
  "files in a claim that exists": {
    values: { persistence: { enabled: true, existingClaim: "images" }, replicaCount: 2 },
    kinds: BASE,
  },
  "passwords, a login's ingress and garbage collection": {
    values: {
      secrets: { haSharedSecret: `${SECRET}-1`, htpasswd: `alice:${SECRET}` },
      ingress: {
        enabled: true,
        hosts: ["chart-example.local"],
        annotations: { "kubernetes.io/tls-acme": true, "nginx.ingress.kubernetes.io/proxy-read-timeout": 60 },
        labels: { team: "images" },
        tls: [{ secretName: "chart-example-tls", hosts: ["chart-example.local"] }],
      },
      garbageCollect: { enabled: true, schedule: "30 4 * * *", podLabels: { a: "b" }, resources: { limits: {} } },
    },
    kinds: withBase("Ingress"),
  },
  "s3 with keys": {
    values: {
      storage: "s3",
      s3: {
        region: "us-east-1",
        regionEndpoint: "https://s3.us-east-1.amazonaws.com",
        bucket: "my-bucket",
        rootdirectory: "/object/prefix",
        encrypt: false,
        secure: "true",
        forcepathstyle: true,
        skipverify: true,
      },
      secrets: { s3: { accessKey: `${SECRET}-access`, secretKey: `${SECRET}-secret` } },
    },
    kinds: BASE,
  },
  "s3 with a role, notifications and a network policy": {
    values: {
      storage: "s3",
      s3: { region: "eu-central-1", bucket: "my-bucket" },
      serviceAccount: {
        create: true,
        annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/r" },
      },
      networkPolicy: {
        enabled: true,
        from: [{ namespaceSelector: {} }],
        egress: [{ ports: [{ port: 443 }] }, { ports: [{ port: 53, protocol: "UDP" }] }],
      },
      configData: {
        http: { limits: { manifestsize: 4_194_304 } },
        notifications: { endpoints: [{ name: "ci", url: "https://ci.example/hook" }] },
      },
    },
    kinds: withBase("NetworkPolicy", "ServiceAccount"),
  },
  "secrets that exist": {
    values: {
      storage: "s3",
      s3: { region: "eu-central-1", bucket: "my-bucket" },
      secrets: { haSharedSecretRef: "shared", htpasswdRef: "users", s3: { secretRef: "keys" } },
      proxy: { enabled: true, remoteurl: "https://registry-1.docker.io", secretRef: "hub" },
    },
    kinds: BASE.filter((kind) => kind !== "Secret"),
  },
  "a pull-through cache": {
    values: {
      proxy: { enabled: true, username: "alice", password: SECRET },
      persistence: { enabled: true },
      configData: { proxy: { ttl: "72h" } },
    },
    kinds: withBase("PersistentVolumeClaim"),
  },
  "replicas that scale, over s3 and Redis": {
    values: {
      storage: "s3",
      s3: { region: "eu-central-1", bucket: "my-bucket" },
      secrets: { redis: { password: SECRET } },
      autoscaling: {
        enabled: true,
        minReplicas: 2,
        maxReplicas: 8,
        targetMemoryUtilizationPercentage: null,
        behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
      },
      podDisruptionBudget: { maxUnavailable: 1 },
      configData: { storage: { cache: { blobdescriptor: "redis" } }, redis: { addrs: ["redis:6379"] } },
    },
    kinds: withBase("HorizontalPodAutoscaler", "PodDisruptionBudget"),
  },
  "metrics, alerts and TLS": {
    values: {
      tlsSecretName: "registry.docker.example.com",
      metrics: {
        enabled: true,
        serviceMonitor: { enabled: true, labels: { release: "prometheus" } },
        prometheusRule: { enabled: true, rules: [{ alert: "Own", expr: "up == 0", for: "1m" }] },
      },
      service: { type: "LoadBalancer", loadBalancerIP: "192.0.2.1", loadBalancerSourceRanges: ["192.0.2.0/24"] },
      networkPolicy: { enabled: true },
    },
    kinds: withBase("NetworkPolicy", "PrometheusRule", "ServiceMonitor"),
  },
  "gcs with a key file": {
    values: {
      storage: "gcs",
      gcs: { bucket: "my-bucket", rootdirectory: "/object/prefix" },
      secrets: { gcs: { keyfile: JSON.stringify({ private_key: SECRET }) } },
    },
    kinds: BASE,
  },
  "azure with a key": {
    values: {
      storage: "azure",
      secrets: { azure: { accountName: "account", accountKey: SECRET, container: "images" } },
    },
    kinds: BASE,
  },
  "azure with a secret that exists": {
    values: {
      storage: "azure",
      azure: { container: "images", realm: "core.windows.net" },
      secrets: { azure: { secretRef: "account" } },
    },
    kinds: BASE,
  },
  "what belongs to the pod": {
    values: {
      storage: "inmemory",
      replicaCount: 1,
      updateStrategy: { type: "Recreate" },
      service: {
        type: "NodePort",
        nodePort: 31_000,
        sessionAffinity: "ClientIP",
        annotations: { a: "b" },
        labels: { c: "d" },
      },
      deployment: { annotations: { e: "f" } },
      podAnnotations: { g: "h" },
      podLabels: { i: "j", app: "no" },
      imagePullSecrets: [{ name: "docker" }],
      image: { repository: "registry.example/l", tag: "1.2.3", pullPolicy: "Always" },
      priorityClassName: "high",
      nodeSelector: { "kubernetes.io/os": "linux" },
      affinity: { nodeAffinity: {} },
      tolerations: [{ key: "registry", operator: "Exists" }],
      topologySpreadConstraints: [
        { maxSkew: 2, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: {} } },
      ],
      extraVolumes: [{ name: "scratch", emptyDir: {} }],
      extraVolumeMounts: [{ name: "scratch", mountPath: "/tmp/" }],
      extraEnvVars: [{ name: "REGISTRY_LOG_LEVEL", value: "debug" }],
      extraEnvFrom: [{ configMapRef: { name: "more" } }],
      initContainers: [{ name: "init", image: "busybox", command: ["true"] }],
      extraContainers: [{ name: "beside", image: "busybox" }],
      extraManifests: [
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "{{ .Release.Name }}-more" }, data: { A: "b" } },
      ],
    },
    kinds: withBase("ConfigMap"),
  },
};

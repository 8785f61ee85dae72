/** One example for each section of the reference, by its path. A test loads them all. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  log: `log:
  level: info
  formatter: json
  fields: { service: registry, environment: production }
  audit: { target: /var/log/registry/audit.log }`,
  storage: `storage:
  filesystem: { rootdirectory: /var/lib/registry }
  delete: { enabled: true }
  cache: { blobdescriptor: inmemory }`,
  "storage.s3": `storage:
  s3:
    region: eu-central-1
    bucket: registry-example
    encrypt: true`,
  "storage.azure": `storage:
  azure:
    accountname: registryexample
    container: registry
    credentials: { type: default_credentials }`,
  "storage.gcs": `storage:
  gcs:
    bucket: registry-example
    keyfile: /etc/registry/service-account.json`,
  "storage.redirect": `storage:
  redirect:
    clients:
      - { networks: [10.8.0.0/16], disable: true }`,
  "storage.maintenance": `storage:
  maintenance:
    uploadpurging: { enabled: true, age: 168h, interval: 24h }
    gc: { enabled: true, interval: 24h, timeofday: "02:00" }`,
  auth: `auth:
  htpasswd:
    realm: Registry
    path: /etc/registry/htpasswd`,
  access: `access:
  - { name: admin, type: registry, action: ["*"] }
  - { match: { account: "/^(alice|bob)$/", name: team/* }, actions: [pull, push] }`,
  tokenserver: `access:
  - { name: anonymous, type: repository, repository: public/*, action: [pull] }
tokenserver:
  service: registry.example
  lifetime: 5m
  local: { htpasswd: /etc/registry/htpasswd }`,
  http: `http:
  addr: :443
  draintimeout: 60s
  headers: { X-Content-Type-Options: [nosniff] }`,
  "http.tls": `http:
  tls:
    certificate: /etc/registry/certificate.pem
    key: /etc/registry/key.pem
    minimumtls: tls1.2`,
  "http.cors": `http:
  cors:
    origins: ["https://ui.example"]`,
  "http.limits": `http:
  limits:
    manifestsize: 4194304
    bodyidletimeout: 2m
    uploads: 1000`,
  "http.debug": `http:
  debug:
    addr: 127.0.0.1:5001
    prometheus: { enabled: true }`,
  health: `health:
  storagedriver: { enabled: true, interval: 10s, threshold: 3 }
  tcp:
    - { addr: "cache:6379", timeout: 3s, interval: 10s, threshold: 3 }`,
  catalog: `catalog: { maxentries: 1000 }`,
  inventory: `inventory: { cachebytes: 67108864 }`,
  activity: `activity: { streams: 50 }`,
  console: `console: { path: /console/, sessionlifetime: 8h }`,
  tags: `tags: { maxtags: 1000 }`,
  validation: `validation:
  manifests:
    urls: { allow: ["^https://layers\\\\.example/"] }
    indexes: { platforms: all }`,
  policy: `policy:
  repository: { classes: [image] }
  immutable:
    - name: releases
      repositories: ["team/**"]
      tags: ["v*"]
      excepttags: ["*-rc*"]
  ratelimit:
    rules:
      - { name: anonymous pulls, clients: anonymous, count: pulls, limit: 100, window: 6h }
  retention:
    enabled: true
    rules:
      - { name: builds, tags: ["build-*"], newest: 20, youngerthan: 168h }`,
  middleware: `middleware:
  storage:
    - name: redirect
      options: { baseurl: "https://cdn.example/" }`,
  notifications: `notifications:
  endpoints:
    - name: ci
      url: https://ci.example/hooks/registry
      secret: a-long-random-secret
      ignore: { actions: [pull] }`,
  redis: `storage:
  cache: { blobdescriptor: redis }
redis:
  addrs: [redis:6379]
  username: registry`,
};

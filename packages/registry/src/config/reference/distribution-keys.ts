/** Keys of one section of Distribution's config.yml. */
export interface DistributionKeys {
  /** The path of the section; empty for the file itself. Entries of a list are `[]`. */
  readonly section: string;
  readonly keys: readonly string[];
  readonly versions: DistributionVersions;
}

/** Releases that read a key. "3.0" stands for spellings of 3.0 or its pre-releases that 3.1 no longer reads. */
type DistributionVersions = "2.8" | "3.0" | "3.1" | "2.8, 3.1";

function inBoth(section: string, keys: string): DistributionKeys {
  return { section, keys: keys.split(" "), versions: "2.8, 3.1" };
}

function only(versions: "2.8" | "3.0" | "3.1", section: string, keys: string): DistributionKeys {
  return { section, keys: keys.split(" "), versions };
}

const S3_OF_BOTH =
  "accesskey secretkey region regionendpoint bucket encrypt keyid secure skipverify v4auth chunksize " +
  "multipartcopychunksize multipartcopymaxconcurrency multipartcopythresholdsize rootdirectory storageclass objectacl useragent";
const S3_SINCE_3 = "forcepathstyle usedualstack accelerate usefipsendpoint loglevel";

/**
 * Every key that Distribution 2.8.3 or 3.1.1 reads, from its sources (`configuration/configuration.go`, and the parameters that each
 * storage driver, access controller and middleware takes). Sections of which every key is listed aren't listed themselves.
 */
export const DISTRIBUTION_KEYS: readonly DistributionKeys[] = [
  inBoth("", "version loglevel"),
  inBoth("log", "level formatter fields"),
  only("3.1", "log", "reportcaller"),
  inBoth("log.accesslog", "disabled"),
  inBoth("log.hooks[]", "disabled type levels"),
  inBoth("log.hooks[].options", "from to"),
  inBoth("log.hooks[].options.smtp", "addr username password insecure"),
  inBoth("storage", "inmemory"),
  inBoth("storage.filesystem", "rootdirectory maxthreads"),
  inBoth("storage.s3", S3_OF_BOTH),
  only("3.1", "storage.s3", S3_SINCE_3),
  inBoth("storage.s3aws", S3_OF_BOTH),
  only("3.1", "storage.s3aws", S3_SINCE_3),
  inBoth("storage.gcs", "bucket keyfile credentials rootdirectory chunksize maxconcurrency"),
  only("3.1", "storage.gcs", "useragent"),
  inBoth("storage.azure", "accountname container realm"),
  only("2.8", "storage.azure", "accountkey"),
  only("3.1", "storage.azure", "serviceurl rootdirectory max_retries retry_delay skipverify connectionstring"),
  only("3.1", "storage.azure.credentials", "type clientid tenantid secret"),
  only(
    "2.8",
    "storage.swift",
    "authurl username password region container tenant tenantid domain domainid trustid insecureskipverify chunksize prefix " +
      "secretkey accesskey authversion endpointtype rootdirectory",
  ),
  only(
    "2.8",
    "storage.oss",
    "accesskeyid accesskeysecret region bucket endpoint internal encrypt secure chunksize rootdirectory encryptionkeyid",
  ),
  inBoth("storage.delete", "enabled"),
  inBoth("storage.redirect", "disable"),
  inBoth("storage.cache", "blobdescriptor layerinfo"),
  only("3.1", "storage.cache", "blobdescriptorsize"),
  inBoth("storage.maintenance.uploadpurging", "enabled age interval dryrun"),
  inBoth("storage.maintenance.readonly", "enabled"),
  only("3.1", "storage.tag", "concurrencylimit"),
  inBoth("auth", "none"),
  inBoth("auth.silly", "realm service"),
  inBoth("auth.htpasswd", "realm path"),
  inBoth("auth.token", "realm issuer service rootcertbundle autoredirect"),
  only("3.1", "auth.token", "jwks signingalgorithms autoredirectpath"),
  inBoth("middleware.registry[]", "name disabled options"),
  inBoth("middleware.repository[]", "name disabled options"),
  inBoth("middleware.storage[]", "name disabled"),
  inBoth(
    "middleware.storage[].options",
    "baseurl privatekey keypairid duration ipfilteredby awsregion updatefrenquency iprangesurl",
  ),
  only("3.1", "middleware.storage[].options", "updatefrequency scheme host trimpathprefix"),
  inBoth("http", "addr net host prefix secret relativeurls draintimeout headers"),
  inBoth("http.tls", "certificate key clientcas minimumtls ciphersuites"),
  only("3.1", "http.tls", "clientauth"),
  inBoth("http.tls.letsencrypt", "cachefile email hosts"),
  only("3.1", "http.tls.letsencrypt", "directoryurl"),
  inBoth("http.debug", "addr"),
  inBoth("http.debug.prometheus", "enabled path"),
  inBoth("http.http2", "disabled"),
  only("3.1", "http.h2c", "enabled"),
  inBoth("notifications.events", "includereferences"),
  inBoth("notifications.endpoints[]", "name disabled url headers timeout threshold backoff ignoredmediatypes"),
  inBoth("notifications.endpoints[].ignore", "mediatypes actions"),
  inBoth("health.storagedriver", "enabled interval threshold"),
  inBoth("health.file[]", "file interval threshold"),
  inBoth("health.http[]", "uri headers statuscode timeout interval threshold"),
  inBoth("health.tcp[]", "addr timeout interval threshold"),
  inBoth("proxy", "remoteurl username password"),
  only("3.1", "proxy", "ttl cachewritetimeout"),
  only("3.1", "proxy.exec", "command lifetime"),
  inBoth("validation", "disabled enabled"),
  inBoth("validation.manifests.urls", "allow deny"),
  only("3.1", "validation.manifests.indexes", "platforms"),
  only("3.1", "validation.manifests.indexes.platformlist[]", "architecture os"),
  inBoth("policy.repository", "classes"),
  inBoth("catalog", "maxentries"),
  only("3.1", "tags", "maxtags"),
  only("2.8", "redis", "addr"),
  inBoth("redis", "password db dialtimeout readtimeout writetimeout"),
  only(
    "3.1",
    "redis",
    "addrs username clientname mastername sentinelusername sentinelpassword identitysuffix disableidentity " +
      "protocol maxretries minretrybackoff maxretrybackoff poolsize minidleconns maxidleconns maxactiveconns pooltimeout " +
      "connmaxidletime connmaxlifetime poolfifo contexttimeoutenabled maxredirects readonly routebylatency routerandomly unstableresp3",
  ),
  only("3.0", "redis", "disableindentity"),
  only("3.1", "redis.tls", "certificate key rootcas"),
  only("3.0", "redis.tls", "enabled clientcas"),
  only("2.8", "redis.pool", "maxidle maxactive idletimeout"),
  only("2.8", "compatibility.schema1", "enabled signingkeyfile trustkey"),
  only("2.8", "reporting.bugsnag", "apikey releasestage endpoint"),
  only("2.8", "reporting.newrelic", "licensekey name verbose"),
];

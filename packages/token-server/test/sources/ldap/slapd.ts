import { run, startDaemon, type Daemon } from "@longshore/testkit/processes";
import { freePort } from "@longshore/testkit/loopback";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { createConnection } from "node:net";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificates } from "./certificates.js";

/** Where everything of the test directory is. */
export const BASE = "dc=corp,dc=example";
export const PEOPLE = `ou=people,${BASE}`;
export const GROUPS = `ou=groups,${BASE}`;

/** The account that searches. */
export const READER = { binddn: `cn=reader,${BASE}`, bindpassword: "reader's secret" };

/** An OpenLDAP server of a test. */
export interface Slapd extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** An `ldaps://` URL; its host is a name that the certificate has. */
  readonly ldapsUrl: string;
  /** Adds entries, in LDIF. */
  add(ldif: string): Promise<void>;
  /** Changes entries, in LDIF. */
  modify(ldif: string): Promise<void>;
  stop(): Promise<void>;
  /** Starts it again at the same port, with the same entries. */
  restart(): Promise<void>;
}

/** What differs between the servers of tests. */
export interface SlapdOptions {
  readonly certificates?: Certificates;
  /** More lines of the database's configuration, such as `sizelimit 5`. */
  readonly settings?: string;
  /** Whether groups are noted in their members' entries. */
  readonly memberOf?: boolean;
}

const MODULES = "/usr/lib/ldap";
const SCHEMA = "/etc/ldap/schema";

/** Attributes of Active Directory that OpenLDAP's own schemas don't have, under numbers for examples (RFC 3383 §3.1). */
const AD_SCHEMA = `
attributetype ( 2.999.1.1 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 2.999.1.2 NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 2.999.1.3 NAME 'accountExpires' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 2.999.1.4 NAME 'nsAccountLock' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 2.999.2.1 NAME 'exampleAccount' SUP top AUXILIARY MAY ( sAMAccountName $ userAccountControl $ accountExpires $ nsAccountLock ) )
`;

function configuration(folder: string, { certificates, settings = "", memberOf = true }: SlapdOptions): string {
  const tls =
    certificates === undefined
      ? ""
      : `TLSCACertificateFile ${certificates.ca}\nTLSCertificateFile ${certificates.certificate}\nTLSCertificateKeyFile ${certificates.key}\n`;
  return `
include ${SCHEMA}/core.schema
include ${SCHEMA}/cosine.schema
include ${SCHEMA}/inetorgperson.schema
include ${folder}/ad.schema
modulepath ${MODULES}
moduleload back_mdb
${memberOf ? "moduleload memberof" : ""}
pidfile ${folder}/slapd.pid
${tls}
database mdb
maxsize 104857600
suffix "${BASE}"
rootdn "cn=admin,${BASE}"
rootpw admin
directory ${folder}/data
index objectClass,uid,member eq
${settings}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,${BASE}" read by users read by * none
${memberOf ? "overlay memberof\nmemberof-refint true" : ""}
`;
}

const TREE = `
dn: ${BASE}
objectClass: dcObject
objectClass: organization
dc: corp
o: Corp

dn: cn=reader,${BASE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: ${READER.bindpassword}

dn: ${PEOPLE}
objectClass: organizationalUnit
ou: people

dn: ${GROUPS}
objectClass: organizationalUnit
ou: groups
`;

/** Starts slapd in a folder of its own, with the reader and empty trees of people and groups. */
export async function startSlapd(options: SlapdOptions = {}): Promise<Slapd> {
  const folder = await makeTemporaryFolder("slapd");
  await mkdir(join(folder.path, "data"));
  await writeFile(join(folder.path, "ad.schema"), AD_SCHEMA);
  const file = join(folder.path, "slapd.conf");
  await writeFile(file, configuration(folder.path, options));
  const [port, tlsPort] = [await freePort(), await freePort()];
  const url = `ldap://127.0.0.1:${port}`;
  const urls = options.certificates === undefined ? url : `${url}/ ldaps://127.0.0.1:${tlsPort}`;
  let daemon: Daemon | undefined;

  async function start(): Promise<void> {
    daemon = await startDaemon("slapd", ["-f", file, "-h", urls, "-d", "0"], { ready: () => isListening(port) });
  }

  async function change(program: string, ldif: string): Promise<void> {
    const args = ["-x", "-H", url, "-D", `cn=admin,${BASE}`, "-w", "admin"];
    await run(program, args, { input: ldif });
  }

  async function stop(): Promise<void> {
    await daemon?.stop();
    daemon = undefined;
  }

  await start();
  await change("ldapadd", TREE);
  return {
    port,
    url,
    ldapsUrl: `ldaps://localhost:${tlsPort}`,
    add: (ldif) => change("ldapadd", ldif),
    modify: (ldif) => change("ldapmodify", ldif),
    stop,
    restart: start,
    async [Symbol.asyncDispose]() {
      await stop();
      await folder.remove();
    },
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", end(true)).once("error", end(false));
  });
}

/** A person in LDIF: `alice` has the password `alice's secret`. */
export function person(uid: string, extra = ""): string {
  return `
dn: uid=${uid},${PEOPLE}
objectClass: inetOrgPerson
objectClass: exampleAccount
uid: ${uid}
cn: ${uid}
sn: ${uid}
mail: ${uid}@corp.example
userPassword: ${uid}'s secret
${extra}`;
}

/** A group in LDIF; members are DNs. */
export function group(cn: string, members: readonly string[], objectClass = "groupOfNames"): string {
  const attribute = objectClass === "groupOfNames" ? "member" : "uniqueMember";
  return `
dn: cn=${cn},${GROUPS}
objectClass: ${objectClass}
cn: ${cn}
${members.map((member) => `${attribute}: ${member}`).join("\n")}
`;
}

export const dnOf = (uid: string): string => `uid=${uid},${PEOPLE}`;
export const groupDn = (cn: string): string => `cn=${cn},${GROUPS}`;

/**
 * Robots' accounts begin with this: rules can mean them all (`robot/*`), and none can be taken for a person. No `$`, which shells and
 * templates of pipelines expand.
 */
const PREFIX = "robot/";

const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;

/** The account of the robot `name`. Throws an Error, with a message for people, for a name that can't be one. */
export function robotAccount(name: string): string {
  if (NAME.test(name)) return PREFIX + name;
  throw new Error(
    `${JSON.stringify(name.slice(0, 80))} can't be a robot's name: lower-case letters, digits, and . _ - between them`,
  );
}

/** Whether an account is a robot's. */
export function isRobot(account: string): boolean {
  return account.startsWith(PREFIX);
}

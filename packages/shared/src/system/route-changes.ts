import { EX_OSERR, WanbondError } from "../errors.ts";
import type { ChangeOf } from "./change.ts";
import { CommandError, type Runner } from "./command.ts";
import type { ChangeHandler } from "./handler.ts";
import { readAddresses, readOwnRoutes } from "./kernel-state.ts";
import { MAIN_TABLE, OWN_PROTOCOL } from "./names.ts";
import type { Snapshot } from "./snapshot.ts";

export const ruleHandler: ChangeHandler<ChangeOf<"rule">> = {
  before: async () => ({}),
  // A rule that is there already and is somebody else's stays theirs: it does not bear our number when we take ours back.
  apply: (runner, change) => ignoring("isThere", runner.run("ip", ruleArguments("add", change))),
  undo: (runner, change) => ignoring("isGone", runner.run("ip", ruleArguments("del", change))),
  isPresent: (snapshot, change) =>
    snapshot.rules.some(
      (rule) =>
        rule.family === change.family &&
        rule.priority === change.priority &&
        rule.from === change.from &&
        rule.table === change.table &&
        rule.suppressPrefixLength === change.suppressPrefixLength,
    ),
};

export const routeHandler: ChangeHandler<ChangeOf<"route">> = {
  before: async () => ({}),
  apply: async (runner, change) => {
    if (change.table !== MAIN_TABLE) await runner.run("ip", routeArguments("replace", change));
    else await addToMain(runner, change);
  },
  undo: (runner, change) => ignoring("isGone", runner.run("ip", routeSelector("del", change))),
  isPresent: hasRoute,
};

export const unreachableHandler: ChangeHandler<ChangeOf<"unreachable">> = {
  before: async () => ({}),
  apply: async (runner, change) => {
    await runner.run("ip", unreachableArguments("replace", change));
  },
  undo: (runner, change) => ignoring("isGone", runner.run("ip", unreachableArguments("del", change))),
  isPresent: (snapshot, { family, table }) =>
    snapshot.unreachable.some((fact) => fact.family === family && fact.table === table),
};

export const addressHandler: ChangeHandler<ChangeOf<"address">> = {
  before: async (runner, change) => {
    const existing = await readAddresses(runner);
    return existing.some((fact) => isAddress(fact, change)) ? { existed: "yes" } : {};
  },
  apply: (runner, { device, address }) => {
    const noCheck = address.includes(":") ? ["nodad"] : []; // the concentrator gave the address to us alone
    return ignoring("isThere", runner.run("ip", ["addr", "add", address, "dev", device, ...noCheck]));
  },
  undo: async (runner, { device, address }, before) => {
    if (before["existed"] === undefined) {
      await ignoring("isGone", runner.run("ip", ["addr", "del", address, "dev", device]));
    }
  },
  isPresent: (snapshot, change) => snapshot.addresses.some((fact) => isAddress(fact, change)),
};

/** Main is everybody's table: nothing in it is replaced. */
async function addToMain(runner: Runner, change: ChangeOf<"route">): Promise<void> {
  try {
    await runner.run("ip", routeArguments("add", change));
  } catch (error) {
    if (!(error instanceof CommandError && error.isThere)) throw error;
    if (hasRoute({ routes: await readOwnRoutes(runner) }, change)) return;
    const sentence = `A route to ${change.destination} exists already. Remove it, or leave ${change.destination} out of wanbond's configuration.`;
    throw new WanbondError("WB_ROUTE_TAKEN", EX_OSERR, sentence);
  }
}

function hasRoute(snapshot: Pick<Snapshot, "routes">, change: ChangeOf<"route">): boolean {
  return snapshot.routes.some(
    (route) =>
      route.family === change.family &&
      route.table === change.table &&
      route.destination === change.destination &&
      route.device === change.device &&
      route.gateway === change.gateway,
  );
}

function isAddress(fact: Snapshot["addresses"][number], { device, address }: ChangeOf<"address">): boolean {
  return fact.device === device && `${fact.address}/${fact.length}` === address;
}

function ruleArguments(action: "add" | "del", change: ChangeOf<"rule">): string[] {
  const suppress = change.suppressPrefixLength;
  return [
    `-${change.family}`,
    "rule",
    action,
    ...["from", change.from ?? "all"],
    ...["priority", String(change.priority)],
    ...["lookup", String(change.table)],
    ...(suppress === null ? [] : ["suppress_prefixlength", String(suppress)]),
    ...["protocol", String(OWN_PROTOCOL)],
  ];
}

/** What tells a route of ours from all others: it is removed by this alone, whatever its gateway is by now. */
function routeSelector(action: "add" | "replace" | "del", change: ChangeOf<"route">): string[] {
  return [
    `-${change.family}`,
    "route",
    action,
    change.destination,
    ...["dev", change.device],
    ...["table", String(change.table)],
    ...["proto", String(OWN_PROTOCOL)],
  ];
}

/** Behind every route that leads somewhere. */
const LAST_METRIC = 4_000_000_000;

function unreachableArguments(action: "replace" | "del", { family, table }: ChangeOf<"unreachable">): string[] {
  const place = ["table", String(table), "proto", String(OWN_PROTOCOL), "metric", String(LAST_METRIC)];
  return [`-${family}`, "route", action, "unreachable", "default", ...place];
}

function routeArguments(action: "add" | "replace", change: ChangeOf<"route">): string[] {
  // onlink: a gateway outside the device's networks (a hosted server with a /32) is taken as it was configured.
  const via = change.gateway === null ? [] : ["via", change.gateway, "onlink"];
  return [...routeSelector(action, change), ...via];
}

async function ignoring(what: "isThere" | "isGone", command: Promise<unknown>): Promise<void> {
  try {
    await command;
  } catch (error) {
    // What was to be added is there, what was to be removed is gone: that is the state we want.
    if (!(error instanceof CommandError && error[what])) throw error;
  }
}

import type { Before, Change } from "./change.ts";
import type { Runner } from "./command.ts";
import type { ChangeHandler } from "./handler.ts";
import { bridgeHandler, linkHandler } from "./link-changes.ts";
import { nftHandler } from "./nft-changes.ts";
import { addressHandler, routeHandler, ruleHandler, unreachableHandler } from "./route-changes.ts";
import { forwardingHandler, reversePathHandler, settingHandler } from "./setting-changes.ts";
import type { Snapshot } from "./snapshot.ts";

/** A change with the way to make it: a handler whose kind needs no more asking. */
export interface BoundChange {
  before(runner: Runner): Promise<Before>;
  apply(runner: Runner, before: Before): Promise<void>;
  undo(runner: Runner, before: Before): Promise<void>;
  /** "unknown": apply looks for itself. */
  presence(snapshot: Snapshot): "present" | "missing" | "unknown";
}

export function bindChange(change: Change): BoundChange {
  switch (change.kind) {
    case "rule":
      return bind(ruleHandler, change);
    case "route":
      return bind(routeHandler, change);
    case "unreachable":
      return bind(unreachableHandler, change);
    case "address":
      return bind(addressHandler, change);
    case "link":
      return bind(linkHandler, change);
    case "bridge":
      return bind(bridgeHandler, change);
    case "setting":
      return bind(settingHandler, change);
    case "reverse-path":
      return bind(reversePathHandler, change);
    case "forwarding":
      return bind(forwardingHandler, change);
    case "nft":
      return bind(nftHandler, change);
  }
}

function bind<Kind extends Change>(handler: ChangeHandler<Kind>, change: Kind): BoundChange {
  return {
    before: (runner) => handler.before(runner, change),
    apply: (runner, before) => handler.apply(runner, change, before),
    undo: (runner, before) => handler.undo(runner, change, before),
    presence: (snapshot) => {
      if (handler.isPresent === undefined) return "unknown";
      return handler.isPresent(snapshot, change) ? "present" : "missing";
    },
  };
}

import { EX_CANTCREAT, WanbondError } from "../errors.ts";
import type { ChangeOf } from "./change.ts";
import { CommandError, type Runner } from "./command.ts";
import type { ChangeHandler } from "./handler.ts";

/** The first words of the comment of every table of ours. */
const NFT_COMMENT = "wanbond: made by the program, removed when it stops";

export const nftHandler: ChangeHandler<ChangeOf<"nft">> = {
  before: async (runner, { table }) => {
    const existing = await listTable(runner, table);
    if (existing === null || existing.includes(NFT_COMMENT)) return {};
    const sentence = `An nft table inet ${table} exists that wanbond did not make. Delete it: nft delete table inet ${table}`;
    throw new WanbondError("WB_NFT_TAKEN", EX_CANTCREAT, sentence);
  },
  apply: async (runner, { table, body }) => {
    // "Make it, delete it, make it" is one transaction: whatever there was is replaced, and no packet sees it missing.
    const name = `table inet ${table}`;
    await runner.run("nft", ["-f", "-"], `${name}\ndelete ${name}\n${name} {\ncomment "${NFT_COMMENT}"\n${body}\n}\n`);
  },
  undo: async (runner, { table }) => {
    const existing = await listTable(runner, table);
    if (existing?.includes(NFT_COMMENT)) await runner.run("nft", ["delete", "table", "inet", table]);
  },
  isPresent: (snapshot, { table }) => snapshot.nftTables.split("\n").includes(`table inet ${table}`),
};

async function listTable(runner: Runner, table: string): Promise<string | null> {
  try {
    return await runner.run("nft", ["list", "table", "inet", table]);
  } catch (error) {
    if (error instanceof CommandError && error.isGone) return null;
    throw error;
  }
}

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { readKeyFile } from "../config/index.ts";
import { formatKey, generatePrivateKey, publicKeyOf } from "../crypto/index.ts";
import { EX_CONFIG, WanbondError } from "../errors.ts";
import { beginFile, makeKeyFolder, replaceFile } from "../system/index.ts";

/** More than a new configuration ever has. */
const ROOM_BYTES = 16 * 1024;

/** A configuration on its way to the disk, and the key beside it. Either both are there in the end, or nothing new is. */
export interface NewConfiguration {
  readonly publicKey: string;
  readonly keyFile: string;
  /** The key stays from now on, whatever happens: somebody knows it. */
  keepKey(): void;
  /** Writes the file at once; one that is there goes to FILE.old. @throws WanbondError */
  commit(text: string): void;
  /** Takes back what was made here. */
  discard(): void;
}

/**
 * Takes room on the disk, and the key of that name in the folder of the configuration: one that is there is used again,
 * else one is made.
 *
 * @param configPath absolute. @throws WanbondError when the disk is full, or a key is there that others may read.
 */
export function beginConfiguration(configPath: string, keyName: string): NewConfiguration {
  const keyFile = join(dirname(configPath), keyName);
  makeKeyFolder(dirname(configPath));
  const document = beginFile(configPath, ROOM_BYTES);
  let isOurKey = !existsSync(keyFile);
  const discard = (): void => {
    document.discard();
    if (isOurKey) rmSync(keyFile, { force: true });
  };
  try {
    const privateKey = isOurKey ? generatePrivateKey(randomBytes) : readOldKey(keyFile);
    if (isOurKey) replaceFile(keyFile, `${formatKey(privateKey)}\n`);
    return {
      publicKey: formatKey(publicKeyOf(privateKey)),
      keyFile,
      keepKey: () => {
        isOurKey = false;
      },
      commit: (text) => {
        if (existsSync(configPath)) replaceFile(`${configPath}.old`, readFileSync(configPath, "utf8"));
        document.commit(text);
      },
      discard,
    };
  } catch (error) {
    discard();
    throw error;
  }
}

/** @throws WanbondError when others may read it, or it holds none. */
function readOldKey(file: string): Uint8Array {
  const { key, fault } = readKeyFile(file);
  if (key !== null) return key;
  throw new WanbondError("WB_BAD_KEY", EX_CONFIG, `The key file here ${fault.problem}. ${fault.remedy}`);
}

import {
  closeSync,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { EX_CANTCREAT, WanbondError } from "../errors.ts";

/** A file that is being written: nothing of it is seen under its name before `commit`. */
export interface PendingFile {
  /** Puts it in its place in one step, whatever was there before. @throws WanbondError, and then all is as before. */
  commit(text: string): void;
  /** Forgets it. */
  discard(): void;
}

/**
 * Begins a file of mode 0600, and takes room on the disk for it: what fails for want of room fails here, before anything
 * else was done. The folder is made (0700) if it is missing.
 *
 * @param roomBytes no less than what will be written. @throws WanbondError
 */
export function beginFile(file: string, roomBytes: number): PendingFile {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}`);
  const discard = () => rmSync(temporary, { force: true });
  const guarded = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      discard();
      throw writeError(file, error);
    }
  };
  guarded(() => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    discard();
    writeSynced(temporary, "wx", Buffer.alloc(roomBytes, "\n"));
  });
  return {
    commit: (text) =>
      guarded(() => {
        // Over the bytes that are there already: this takes no room.
        writeSynced(temporary, "r+", Buffer.from(text));
        renameSync(temporary, file);
        syncFolder(dirname(file));
      }),
    discard,
  };
}

/** Replaces a file, or makes it, in one step; mode 0600. @throws WanbondError, and then all is as before. */
export function replaceFile(file: string, text: string): void {
  beginFile(file, Buffer.byteLength(text)).commit(text);
}

/** A folder of keys: made 0700, refused when others may write to it. @throws WanbondError */
export function makeKeyFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { mode } = statSync(folder);
    if ((mode & 0o022) === 0) return;
  } catch (error) {
    throw writeError(folder, error);
  }
  const sentence = `Others may write to ${folder}, where keys are kept. Run: chmod 700 ${folder}`;
  throw new WanbondError("WB_FOLDER_OPEN", EX_CANTCREAT, sentence);
}

function writeSynced(file: string, flags: "wx" | "r+", content: Buffer): void {
  const fd = openSync(file, flags, 0o600);
  try {
    fchmodSync(fd, 0o600);
    writeFileSync(fd, content);
    ftruncateSync(fd, content.byteLength);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** So that the new name outlives a loss of power. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeError(file: string, error: unknown): WanbondError {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    const sentence = `There is no room on the disk for ${file}. Nothing was changed; make room (df -h) and try again.`;
    return new WanbondError("WB_DISK_FULL", EX_CANTCREAT, sentence);
  }
  const remedy = code === "EROFS" ? "The file system is read-only" : "Run as root, or choose another place";
  return new WanbondError("WB_WRITE", EX_CANTCREAT, `${file} cannot be written (${code}). ${remedy}.`);
}

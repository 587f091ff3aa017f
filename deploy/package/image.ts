import { spawnSync } from "node:child_process";
import { inCheckout, run } from "./tools.ts";

/** Builds the image wanbond:VERSION. BASE_IMAGE in the environment names another base. @throws Error that says why not. */
export function makeImage(version: string): string {
  const asked = spawnSync("docker", ["version", "--format", "{{.Server.Version}}"], { encoding: "utf8" });
  if (asked.error !== undefined) throw new Error("docker is not installed");
  if (asked.status !== 0) throw new Error("no Docker daemon answers");
  const tag = `wanbond:${version}`;
  const base = process.env["BASE_IMAGE"];
  const options = base === undefined ? [] : ["--build-arg", `BASE_IMAGE=${base}`];
  run([
    "docker",
    "build",
    "--quiet",
    "--tag",
    tag,
    "--file",
    inCheckout("deploy/docker/Dockerfile"),
    ...options,
    inCheckout("."),
  ]);
  return tag;
}

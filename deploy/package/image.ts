import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { inCheckout, run } from "./tools.ts";

const DOCKERFILE = inCheckout("deploy/docker/Dockerfile");

/** Builds the image wanbond:VERSION. @returns a line that says what came of it. */
export function makeImage(version: string): string {
  if (!existsSync(DOCKERFILE)) return "no Docker image: this checkout has no deploy/docker/Dockerfile";
  const asked = spawnSync("docker", ["version", "--format", "{{.Server.Version}}"], { encoding: "utf8" });
  if (asked.error !== undefined) return "no Docker image: docker is not installed";
  if (asked.status !== 0) return "no Docker image: no Docker daemon answers";
  const tag = `wanbond:${version}`;
  run(["docker", "build", "--quiet", "--tag", tag, "--file", DOCKERFILE, inCheckout(".")]);
  return `Docker image ${tag}`;
}

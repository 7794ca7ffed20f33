import type { LoadedConfig } from "../load_config.ts";

/** What the program needs of the runtime, for which a bundle has no deno.json, and how much young memory it takes, MiB. */
const RUNTIME_FLAGS = ["--unstable-net", "--unstable-no-legacy-abort", "--v8-flags=--max-semi-space-size=8"];

/** How the program is started once more. */
export type ChildCommand =
  | { readonly kind: "command"; readonly path: string; readonly args: readonly string[] }
  | { readonly kind: "failure"; readonly message: string };

/** The arguments of a child: its parent's, but for what the parent does for all. */
export function childArgs(
  command: string,
  args: readonly string[],
  slot: number,
  { flags }: Pick<LoadedConfig, "flags">,
): string[] {
  const instance = flags["usage-otel-service-instance-id"];
  const own = [
    "--processes=1",
    `--process-slot=${slot}`,
    "--reuse-port",
    `--metrics-listen-address=${flags["metrics-listen-address"] === "disabled" ? "disabled" : "127.0.0.1:0"}`,
    "--admin-listen-address=disabled",
    "--admin-token=",
    ...(instance === "" ? [] : [`--usage-otel-service-instance-id=${instance}-${slot}`]),
  ];
  // Of what is given twice the last counts; what stands behind `--` is no flag.
  const end = args.indexOf("--");
  return end < 0 ? [command, ...args, ...own] : [command, ...args.slice(0, end), ...own, ...args.slice(end)];
}

/** The program and the arguments before its own, with this process's permissions but that to start others. */
export function childCommand(paths: readonly string[]): ChildCommand {
  const path = Deno.execPath();
  if (!isGranted({ name: "run", command: path })) {
    return { kind: "failure", message: "--processes: to start processes needs --allow-run" };
  }
  // A program that was compiled has its permissions in it.
  if (Deno.build.standalone) return { kind: "command", path, args: [] };
  if (!isGranted({ name: "net" }) || !isGranted({ name: "env" })) {
    return {
      kind: "failure",
      message: "--processes: needs --allow-net and --allow-env without a list, to hand them on",
    };
  }
  const permissions = ["--no-prompt", "--allow-net", "--allow-env", ...filePermissions(paths)];
  if (isGranted({ name: "sys", kind: "hostname" })) permissions.push("--allow-sys=hostname");
  const isEverything = (["read", "write", "sys", "run", "ffi"] as const).every((name) => isGranted({ name }));
  const granted = isEverything ? ["-A"] : permissions;
  return { kind: "command", path, args: ["run", ...RUNTIME_FLAGS, ...granted, Deno.mainModule] };
}

/** Reading and writing: all of it, or those of the given paths that this process may read or write. */
function filePermissions(paths: readonly string[]): string[] {
  return (["read", "write"] as const).flatMap((name) => {
    if (isGranted({ name })) return [`--allow-${name}`];
    const granted = paths.filter((path) => !path.includes(",") && isGranted({ name, path }));
    return granted.length === 0 ? [] : [`--allow-${name}=${granted.join(",")}`];
  });
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

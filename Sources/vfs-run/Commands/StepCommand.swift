internal import ContainerRuntime
internal import LinuxSystem

extension Command {
    /// `vfs-run step config.json`
    static let step = Command(
        name: "step", summary: "run a container from a config.json, one step at a time",
        operands: "CONFIG.json [[--] ARGS…]",
        details: [
            "As the one-shot form, with a prompt at the terminal before each step from the second on, or"
                + " from that of --stop-at. The words are: next (or Enter); continue, to the end without a"
                + " stop; shell, a shell in the namespaces of the init process as they are now; changed,"
                + " what the last step has changed; why, what the next step does and why it is at its"
                + " place; config, what asks for it; quit. n, c, s, w and q are short for them.",
            "The screen is drawn anew for each step, unless TERM is dumb or missing. Needs a terminal;"
                + " shell needs a static busybox on the host. It executes nothing but the commands of that"
                + " busybox: in its copy of the mounts no file of the image can be executed.",
        ],
        options: [.upper, .layer, .snapshot, .stopAt],
        endsWithOtherCommand: true,
        failureCode: Failure.ofRuntime,
        run: { arguments throws(Failure) in
            let terminal = CurrentProcess.environment("TERM") ?? "dumb"
            let plan: Plan
            do throws(Failure) {
                plan = try LoadedConfig(arguments).plan.stepping(
                    from: arguments.value(.stopAt), redraws: terminal != "dumb")
            } catch {
                throw arguments.has(.stopAt) ? error.within("--stop-at") : error
            }
            return try supervise(plan, until: .ended, warn: arguments.globals.log.warning)
        })
}

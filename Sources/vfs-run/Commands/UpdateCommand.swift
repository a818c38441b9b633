internal import Cgroups
internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

extension Command {
    /// `vfs-run update ID`
    static let update = Command(
        name: "update", summary: "change the limits of a container", operands: "ID",
        details: [
            "What no option names stays as it is. Sizes are bytes, with k, m, g or t behind them"
                + " binary thousands; -1 is no limit. With --resources the other options say nothing."
        ],
        options: [
            Option(
                long: "resources", short: "r", value: "FILE",
                help: "take linux.resources of the specification from FILE, - is standard input",
                completes: .files),
            Option(long: "memory", value: "SIZE", help: "the most memory"),
            Option(
                long: "memory-reservation", value: "SIZE",
                help: "the memory that is taken back down to when it grows scarce"),
            Option(long: "memory-swap", value: "SIZE", help: "the most memory and swap together"),
            Option(long: "cpu-share", value: "N", help: "its weight against others"),
            Option(long: "cpu-shares", value: "N", help: "the same"),
            Option(long: "cpu-quota", value: "MICROSECONDS", help: "the time in a period"),
            Option(long: "cpu-period", value: "MICROSECONDS", help: "the length of a period"),
            Option(long: "cpu-burst", value: "MICROSECONDS", help: "unused time it may save up"),
            Option(long: "cpu-rt-period", value: "MICROSECONDS", help: "the realtime period"),
            Option(long: "cpu-rt-runtime", value: "MICROSECONDS", help: "the realtime runtime"),
            Option(long: "cpuset-cpus", value: "LIST", help: "the processors: 0-3,7"),
            Option(long: "cpuset-mems", value: "LIST", help: "the memory nodes: 0-3,7"),
            Option(long: "cpu-idle", value: "N", help: "1: only what nobody else wants"),
            Option(long: "pids-limit", value: "N", help: "the most processes and threads"),
            Option(long: "blkio-weight", value: "N", help: "its weight at devices, 10 to 1000"),
            Option(
                long: "kernel-memory", value: "SIZE",
                help: "accepted for callers that give it: kernels have given it up"),
            Option(long: "kernel-memory-tcp", value: "SIZE", help: "the same"),
            Option(
                long: "l3-cache-schema", value: "SCHEMA",
                help: "the parts of the third-level caches: L3:0=7f0;1=1f"),
            Option(
                long: "mem-bw-schema", value: "SCHEMA",
                help: "the bandwidth to memory, in percent: MB:0=20;1=70"),
        ],
        run: { arguments throws(CommandError) in
            _ = try arguments.requireOperands(1...1)
            let resources =
                if let file = arguments.value("resources") {
                    try UpdatedResources.read(file, arguments)
                } else {
                    try UpdatedResources.given(arguments)
                }
            do throws(RuntimeError) {
                try arguments.container().update(
                    resources, l3CacheSchema: arguments.value("l3-cache-schema"),
                    memoryBandwidthSchema: arguments.value("mem-bw-schema"))
            } catch {
                throw CommandError(error.message)
            }
            return 0
        })
}

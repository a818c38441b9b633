/// The options of `sandbox`, part by part.
extension Option {
    static let base = Option(
        "base", value: "BASE", completes: .directories,
        "what lies below: host (default), / for the whole system copy-on-write, a directory with a"
            + " root file system, a bundle, an unpacked image, or an archive")
    static let layerAboveBase = Option(
        "layer", value: "DIR", completes: .directories,
        "add a layer on top of the base, which has to be / or a directory; may be repeated")
    static let volume = Option(
        "volume", short: "v", value: "SRC[:DST][:OPTIONS]", completes: .files,
        "show a file or directory of the host: ro, rw, or O for copy-on-write; may be repeated")
    static let tmpfs = Option(
        "tmpfs", value: "DST[:OPTIONS]", "mount an empty tmpfs: size=64m, mode=755; may be repeated"
    )
    static let madeFile = Option(
        "file", value: "DST=SRC", completes: .files,
        "copy SRC, or standard input with -, to the file DST; may be repeated")
    static let workingDirectory = Option(
        "workdir", short: "w", value: "DIR",
        "the working directory of the command, which has to be there; one outside of the caller's"
            + " hides that")
    static let variable = Option(
        "env", short: "e", value: "NAME[=VALUE]",
        "set a variable; NAME alone has the caller's value, and NAME* stands for all of the caller's"
            + " that begin so; may be repeated")
    static let variableFile = Option(
        "env-file", value: "FILE", completes: .files,
        "set the variables in FILE, one a line, as --env takes them")
    static let sandboxUser = Option(
        "user", short: "u", value: "USER[:GROUP]",
        "run as this user; 0 is root of the sandbox and of nothing else")
    static let allocatesTerminal = Option(
        "tty", short: "t", "give the command a terminal of its own, in any case")
    static let interactive = Option(
        "interactive", short: "i", "accepted for compatibility; standard input is always passed on")
    static let hostname = Option("hostname", value: "NAME", "the host name; default: sandbox")
    static let addCapability = Option(
        "cap-add", value: "CAPABILITY", "give the command a capability; may be repeated")
    static let dropCapability = Option(
        "cap-drop", value: "CAPABILITY", "take a capability, or all; may be repeated")
    static let sandboxName = Option(
        "name", value: "NAME",
        "keep what the command writes as the sandbox NAME; run in it again if it exists")
    static let keepSandbox = Option(
        "keep", "keep what the command writes, as the sandbox box-1, box-2 …")
    static let processors = Option("cpus", value: "N", "limit the CPU time to that of N CPUs: 1.5")
    static let processorSet = Option("cpuset-cpus", value: "LIST", "run on these CPUs: 0-2,5")
    static let memoryAndSwap = Option(
        "memory-swap", value: "SIZE", "the limit of memory and swap together; -1 is no limit")
    static let printsConfig = Option(
        "print-config", "print the config.json of the sandbox and run nothing")
    static let printsPlan = Option("plan", "print the steps of the start and run nothing")

    /// The options of `sandbox`.
    static var sandbox: [Option] {
        [
            base, layerAboveBase, volume, tmpfs, madeFile, workingDirectory, sandboxName,
            keepSandbox, asks,
            applies,
            variable, variableFile, sandboxUser, allocatesTerminal, interactive, hostname,
            addCapability, dropCapability, processors, processorSet, memoryAndSwap, quiet,
            printsConfig, printsPlan, trace, stopAt, network,
        ] + streams + collection + seccompNotices
    }
}

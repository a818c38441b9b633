internal import LinuxSystem
internal import Sandbox

/// The options of isolate(1), by its names.
extension Option {
    static let boxNumber = Option(
        "box-id", short: "b", value: "N", "the number of the box; default: 0")
    static let makesBox = Option("init", "make the box anew, and print its directory")
    static let runsInBox = Option("run", "run PROGRAM in the box")
    static let removesBox = Option("cleanup", "remove the box")
    static let usesControlGroup = Option(
        "cg", "count and limit memory of all processes together; give it to every command on a box")
    static let meta = Option(
        "meta", short: "M", value: "FILE", completes: .files,
        "write how the run ended to FILE, lines of KEY:VALUE; - is standard output")
    static let silent = Option("silent", short: "s", "tell nothing of the run on standard error")
    static let verbose = Option("verbose", short: "v", "show warnings on standard error")
    static let waitsForBox = Option("wait", "wait for another process that uses the box")
    static let innerInput = Option(
        "stdin", short: "i", value: "FILE", "standard input is FILE of the box")
    static let innerOutput = Option(
        "stdout", short: "o", value: "FILE", "standard output goes to FILE of the box")
    static let innerError = Option(
        "stderr", short: "r", value: "FILE", "standard error goes to FILE of the box")
    static let joinsError = Option("stderr-to-stdout", "standard error goes to standard output")
    static let innerDirectory = Option(
        "chdir", short: "c", value: "DIR", "the working directory, from /box on; default: /box")
    static let boxTime = Option(
        "time", short: "t", value: "SECONDS", "kill the program at this much processor time")
    static let boxExtraTime = Option(
        "extra-time", short: "x", value: "SECONDS",
        "kill it at this much processor time, where that is more; --time decides whether it was in"
            + " time")
    static let boxWallTime = Option(
        "wall-time", short: "w", value: "SECONDS", "kill the program after this time")
    static let addressSpace = Option(
        "mem", short: "m", value: "KIB", "limit the address space of each process")
    static let groupMemory = Option(
        "cg-mem", value: "KIB", "limit the memory of all processes together; needs --cg")
    static let stack = Option("stack", short: "k", value: "KIB", "limit the stack; default: none")
    static let openFiles = Option(
        "open-files", short: "n", value: "N", "limit open files; default: 1024; 0: as the caller")
    static let fileSize = Option("fsize", short: "f", value: "KIB", "limit the size of each file")
    static let core = Option("core", value: "KIB", "limit the size of core dumps; default: 0")
    static let boxProcesses = Option(
        "processes", short: "p", optionalValue: "N",
        "allow N processes and threads, or any number; default: 1")
    static let innerVariable = Option(
        "env", short: "E", value: "NAME[=VALUE]",
        "set a variable, or pass the caller's; NAME= takes it away; may be repeated")
    static let passesVariables = Option(
        "full-env", short: "e", "pass all of the caller's variables")
    static let directoryRule = Option(
        "dir", short: "d", value: "IN[=OUT][:OPTION…]",
        "show the directory OUT at IN; options are rw, noexec, dev, fs, maybe, tmp and norec; may be"
            + " repeated")
    static let noDefaultRules = Option(
        "no-default-dirs", short: "D", "show no directory that no --dir names")
    static let sharesNetwork = Option("share-net", "use the network of the host")
    static let terminalHack = Option("tty-hack", "give the program a terminal of its own")
    static let keepsSpecialFiles = Option(
        "special-files", "keep links, sockets, FIFOs and devices in the box")
    static let printsGroups = Option(
        "print-cg-root", "print the directory of the cgroup in which boxes get theirs")
    static let checksConfig = Option("check-config", "do nothing: there is no configuration file")
    static let groupTiming = Option("cg-timing", "no effect: what isolate 1 had")
    static let noGroupTiming = Option("no-cg-timing", "no effect: what isolate 1 had")

    static let isolate = [
        makesBox, runsInBox, removesBox, printsGroups, checksConfig, boxNumber, usesControlGroup,
        meta, silent, verbose, waitsForBox, innerInput, innerOutput, innerError, joinsError,
        innerDirectory, boxTime, boxExtraTime, boxWallTime, addressSpace, groupMemory, stack,
        openFiles, fileSize, core, boxProcesses, innerVariable, passesVariables, directoryRule,
        noDefaultRules, sharesNetwork, terminalHack, keepsSpecialFiles, groupTiming, noGroupTiming,
        bestEffort,
    ]
}

extension ParsedArguments {
    /// The number of the box.
    func boxNumber() throws(Failure) -> UInt32 {
        UInt32(try number(.boxNumber) ?? 0)
    }

    /// A number of an option, as isolate reads it; nil where the option is not given.
    func number(_ option: Option) throws(Failure) -> UInt64? {
        guard let text = value(option) else { return nil }
        guard let number = UInt64(text), number <= UInt64(BoxStore.most) else {
            throw Failure(
                "--\(option.long): \(text.inQuotes) is not a number from 0 to \(BoxStore.most)")
        }
        return number
    }

    /// Seconds with a fraction, in milliseconds; 0 is no limit, and what is not given.
    func milliseconds(_ option: Option) throws(Failure) -> UInt64 {
        guard let text = value(option) else { return 0 }
        guard let seconds = Double(text), seconds >= 0, seconds < 1e9 else {
            throw Failure(
                "--\(option.long): \(text.inQuotes) is not a number of seconds; write 1.5")
        }
        return UInt64(seconds * 1000)
    }
}

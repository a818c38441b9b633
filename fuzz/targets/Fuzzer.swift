import FuzzConfinement
import Glibc

/// One kind of input. The code under test returns a value or an error. A trap, a sanitizer report, a
/// hang and a file outside of the scratch directory are bugs.
struct FuzzTarget: Sendable {
    let name: String
    let feed: @Sendable ([UInt8]) -> Void

    static let all = [
        FuzzTarget(name: "config", feed: readConfig),
        FuzzTarget(name: "archive", feed: readArchive),
        FuzzTarget(name: "image", feed: readImage),
        FuzzTarget(name: "stack", feed: readStack),
        FuzzTarget(name: "process", feed: readProcess),
        FuzzTarget(name: "state", feed: readState),
        FuzzTarget(name: "upper", feed: readUpper),
    ]
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The target of this process. libFuzzer's callback cannot carry it.
private nonisolated(unsafe) var chosen = FuzzTarget.all[0]

/// FUZZ_TARGET names the target, FUZZ_SCRATCH its scratch directory, FUZZ_OUT the directory of
/// libFuzzer's findings.
@main
struct Fuzzer {
    static func main() {
        let name = variable("FUZZ_TARGET")
        guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
            stop("FUZZ_TARGET is one of \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
        }
        chosen = target
        Scratch.root = variable("FUZZ_SCRATCH")
        confine([Scratch.root, variable("FUZZ_OUT"), "/dev/null"])
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = runFuzzer(&count, &arguments) { start, count in
            chosen.feed(Array(UnsafeBufferPointer(start: start, count: count)))
            return 0
        }
    }

    private static func confine(_ paths: [String]) {
        let copies = paths.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        let names = copies.compactMap { $0.map { UnsafePointer($0) } }
        if confine_writing(names, CInt(names.count)) != 0 {
            stop("this process cannot be confined by Landlock: \(String(cString: strerror(errno)))")
        }
    }

    private static func variable(_ name: String) -> String {
        guard let value = getenv(name) else { stop("\(name) is not set; fuzz/run sets it") }
        return String(cString: value)
    }

    private static func stop(_ sentence: String) -> Never {
        let line = "fuzzer: \(sentence)\n"
        write(STDERR_FILENO, line, line.utf8.count)
        exit(2)
    }
}

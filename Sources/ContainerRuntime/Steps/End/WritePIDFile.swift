internal import LinuxSystem
internal import SystemPackage

/// `--pid-file`
struct WritePIDFile: TurnStep {
    static let manual = StepManual(
        "write the pid file",
        what: "Writes the pid in decimal digits, without a newline.",
        why: "After all that can fail: engines read it when the command has succeeded.",
        calls: "openat, write, rename")

    let path: String

    var summary: String { "write the pid to \(path)" }
    let undoing = "the file stays"

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        let directory = try attempt(
            "open", on: parent, try HostPath.open(parent, [.path, .directory]))
        try attempt(
            "write", on: path,
            try directory.borrowed.replaceFile(
                name, with: Array(String(process.pid).utf8), mode: 0o644))
    }
}

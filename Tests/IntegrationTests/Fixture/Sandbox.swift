import Foundation
import Glibc
import Testing

/// A directory with a bundle, a canary and what a test puts there. At its end nothing may be left
/// of the runs: no mount, no process, and no file changed outside of what the test has named.
final class Sandbox {
    let directory: String
    /// Paths below `directory` that a run may change.
    var mayChange: Set<String> = []
    /// Containers that a test leaves on purpose; they are removed at its end.
    var mayStay: Set<String> = []
    private let hostBefore = Host.canaries
    private let location: SourceLocation

    var bundle: String { directory + "/bundle" }
    /// A directory that only the host has, with the file `file`.
    var canary: String { directory + "/canary" }
    /// A name for cgroups that no other test has; looked for at the end.
    var controlGroup: String { "box-" + directory.suffix(6) }
    /// The layer that holds nothing but `/probe`.
    var probeLayer: String { directory + "/probe-layer" }

    /// Makes one, hands it to `body`, and looks afterwards at what is left.
    static func use<Result>(
        sourceLocation: SourceLocation = #_sourceLocation, _ body: (Sandbox) throws -> Result
    ) throws -> Result {
        let sandbox = try Sandbox(sourceLocation)
        defer { sandbox.tearDown() }
        return try body(sandbox)
    }

    private init(_ location: SourceLocation) throws {
        self.location = location
        var template = Array("/tmp/vfs-run-test.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("mkdtemp failed") }
        directory = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(directory, 0o755)
        for name in ["bundle", "canary", "probe-layer"] { try makeDirectory(name) }
        try write("canary/file", "untouched\n")
        try copy(Host.probe, to: "probe-layer/probe")
    }

    private func tearDown() {
        removeContainers()
        // Fulfilled by then in all but the worst case: the kernel takes things down by itself.
        let deadline = Deadline(5)
        var left = HostProcess.concerned(with: directory)
        while !left.isEmpty && !deadline.hasPassed {
            _ = HostProcess.waitForEnd(of: left[0], milliseconds: 1000)
            left = HostProcess.concerned(with: directory)
        }
        for pid in left {
            let words = Host.read("/proc/\(pid)/cmdline").replacing("\0", with: " ")
            record("process \(pid) is left: \(words)")
            kill(pid, SIGKILL)
        }
        let mounts = Host.read("/proc/self/mountinfo").split(separator: "\n")
        for line in mounts where line.contains(directory) { record("a mount is left: \(line)") }
        for path in ControlGroups.named(controlGroup) { record("a cgroup is left: \(path)") }
        for (name, before) in hostBefore where Host.canaries[name] != before {
            record("\(name) of the host was \(before), is \(Host.canaries[name] ?? "gone")")
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    func record(_ sentence: String) {
        Issue.record(Comment(rawValue: sentence), sourceLocation: location)
    }

    // MARK: Files

    func path(_ name: String) -> String { name.hasPrefix("/") ? name : directory + "/" + name }

    @discardableResult
    func makeDirectory(_ name: String, mode: mode_t = 0o755) throws -> String {
        try FileManager.default.createDirectory(
            atPath: path(name), withIntermediateDirectories: true)
        chmod(path(name), mode)
        return path(name)
    }

    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws -> String {
        let parent = (path(name) as NSString).deletingLastPathComponent
        if access(parent, F_OK) != 0 { try makeDirectory(parent) }
        try FilesBeingWritten.none {
            let file = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard file >= 0 else {
                throw Failure("\(path(name)): \(String(cString: strerror(errno)))")
            }
            let bytes = Array(text.utf8)
            _ = Glibc.write(file, bytes, bytes.count)
            close(file)
        }
        chmod(path(name), mode)
        return path(name)
    }

    @discardableResult
    func link(_ name: String, to target: String) throws -> String {
        guard symlink(target, path(name)) == 0 else { throw Failure("symlink \(name) failed") }
        return path(name)
    }

    func copy(_ source: String, to name: String) throws {
        try FilesBeingWritten.none {
            try FileManager.default.copyItem(atPath: source, toPath: path(name))
        }
        chmod(path(name), 0o755)
    }

    func read(_ name: String) -> String { Host.read(path(name)) }

    func exists(_ name: String) -> Bool {
        var status = stat()
        return lstat(path(name), &status) == 0
    }

    /// A small root file system of the test's own: the probe, busybox as a few commands, empty
    /// directories.
    @discardableResult
    func makeRoot(_ name: String = "rootfs") throws -> String {
        for directory in ["bin", "dev", "proc", "sys", "etc", "tmp"] {
            try makeDirectory("\(name)/\(directory)")
        }
        try copy(Host.probe, to: "\(name)/probe")
        try copy(Host.base + "/bin/busybox", to: "\(name)/bin/busybox")
        for applet in ["sh", "cat", "ls", "echo", "sleep"] {
            try link("\(name)/bin/\(applet)", to: "busybox")
        }
        return path(name)
    }

    /// `Config.minimal` on the base layer with the probe on top.
    func config() -> Value {
        var config = Config.minimal()
        config["vfs"]["overlay"]["layers"] = Value([Host.base, probeLayer])
        return config
    }

    /// `Config.minimal` on a root of the test's own, without an overlay.
    func plainConfig(_ root: String = "rootfs") -> Value {
        var config = Config.minimal(root: path(root))
        config["vfs"]["overlay"] = false
        return config
    }

    // MARK: Runs

    /// Writes config.json and starts the runtime.
    func start(
        _ config: Value, _ options: [String] = [], arguments: [String] = [],
        input: Running.Input = .bytes([]), environment: [String] = [], leaked: CInt = 0
    ) throws -> Running {
        try start(
            text: config.prettyText, options, arguments: arguments, input: input,
            environment: environment, leaked: leaked)
    }

    func start(
        text: String, _ options: [String] = [], arguments: [String] = [],
        input: Running.Input = .bytes([]), environment: [String] = [], leaked: CInt = 0
    ) throws -> Running {
        let file = try write("bundle/config.json", text)
        let tail = arguments.isEmpty ? [] : ["--"] + arguments
        return try Running(
            Host.runtime, options + [file] + tail, environment: environment, input: input,
            leaked: leaked)
    }

    /// Runs to the end and compares the files before and after.
    @discardableResult
    func run(
        _ config: Value, _ options: [String] = [], arguments: [String] = [],
        input: String = "", environment: [String] = [], leaked: CInt = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        try write("bundle/config.json", "")
        return try watchingFiles(sourceLocation: sourceLocation) {
            try start(
                config, options, arguments: arguments, input: .bytes(Array(input.utf8)),
                environment: environment, leaked: leaked
            ).finish()
        }
    }

    /// Runs the probe, which tries `attempts`.
    func probe(
        _ config: Value, _ attempts: [String] = [], options: [String] = [],
        environment: [String] = [], leaked: CInt = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Facts {
        var config = config
        config.run(["/probe"] + attempts)
        let outcome = try run(
            config, options, environment: environment, leaked: leaked,
            sourceLocation: sourceLocation)
        return try Facts(outcome, sourceLocation: sourceLocation)
    }

    /// Whatever `body` does, no file here or in the base layer may change but the named ones.
    func watchingFiles<Result>(
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Result
    ) throws -> Result {
        let before = [TreeSnapshot(directory), TreeSnapshot(Host.base)]
        let result = try body()
        let after = [TreeSnapshot(directory), TreeSnapshot(Host.base)]
        let except = Set((mayChange.union(["bundle/config.json"])).map(path))
        for (old, new) in zip(before, after) {
            for sentence in old.differences(to: new, except: except) {
                Issue.record(Comment(rawValue: sentence), sourceLocation: sourceLocation)
            }
        }
        return result
    }
}

internal import LinuxSystem
internal import SystemPackage

/// A program that is not there ends the creation of the container, not only its start. After the
/// user has changed: what root may read and execute says nothing of what the user may.
struct FindProgram: Step {
    let search: ProgramSearch

    let side = Side.container
    var summary: String { "find the program \(search.name)" }

    func apply(_ context: StartContext) throws(StepError) {
        var refused: String?
        for candidate in search.candidates {
            do throws(Errno) {
                if try FileStatus.of(path: candidate).kind == .directory {
                    throw Errno.permissionDenied
                }
                try CurrentProcess.checkMayExecute(candidate)
                return
            } catch .noSuchFileOrDirectory, .notDirectory {
                continue
            } catch .permissionDenied {
                refused = refused ?? candidate
            } catch {
                // What else is wrong, or what a filter forbids to ask, the execution itself says.
                return
            }
        }
        guard let refused else { throw search.missing }
        throw search.explain(refused, .permissionDenied)
    }
}

/// The program replaces the init process. On success the channel closes, which tells the runtime.
struct Execute: Step {
    let arguments: [String]
    let environment: [String]

    let side = Side.container
    var summary: String { "execute \(arguments.joined(separator: " "))" }

    func apply(_ context: StartContext) throws(StepError) {
        let search = ProgramSearch(arguments: arguments, environment: environment)
        let candidates = search.candidates
        let argv = CStringArray(arguments)
        let envp = CStringArray(context.environment(environment))
        // Where the filter forbids even this, the end of the channel has to do.
        if let gate = context.gate {
            try? gate.borrowed.write(all: InitMessage.executing.encoded)
        } else {
            try? context.channel?.channel.borrowed.write(all: InitMessage.executing.encoded)
        }
        var failure: (path: String, errno: Errno)?
        for candidate in candidates {
            do {
                try CurrentProcess.execute(candidate, arguments: argv, environment: envp)
            } catch .noSuchFileOrDirectory, .notDirectory {
                // A program whose interpreter is missing says the same: it is looked at below.
                if failure == nil, exists(candidate) {
                    failure = (candidate, .noSuchFileOrDirectory)
                }
            } catch {
                // One that may not be executed does not end the search, as in a shell.
                if failure == nil || failure?.errno == .permissionDenied {
                    failure = (candidate, error)
                }
                if error != .permissionDenied { break }
            }
        }
        guard let failure else { throw search.missing }
        throw search.explain(failure.path, failure.errno)
    }

    private func exists(_ path: String) -> Bool { (try? FileStatus.of(path: path)) != nil }
}

/// Where a program is looked for, and the sentences for one that cannot be run.
///
/// Engines tell by words which exit code they end with: `executable file not found in $PATH` and
/// `no such file or directory` are 127 to them, `permission denied` and `is a directory` 126. Our
/// own words stand behind those.
struct ProgramSearch: Sendable {
    let name: String
    private let path: String

    /// Where there is no PATH, as execvp(3) has it.
    private static let defaultPath = "/bin:/usr/bin"

    init(arguments: [String], environment: [String]) {
        name = arguments[0]
        path =
            environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) }
            ?? ProgramSearch.defaultPath
    }

    /// A name with a slash is a path; any other is looked for in the container's PATH.
    var candidates: [String] {
        if name.contains("/") { return [name] }
        return path.split(separator: ":", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? name : "\($0)/\(name)" }
    }

    var missing: StepError {
        let sentence =
            name.contains("/")
            ? "exec \(name): no such file or directory: it does not exist in the container"
            : "exec: \(name.inQuotes): executable file not found in $PATH: it is in no directory"
                + " of the container's PATH (\(path))"
        return StepError(sentence, .programNotFound)
    }

    func explain(_ path: String, _ error: Errno) -> StepError {
        let name = "exec \(path)"
        if error == .noSuchFileOrDirectory {
            let interpreter = Interpreter.of(path).map(\.inQuotes) ?? "its interpreter"
            return StepError(
                "\(name): no such file or directory: it is there, but \(interpreter), which runs it,"
                    + " is not in the container", .programNotFound)
        }
        if error == .permissionDenied {
            let reason =
                switch try? FileStatus.of(path: path) {
                case let found? where found.kind == .directory: "it is a directory"
                case let found? where found.permissions & 0o111 == 0:
                    "it is not executable; chmod +x would make it so"
                default: "this user may not execute it, or it lies on a mount with noexec"
                }
            return StepError(
                "\(name): permission denied: \(reason)", .programNotExecutable)
        }
        if error == .execFormatError {
            return StepError(
                "\(name): exec format error: it is no program, neither ELF for this machine nor a"
                    + " script with #! on its first line", .programNotExecutable)
        }
        return StepError(
            "\(name): \(error.words)",
            .programNotExecutable)
    }
}

/// What runs a program: the `#!` line of a script, the loader of an ELF file.
enum Interpreter {
    static func of(_ path: String) -> String? {
        guard let file = try? HostPath.open(path, [.readOnly, .nonBlocking]),
            let head = try? file.borrowed.readSome(4096)
        else { return nil }
        return script(head) ?? elf(head)
    }

    static func script(_ head: [UInt8]) -> String? {
        guard head.starts(with: Array("#!".utf8)) else { return nil }
        let line = head.dropFirst(2).prefix { $0 != 0x0a }
        let words = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\t" }
        guard let first = words.first else { return nil }
        // A carriage return from another system is part of the name to the kernel.
        return String(first).replacingCarriageReturn
    }

    /// PT_INTERP of a 64-bit little-endian file, as far as it lies in `head`.
    static func elf(_ head: [UInt8]) -> String? {
        guard head.count >= 64, head.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else {
            return nil
        }
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset + size <= head.count else { return nil }
            let value = head[offset..<offset + size].reversed().reduce(UInt64(0)) {
                $0 << 8 | UInt64($1)
            }
            return Int(exactly: value)
        }
        guard let table = number(32, 8), let size = number(54, 2), let count = number(56, 2) else {
            return nil
        }
        for index in 0..<count {
            guard table < head.count else { return nil }
            let entry = table + index * size
            guard number(entry, 4) == 3, let start = number(entry + 8, 8), start < head.count else {
                continue
            }
            return String(decoding: head[start...].prefix { $0 != 0 }, as: UTF8.self)
        }
        return nil
    }
}

extension String {
    fileprivate var replacingCarriageReturn: String {
        hasSuffix("\r") ? String(dropLast()) + "\\r" : self
    }
}

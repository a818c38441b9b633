internal import LinuxSystem
internal import SystemPackage

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
        if name.isEmpty { return [] }
        if name.contains("/") { return [name] }
        return path.split(separator: ":", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? name : "\($0)/\(name)" }
    }

    var missing: Failure {
        let sentence =
            name.contains("/")
            ? "exec \(name): no such file or directory: it does not exist in the container"
            : "exec: \(name.inQuotes): executable file not found in $PATH: it is in no directory"
                + " of the container's PATH (\(path))"
        return Failure(sentence, .programNotFound)
    }

    func explain(_ path: String, _ error: Errno) -> Failure {
        let name = "exec \(path)"
        if error == .noSuchFileOrDirectory {
            let interpreter = Interpreter.of(path).map(\.inQuotes) ?? "its interpreter"
            return Failure(
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
            return Failure(
                "\(name): permission denied: \(reason)", .programNotExecutable)
        }
        if error == .execFormatError {
            return Failure(
                "\(name): exec format error: it is no program, neither ELF for this machine nor a"
                    + " script with #! on its first line", .programNotExecutable)
        }
        return Failure(
            "\(name): \(error.words)",
            .programNotExecutable)
    }
}

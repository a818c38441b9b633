internal import Archives
internal import LinuxSystem
internal import SystemPackage

/// How a stream may be compressed besides what this program reads itself: a program of the host
/// does it, as with GNU tar. Their libraries would cost every start of every command something.
enum ForeignFormat: String, CaseIterable {
    case xz, bzip2

    /// Nil where the first bytes say something else.
    init?(of input: StreamInput) throws(Failure) {
        let start = unsafe Array(try input.look(atLeast: 6).prefix(6))
        guard let found = ForeignFormat.allCases.first(where: { start.starts(with: $0.magic) })
        else { return nil }
        self = found
    }

    private var magic: [UInt8] {
        switch self {
        case .xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
        case .bzip2: [0x42, 0x5a, 0x68]
        }
    }

    private var package: String { self == .xz ? "xz-utils" : "bzip2" }

    /// The memory that a stream may make it use: dictionaries of xz have up to 4 GiB, those of its
    /// own presets 64 MiB.
    private static let mostMemory: UInt64 = 1 << 30

    /// Starts the program, which is looked for in PATH.
    ///
    /// This process is given its limit of memory, too.
    func start() throws(Failure) -> FilterProgram {
        guard let path = ForeignFormat.find(rawValue) else {
            throw Failure(
                "it is compressed by \(rawValue), and there is no \(rawValue) in PATH; install"
                    + " \(package), or decompress it first")
        }
        let most = ForeignFormat.mostMemory
        try attempt(
            "setrlimit", try CurrentProcess.setLimit(.addressSpace, soft: most, hard: most))
        // Every thread would need as much memory again.
        let program = Program(
            path: path, arguments: [rawValue, "-dc"], environment: ["XZ_DEFAULTS=-T1"])
        return try attempt("execve", on: path, try FilterProgram(program))
    }

    /// Absolute places only: what lies in the working directory may have come with the archive.
    private static func find(_ name: String) -> String? {
        (CurrentProcess.environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin")
            .split(separator: ":").map { "\($0)/\(name)" }
            .first { path in
                path.hasPrefix("/") && (try? FileStatus.of(path: path).kind) == .regular
                    && (try? CurrentProcess.checkMayExecute(path)) != nil
            }
    }
}

extension ForeignFormat {
    /// It has said everything: whether that was all there is, its exit status tells.
    func finish(_ program: FilterProgram) throws(Failure) {
        let outcome = try attempt("waitid", on: rawValue, try program.finish())
        if outcome.ending == .exited(0) { return }
        let words = outcome.said.split(separator: UInt8(ascii: "\n")).first.map(Array.init) ?? []
        throw Failure(
            "\(rawValue) cannot decompress it"
                + (words.isEmpty ? "" : ": \(shown(words))"))
    }
}

internal import Archives
internal import JSON
internal import Layers
internal import LinuxSystem
internal import SystemPackage

extension Option {
    static let output = Option(
        "output", short: "o", value: "PLACE", completes: .files,
        "FILE.tar, FILE.tar.gz, FILE.tar.zst, a directory that ends in /, or - for standard output")
    static let archive = Option(
        "output", short: "o", value: "PLACE", completes: .files,
        "FILE.tar, FILE.tar.gz, FILE.tar.zst, or - for standard output")
    static let compression = Option(
        "compression", value: "NAME", completes: .words(["none", "gzip", "zstd"]),
        "none, gzip or zstd, regardless of the file's name")
}

/// The output of `commit` and `export`.
struct ArchivePlace {
    enum Target {
        case directory(String)
        case file(String)
        case standardOutput
    }

    let target: Target
    let compression: Compression
    let latest: FileTime?
    private let synchronizes: Bool

    init(_ arguments: ParsedArguments, allowsDirectory: Bool) throws(Failure) {
        guard let path = arguments.value(.output) else {
            throw Failure("--output is missing; name a file, or - for standard output")
        }
        let suffixes: [(String, Compression)] = [
            (".tar", .none), (".tar.gz", .gzip), (".tgz", .gzip), (".tar.zst", .zstd),
        ]
        let known = suffixes.first { path.hasSuffix($0.0) }?.1
        let named = try ArchivePlace.compression(arguments)
        compression = named ?? known ?? .none
        latest = try SourceDate.latest(arguments.value(.latestTime))
        synchronizes = !arguments.has(.noSync)
        if path == "-" {
            target = .standardOutput
        } else if allowsDirectory && path.hasSuffix("/") {
            target = .directory(path)
        } else if named == nil && known == nil {
            throw Failure(
                "\"\(path)\" has an unknown suffix; use .tar, .tar.gz or .tar.zst"
                    + (allowsDirectory ? ", or / for a directory" : ""))
        } else {
            target = .file(path)
        }
    }

    func output(_ path: String) throws(Failure) -> OutputPlace {
        try OutputPlace(path, synchronizing: synchronizes)
    }

    private static func compression(
        _ arguments: ParsedArguments
    ) throws(Failure) -> Compression? {
        guard let word = arguments.value(.compression) else { return nil }
        guard let compression = Compression(rawValue: word) else {
            throw Failure("--compression: unknown \"\(word)\"; use none, gzip or zstd")
        }
        return compression
    }

    func write(
        _ archive: LayerArchive, _ arguments: ParsedArguments
    ) throws(Failure) -> CInt {
        let progress = Progress(arguments)
        defer { progress.finish() }
        let written: LayerArchive.Written
        switch target {
        case .file(let path):
            written = try output(path).makeFile { (file) throws(Failure) in
                try archive.write(to: file, compression, latest: latest, progress: progress.add)
            }
        case .standardOutput, .directory:
            if FileDescriptor.standardOutput.isTerminal {
                throw Failure(
                    "standard output is a terminal; write the archive to a file or a pipe")
            }
            written = try archive.write(
                to: .standardOutput, compression, latest: latest, progress: progress.add)
        }
        progress.finish()
        for warning in written.warnings.prefix(20) { arguments.globals.log.warning(warning) }
        if !arguments.has(.quiet) { try report(written, asJSON: arguments.has(.json)) }
        return 0
    }

    /// Prints the digests: on standard error where standard output is the archive.
    private func report(
        _ written: LayerArchive.Written, asJSON: Bool
    ) throws(Failure) {
        let text: String
        if asJSON {
            let json: JSONOutput = [
                "digest": .string("\(written.digest)"), "diffID": .string("\(written.diffID)"),
                "size": .unsigned(written.size),
            ]
            text = json.compactText + "\n"
        } else {
            text = "digest   \(written.digest)\ndiff-id  \(written.diffID)\n"
        }
        var output = FileDescriptor.standardOutput
        if case .standardOutput = target { output = .standardError }
        try attempt("write", "standard output", try output.write(all: Array(text.utf8)))
    }
}

internal import ContainerRuntime
internal import LinuxSystem

/// Files in the place of standard streams.
extension Option {
    static let standardInput = Option(
        "stdin", value: "FILE", completes: .files, "the program reads FILE as standard input")
    static let standardOutput = Option(
        "stdout", value: "FILE", completes: .files,
        "write the program's standard output to FILE, which is made or emptied")
    static let standardError = Option(
        "stderr", value: "FILE", completes: .files,
        "write the program's standard error to FILE; it may be the same as that of --stdout")

    static let streams = [standardInput, standardOutput, standardError]
}

extension ParsedArguments {
    /// The files of `Option.streams`.
    func streamFiles() throws(Failure) -> [StreamFile] {
        var files: [StreamFile] = []
        let pairs: [(StandardStream, Option)] = [
            (.input, .standardInput), (.output, .standardOutput), (.error, .standardError),
        ]
        for (stream, option) in pairs {
            if let path = try path(option) { files.append(StreamFile(stream, path: path)) }
        }
        return files
    }
}

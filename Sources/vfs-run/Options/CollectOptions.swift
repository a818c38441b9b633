internal import ContainerRuntime
internal import Layers
internal import LinuxSystem
internal import Supervision

/// Files that are copied out of a container at its end.
extension Option {
    static let collect = Option(
        "collect", value: "PATTERN",
        "at the end, copy files that the program has written and that match PATTERN, as 'out/*' or"
            + " '**/*.log', to the directory of --output-directory; may be repeated")
    static let outputDirectory = Option(
        "output-directory", value: "DIR", completes: .directories,
        "where --collect puts files; it is made where it is missing")
    static let collectLimit = Option(
        "collect-limit", value: "BYTES[,FILES]",
        "collect no more than this: 64m, 1g,500; default: 1g,10000")

    static let collection = [collect, outputDirectory, collectLimit]
}

/// The files that a command line collects.
struct Collection {
    private let patterns: [CollectPattern]
    private let directory: String
    private let limits: Collector.Limits

    /// As many as a command line is not written by hand.
    private static let mostPatterns = 256

    /// Nil where it collects none.
    init?(_ arguments: ParsedArguments) throws(Failure) {
        let texts = arguments.values(.collect)
        guard !texts.isEmpty else {
            for option in [Option.outputDirectory, .collectLimit] where arguments.has(option) {
                throw Failure("--\(option.long) needs --collect, which names the files")
            }
            return nil
        }
        if texts.count > Collection.mostPatterns {
            throw Failure("--collect: more than \(Collection.mostPatterns) patterns")
        }
        var patterns: [CollectPattern] = []
        for text in texts {
            do {
                patterns.append(try CollectPattern(text))
            } catch {
                throw Failure("--collect: \(text.inQuotes) \(error.words)")
            }
        }
        guard let directory = try arguments.path(.outputDirectory) else {
            throw Failure("--collect needs --output-directory, which says where the files go")
        }
        // Before the program runs: its files would be lost.
        if let there = try? FileStatus.of(path: directory), there.kind != .directory,
            there.kind != .symbolicLink
        {
            throw Failure("--output-directory: \(directory.inQuotes) is not a directory")
        }
        self.patterns = patterns
        self.directory = directory
        limits = try Collection.limits(arguments.value(.collectLimit))
    }

    private static func limits(_ text: String?) throws(Failure) -> Collector.Limits {
        var limits = Collector.Limits()
        guard let text else { return limits }
        let parts = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let bytes = Quantity.bytes(String(first)) else {
            throw refusal(text)
        }
        limits.bytes = Int64(bytes)
        if parts.count > 1 {
            guard let files = Int(parts[1]), files > 0 else { throw refusal(text) }
            limits.files = files
        }
        return limits
    }

    private static func refusal(_ text: String) -> Failure {
        Failure("--collect-limit: \(text.inQuotes) is not of the form 64m or 1g,500")
    }

    /// Copies the files.
    ///
    /// - Parameter workingDirectory: The container's.
    func take(
        _ outcome: Outcome, from workingDirectory: String, warn: (String) -> Void
    ) throws(Failure) {
        do throws(Failure) {
            let collector = try Collector(
                patterns, from: workingDirectory, to: directory, limits)
            let (user, group) = (Credentials.effectiveUser, Credentials.effectiveGroup)
            for upper in outcome.uppers {
                let stack = try LayerStack(
                    uppers: [upper.directory], over: upper.over.layers, marks: upper.over.marks)
                // Files that only the container may read are read with its root user.
                if let owners = upper.over.owners, try MappedOwners.become(owners),
                    let user = owners.users.inside(of: user),
                    let group = owners.groups.inside(of: group)
                {
                    collector.owner = (user, group)
                }
                try collector.add(stack, at: upper.path)
            }
            for pattern in collector.unused {
                warn(
                    "--collect: the program has written no file that matches \(pattern.text.inQuotes)"
                )
            }
        } catch {
            throw error.within("--collect")
        }
    }
}

internal import ContainerRuntime
internal import JSON
internal import Layers
internal import LinuxSystem
internal import Supervision
internal import SystemPackage

/// Files that a job has written, in memory.
struct Collected {
    var files = JSONOutput.object([])
    /// Why some are missing.
    var error: String?

    private static let limits = Collector.Limits(
        files: 256, bytes: 16 << 20, advice: "name fewer files, or have several jobs collect them")
    /// Nanoseconds.
    private static let patience: UInt64 = 60_000_000_000

    /// - Parameter directory: The container's working directory.
    init(
        _ texts: [String], _ outcome: Outcome, from directory: String
    ) throws(Failure) {
        var patterns: [CollectPattern] = []
        for text in texts {
            do {
                patterns.append(try CollectPattern(text))
            } catch {
                throw Failure("collect: \(text.inQuotes) \(error.words)")
            }
        }
        // In a copy of this process: files of an ordinary user's container are read as its root.
        let answer = try attempt(
            "fork", "of the process that collects",
            try ForkedProcess.run(within: Collected.patience) {
                Collected.read(patterns, outcome, from: directory)
            })
        guard case .finished(let bytes) = answer else {
            throw Failure("the files could not be collected within 60 s")
        }
        do {
            let found = try JSONDocument(bytes).root
            files = found["files"].map(JSONOutput.init) ?? .object([])
            error = found["error"]?.string
        } catch {
            throw Failure("the process that collects files ended too soon")
        }
    }

    private static func read(
        _ patterns: [CollectPattern], _ outcome: Outcome, from directory: String
    ) -> [UInt8] {
        let files = Files()
        var error: String?
        do throws(Failure) {
            let collector = Collector(patterns, from: directory, to: files, limits)
            for upper in outcome.uppers {
                let stack = try LayerStack(
                    uppers: [upper.directory], over: upper.over.layers, marks: upper.over.marks)
                if let owners = upper.over.owners { _ = try MappedOwners.become(owners) }
                try collector.add(stack, at: upper.path)
            }
        } catch let failure {
            error = "collect: \(failure.message)"
        }
        let json = JSONOutput.object([
            ("files", .object(files.found)), ("error", error.map(JSONOutput.string) ?? .null),
        ])
        return Array(json.compactText.utf8)
    }

    private final class Files: CollectedFiles {
        var found: [(key: String, value: JSONOutput)] = []

        func write(
            _ source: FileDescriptor, size: Int64, mode: UInt32, to names: [[UInt8]]
        ) throws(Failure) {
            let bytes = try attempt(
                "read", "of a collected file",
                try source.readAll(limit: Int(Collected.limits.bytes)))
            // A name that is not UTF-8 is told with marks in the place of what cannot be shown.
            let name = names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
            if found.contains(where: { $0.key == name }) {
                throw Failure("two files read \(name.inQuotes); give them names in UTF-8")
            }
            found.append((name, .content(bytes, mode: mode)))
        }
    }
}

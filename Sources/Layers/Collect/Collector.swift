public import LinuxSystem
public import SystemPackage

/// Where files go that are collected.
public protocol CollectedFiles {
    /// - Parameter names: The way to the file, below the container's working directory or its root.
    func write(
        _ source: FileDescriptor, size: Int64, mode: UInt32, to names: [[UInt8]]
    ) throws(Failure)
}

/// Copies files that a run has written out of its uppers into a directory of the caller's.
///
/// Only what an upper holds is copied, and of that regular files with their data: never a file that
/// is in the layers below alone. The container has ended. No link is followed, in the upper or in
/// the output directory.
public final class Collector {
    /// What is collected at most.
    public struct Limits: Sendable, Hashable {
        public var files: Int
        public var bytes: Int64
        /// What to do where there are more.
        public var advice: String

        public init(
            files: Int = 10_000, bytes: Int64 = 1 << 30,
            advice: String = "raise --collect-limit, or name fewer files"
        ) {
            self.files = files
            self.bytes = bytes
            self.advice = advice
        }
    }

    private let patterns: [CollectPattern]
    private let limits: Limits
    /// The names of the container's working directory.
    private let directory: [[UInt8]]
    private let output: any CollectedFiles
    private let tree: OutputTree?
    /// Whom what is made is given to, where this process makes files for another user.
    public var owner: (user: UInt32, group: UInt32)? {
        get { tree?.owner }
        set { tree?.owner = newValue }
    }
    private var used: Set<Int> = []
    public private(set) var files = 0
    public private(set) var bytes: Int64 = 0

    /// - Parameters:
    ///   - directory: The container's working directory, which relative patterns count from.
    ///   - output: Made where it is missing.
    public init(
        _ patterns: [CollectPattern], from directory: String, to output: String, _ limits: Limits
    ) throws(Failure) {
        self.patterns = patterns
        self.limits = limits
        self.directory = Collector.names(directory)
        let tree = try OutputTree(output)
        self.tree = tree
        self.output = tree
    }

    /// - Parameter output: Takes each file.
    public init(
        _ patterns: [CollectPattern], from directory: String, to output: any CollectedFiles,
        _ limits: Limits
    ) {
        self.patterns = patterns
        self.limits = limits
        self.directory = Collector.names(directory)
        self.output = output
        tree = nil
    }

    /// Those that no file has matched.
    public var unused: [CollectPattern] {
        patterns.indices.filter { !used.contains($0) }.map { patterns[$0] }
    }

    /// Whether the tree in the output begins at the container's root.
    private var beginsAtRoot: Bool { patterns.contains { $0.isAbsolute } }

    /// Copies out of one upper.
    ///
    /// - Parameters:
    ///   - stack: The upper, and the layers that it was written over.
    ///   - place: Where the container has the upper's tree.
    public func add(_ stack: LayerStack, at place: String) throws(Failure) {
        let place = Collector.names(place)
        var walk = TreeWalk(stack, .changes)
        while let node = try walk.next() {
            try attempt("poll", on: node.path, try Interruption.check())
            guard let found = node.found, found.status.kind == .regular, !found.isMetacopy
            else { continue }
            let path = place + node.path.bytes.split(separator: 0x2f).map { Array($0) }
            guard matches(path) else { continue }
            try copy(
                found, node.path, to: beginsAtRoot ? path : Array(path.dropFirst(directory.count)))
        }
    }

    private func matches(_ path: [[UInt8]]) -> Bool {
        var any = false
        let isInside = path.starts(with: directory)
        for (index, pattern) in patterns.enumerated() {
            if pattern.isAbsolute {
                if !pattern.matches(path) { continue }
            } else if !isInside || !pattern.matches(Array(path.dropFirst(directory.count))) {
                continue
            }
            used.insert(index)
            any = true
        }
        return any
    }

    private func copy(
        _ found: LayerStack.Found, _ path: LayerPath, to target: [[UInt8]]
    ) throws(Failure) {
        let source = try attempt("open", on: path, try found.openData())
        let status = try attempt("fstat", on: path, try FileStatus.of(source.borrowed))
        files += 1
        let (sum, overflow) = bytes.addingReportingOverflow(status.size)
        bytes = sum
        if files > limits.files || overflow || bytes > limits.bytes {
            throw Failure(
                "more than \(limits.files) files or \(limits.bytes) bytes match; \(files - 1) files"
                    + " were collected, \(path.quoted) and what follows were not:"
                    + " \(limits.advice)")
        }
        try output.write(
            source.borrowed, size: status.size,
            // Whatever the program has made of them the caller can read and remove them.
            mode: status.permissions & 0o777 | 0o600, to: target)
    }

    /// The names of an absolute path.
    private static func names(_ path: String) -> [[UInt8]] {
        path.utf8.split(separator: 0x2f).map { Array($0) }.filter { $0 != [0x2e] }
    }
}

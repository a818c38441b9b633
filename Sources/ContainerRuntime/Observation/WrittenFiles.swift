public import JSON
public import Layers
public import LinuxSystem

/// What a run has written, for the page of `--trace`. The container decides how many files there are and
/// how they are named.
public struct WrittenFiles {
    private var rows: [(letter: String, text: String, growth: Int64)] = []
    private var count = 0
    private var growth: Int64 = 0
    private var isCut = false

    /// The most that are listed, and the most that are counted.
    private static let mostRows = 1000
    private static let mostChanges = 100_000

    private let mountPoints: Set<String>

    /// - Parameter mountPoints: The start has made those that are new.
    public init(besides mountPoints: Set<String>) { self.mountPoints = mountPoints }

    /// - Parameter prefix: Where the container has the tree; empty for the root.
    public mutating func add(
        _ comparison: consuming Comparison, below prefix: String
    ) throws(Failure) {
        while var change = try comparison.next() {
            let isOfStart =
                change.kind == .added && prefix.isEmpty && mountPoints.contains(change.path.text)
            if change.kind == .unchanged || isOfStart { continue }
            if count >= WrittenFiles.mostChanges {
                isCut = true
                return
            }
            count += 1
            growth.add(upToLimit: change.growth)
            if rows.count >= WrittenFiles.mostRows { continue }
            change.path = change.path.below(prefix)
            change.origin = change.origin?.below(prefix)
            change.link = change.link?.below(prefix)
            let words = String(change.line.dropFirst(2))
            rows.append(
                (change.kind.letter, words.printable(upTo: .longestMessage), change.growth))
        }
    }

    public var json: JSONOutput {
        .object([
            (
                "rows",
                .array(
                    rows.map {
                        .array([.string($0.letter), .string($0.text), .integer($0.growth)])
                    })
            ),
            ("count", .integer(Int64(count))), ("growth", .integer(growth)),
            ("isCut", .bool(isCut)),
        ])
    }
}

extension Trace {
    /// Takes what the run has written.
    public func take(written: JSONOutput) { self.written = written }
}

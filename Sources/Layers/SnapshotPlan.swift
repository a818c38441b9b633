public import LinuxSystem

/// The snapshots of an upper, as a run uses and takes them.
public struct SnapshotPlan: Sendable, Hashable {
    /// The kernel stacks 500 layers; some are left for `--layer`.
    public static let mostLayers = 480

    /// Those that are there, oldest first.
    public private(set) var known: [Snapshot] = []
    /// The snapshot that the upper becomes.
    public private(set) var taken: Snapshot?
    /// Whether the two oldest become one.
    public private(set) var merges = false

    public init() {}

    /// - Parameters:
    ///   - name: Of the one to be taken; nil for none.
    ///   - count: How many layers there are below them.
    public init(_ path: String, taking name: String?, over count: Int) throws(Failure) {
        known = try KeptUpper.snapshots(in: path)
        guard let name else { return }
        try Snapshot.check(name: name)
        if known.contains(where: { $0.name == name }) {
            throw Failure("\"\(path)\" has a snapshot \"\(name)\" already; take another name")
        }
        taken = Snapshot(number: (known.last?.number ?? 0) + 1, name: name)
        merges = known.count >= 2 && count + known.count + 1 > SnapshotPlan.mostLayers
    }

    public var isEmpty: Bool { known.isEmpty && taken == nil }

    /// Those that a run lies on, oldest first.
    public var stacked: [Snapshot] {
        (merges ? Array(known.dropFirst()) : known) + (taken.map { [$0] } ?? [])
    }

    /// Their directories, bottom first.
    public func layers(in path: String) -> [String] {
        stacked.map { KeptUpper.path(of: $0, in: path) }
    }

    /// How many of these are there already and stay as they are.
    public var lockedCount: Int { known.count - (merges ? 2 : 0) }
}

extension KeptUpper {
    /// Carries the plan out on an upper that is locked.
    ///
    /// - Parameters:
    ///   - record: What lies below the snapshots.
    ///   - lend: Does what takes reading and writing all that is in them.
    /// - Returns: What the run writes to, locked.
    public func carryOut(
        _ plan: SnapshotPlan, over record: Record,
        lend: (() throws(Failure) -> Void) throws(Failure) -> Void
    ) throws(Failure) -> KeptUpper {
        if plan.isEmpty { return self }
        if try KeptUpper.snapshots(in: directory.borrowed, path) != plan.known {
            throw Failure("the snapshots of \"\(path)\" have changed meanwhile; start it again")
        }
        guard let taken = plan.taken else { return self }
        if plan.merges {
            try lend { () throws(Failure) in
                try merge(
                    plan.known[0], into: plan.known[1], over: record.layers, marks: record.marks)
            }
            try share(plan.known[1])
        }
        return try freeze(as: taken)
    }
}

extension ProcessView {
    /// The most mounts that are told one by one.
    private static let mostTold = 24
    /// Of an old root with all that is mounted there, no one wants every line.
    private static let mostGone = 4

    /// What has changed since an earlier view of the process, or of the one that it is a copy of.
    func changes(since before: ProcessView) -> [PlanChanges.Change] {
        var changes: [PlanChanges.Change] = []
        let old = Dictionary(before.facts.map { ($0.what, $0.value) }, uniquingKeysWith: { $1 })
        for (what, value) in facts {
            guard let known = old[what] else { continue }
            if known != value { changes.append(.init(what: what, before: known, after: value)) }
        }
        let names = Set(facts.map(\.what))
        for (what, value) in before.facts where !names.contains(what) {
            changes.append(.init(what: what, before: value, after: "hidden from this process"))
        }
        return changes + mountChanges(since: before)
    }

    private func mountChanges(since before: ProcessView) -> [PlanChanges.Change] {
        guard let mounts, let old = before.mounts else { return [] }
        if mountNamespace != before.mountNamespace {
            return [
                .init(
                    what: "mounts", before: "the \(old.count) of the old mount namespace",
                    after: "\(mounts.count), copies of them")
            ]
        }
        var told: [(place: String, change: PlanChanges.Change)] = []
        for (id, mount) in mounts where old[id] != mount {
            var known = "no mount"
            if let other = old[id] {
                known = other.point == mount.point ? other.words : "at \(other.point)"
                if other.point != mount.point && other.words != mount.words {
                    known += ", \(other.words)"
                }
            }
            told.append(
                (
                    mount.point,
                    .init(what: "mount on \(mount.point)", before: known, after: mount.words)
                ))
        }
        let gone = old.filter { mounts[$0.key] == nil }.values.sorted { $0.point < $1.point }
        if gone.count <= ProcessView.mostGone {
            told += gone.map {
                (
                    $0.point,
                    .init(what: "mount on \($0.point)", before: $0.words, after: "no mount")
                )
            }
        }
        told.sort { ($0.place, $0.change.before) < ($1.place, $1.change.before) }
        var changes = told.prefix(ProcessView.mostTold).map(\.change)
        if told.count > ProcessView.mostTold {
            changes.append(
                .init(
                    what: "further mounts", before: "",
                    after: "\(told.count - ProcessView.mostTold) more"))
        }
        if gone.count > ProcessView.mostGone {
            let points = gone.prefix(ProcessView.mostGone).map(\.point).joined(separator: ", ")
            changes.append(
                .init(
                    what: "\(gone.count) mounts", before: "\(points) …",
                    after: "not reachable any more"))
        }
        return changes
    }
}

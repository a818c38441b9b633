import Testing

/// What the probe has found in a container.
struct Facts {
    let value: Value

    init(_ outcome: Outcome, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try #require(
            outcome.code == 0, "the probe did not run: \(outcome)", sourceLocation: sourceLocation)
        value = try Value(parsing: outcome.output)
    }

    subscript(key: String) -> Value { value[key] }

    var mounts: [MountEntry] { MountEntry.parse(value["mountinfo"].string ?? "") }

    /// The topmost mount on a path.
    func mount(on point: String) -> MountEntry? { mounts.last { $0.point == point } }

    /// What came of one attempt: "ok", the errno's name, or that it was not tried.
    func result(_ attempt: String) -> String {
        let found = tried(attempt)
        return found["ok"] == true ? "ok" : found["errno"].string ?? "not tried"
    }

    /// What one attempt has found.
    func found(_ attempt: String) -> Value { tried(attempt)["value"] }

    /// `create:/x=1` is found as `create:/x` too.
    private func tried(_ attempt: String) -> Value {
        let all = value["tried"].object ?? [:]
        return all[attempt] ?? all.first { $0.key.hasPrefix(attempt + "=") }?.value ?? .null
    }

    /// The names of a set of capabilities.
    func capabilities(_ set: String) -> Set<Int> {
        let bits = value["capabilities"][set].integer ?? -1
        return Set((0..<63).filter { bits >> $0 & 1 == 1 })
    }
}

/// Numbers of <linux/capability.h>.
enum Capability {
    static let chown = 0
    static let kill = 5
    static let setpcap = 8
    static let bindService = 10
    static let rawSockets = 13
    static let admin = 21
    static let makeNodes = 27
    static let auditWrite = 29
}

internal import LinuxSystem

/// What isolates a process, or would isolate that of a config.json: facts, and the ways out that
/// they leave open.
public struct Explanation: Sendable {
    /// `process 812 (sh)`, `container web, process 812 (sh)`, `config.json`.
    public var title: String
    /// Of a config.json, whose process does not exist.
    public var isPlanned = false
    public var namespaces: [NamespaceFact] = []
    public var identity = IdentityFacts()
    public var capabilities = CapabilityFacts()
    public var seccomp = SeccompFacts()
    public var mounts = MountFacts()
    public var limits: [LimitFact] = []
    public var security = SecurityFacts()
    public var descriptors: [DescriptorFact] = []
    /// What a user namespace would change; nil where it is not asked, or there is one.
    public var change: UserNamespaceChange?
    /// What could not be found out, and why.
    public var unknown: [String] = []
    /// Where the config says so; nil where no config is at hand.
    public var places: ConfigPlaces?

    public init(title: String) {
        self.title = title
    }

    /// Whether it has a namespace of this kind that process 1 has not; nil where it is not known.
    func isOwn(_ kind: String) -> Bool? {
        namespaces.first { $0.kind == kind }.flatMap(\.isOwn)
    }

    /// Whether a namespace is known to be that of the host.
    func shares(_ kind: String) -> Bool { isOwn(kind) == false }

    /// Whether this user may not look at it: of that nothing follows.
    public var isClosed: Bool { !isPlanned && namespaces.isEmpty }

    /// A process that nothing sets apart: of verdicts on it there is no end.
    public var isOrdinary: Bool {
        !isPlanned && shares("mount") && shares("pid") && shares("user") && shares("network")
            && seccomp.mode != .filter
    }
}

/// The change that a user namespace would make to a config.
public struct UserNamespaceChange: Sendable {
    /// Sentences that hold for every config.
    public var rules: [String]
    /// What would be taken in addition, and what not any more, by the plan.
    public var added: [String]
    public var removed: [String]
    /// Why the config would be refused then; empty where it would not.
    public var refusals: [String]

    public init(rules: [String], added: [String], removed: [String], refusals: [String]) {
        (self.rules, self.added, self.removed) = (rules, added, removed)
        self.refusals = refusals
    }
}

internal import LinuxSystem
internal import SystemPackage

/// One thing that is tried: a row of a table of probes.
struct Probe: Sendable {
    /// Within its group, for programs; never changes.
    var key: String
    /// The operation.
    var title: String
    /// The use that containers make of it.
    var purpose: String
    var need: Need = .some
    /// The version of Linux that brought it: what mends it where the kernel does not know the call.
    var since: String?
    /// The remedy, where the probe knows none.
    var remedy: String?
    /// Tries it, in a process of its own.
    var look: @Sendable (Subject) throws(Failure) -> Finding

    /// Who cannot run a container without it.
    enum Need: Sendable {
        case everyone
        /// Ordinary users, who need a user namespace.
        case users
        /// Some containers, or some of what a container may be given.
        case some
    }

    init(
        _ key: String, _ title: String, for purpose: String, _ need: Need = .some,
        since: String? = nil, mend remedy: String? = nil,
        look: @escaping @Sendable (Subject) throws(Failure) -> Finding
    ) {
        self.key = key
        self.title = title
        self.purpose = purpose
        self.need = need
        self.since = since
        self.remedy = remedy
        self.look = look
    }

    func isNeeded(by subject: Subject) -> Bool {
        switch need {
        case .everyone: true
        case .users: !subject.isPrivileged
        case .some: false
        }
    }

    /// Its finding; a failure becomes one.
    func find(_ subject: Subject) -> Finding {
        do {
            var finding = try look(subject)
            if finding.verdict == .lacks && finding.remedy == nil { finding.remedy = remedy }
            return finding
        } catch {
            if error.kind == .missing { return .untried(error.message) }
            let isOld = [.noFunction, .operationNotSupportedByDevice].contains(error.errno)
            let newer = since.flatMap { isOld ? "boot Linux \($0) or later" : nil }
            return .lacks(
                error.message, newer ?? remedy ?? error.errno.flatMap(subject.remedy))
        }
    }
}

/// Probes that belong together.
struct ProbeGroup: Sendable {
    var key: String
    var title: String
    var probes: [Probe]
}

extension Failure {
    /// A prerequisite of the probe is missing: it ends without a verdict.
    static func untried(_ reason: String) -> Failure { Failure(reason, .missing) }
}

internal import LinuxSystem
internal import SystemPackage

/// One thing that is tried: a row of a table of probes.
struct Probe: Sendable {
    /// Within its group, for programs; never changes.
    var key: String
    /// What is tried.
    var title: String
    /// What it is needed for.
    var purpose: String
    var need: Need = .some
    /// The version of Linux that brought it: what mends it where the kernel does not know the call.
    var since: String?
    /// What mends it, where nothing better is known.
    var remedy: String?
    /// Tries it, in a process of its own.
    var look: @Sendable (Subject) throws(ProbeFailure) -> Finding

    /// Who cannot run a container without it.
    enum Need: Sendable {
        case everyone
        /// Whoever is not root, and so needs a user namespace.
        case users
        /// Some containers, or some of what a container may be given.
        case some
    }

    init(
        _ key: String, _ title: String, for purpose: String, _ need: Need = .some,
        since: String? = nil, mend remedy: String? = nil,
        look: @escaping @Sendable (Subject) throws(ProbeFailure) -> Finding
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

    /// What it finds, put into words where it ends with an error.
    func find(_ subject: Subject) -> Finding {
        do {
            var finding = try look(subject)
            if finding.verdict == .lacks && finding.remedy == nil { finding.remedy = remedy }
            return finding
        } catch {
            if let finding = error.finding { return finding }
            let isOld = [.noFunction, .operationNotSupportedByDevice].contains(error.errno)
            let newer = since.flatMap { isOld ? "boot Linux \($0) or later" : nil }
            return .lacks(error.said, newer ?? remedy ?? subject.mends(error.errno))
        }
    }
}

/// Probes that belong together.
struct ProbeGroup: Sendable {
    var key: String
    var title: String
    var probes: [Probe]
}

/// What ends a probe: a call that failed, or something that is known about it by then.
struct ProbeFailure: Error {
    var errno: Errno
    var said: String
    var finding: Finding?

    init(_ error: Failure) {
        errno = error.errno ?? .invalidArgument
        said = error.description
    }

    init(_ finding: Finding) {
        errno = .invalidArgument
        said = finding.said
        self.finding = finding
    }
}

/// Makes a call of a probe's; what fails is named.
func trying<Value: ~Copyable>(
    _ call: @autoclosure () -> String, _ subject: @autoclosure () -> String = "",
    _ body: () throws(Errno) -> Value
) throws(ProbeFailure) -> Value {
    do throws(Errno) {
        return try body()
    } catch {
        throw ProbeFailure(Failure(call(), subject(), error))
    }
}

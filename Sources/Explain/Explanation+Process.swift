public import LinuxSystem
internal import Seccomp
internal import SystemPackage

extension Explanation {
    /// Looks at a process of the machine. What the caller may not see is left out and said.
    ///
    /// - Parameters:
    ///   - places: Where its config says what, if that is known.
    ///   - filter: Of its config, and where it stands.
    ///   - attaches: Whether a process whose filter is not known is stopped for a moment to read it.
    /// - Throws: There is no such process, or it ends meanwhile.
    public static func process(
        _ pid: Int32, title: String?, places: ConfigPlaces? = nil,
        filter: (filter: SeccompFilter, source: String)? = nil, attaches: Bool = true
    ) throws(Failure) -> Explanation {
        let process = try opened(pid)
        let status = ProcessStatus(
            try attempt("read", on: "/proc/\(pid)/status", try process.read("status")))
        let name = "process \(pid) (\(process.name))"
        var found = Explanation(title: title.map { "\($0), \(name)" } ?? name)
        found.places = places
        found.namespaces = NamespaceFact.all(of: process, &found.unknown)
        found.identity = IdentityFacts(of: process, status)
        found.capabilities = CapabilityFacts(status)
        found.capabilities.compareWithHost()
        found.security = SecurityFacts(of: process, status, found.identity)
        found.mounts = MountFacts(
            of: process, isOwn: found.isOwn("mount"), places, &found.unknown)
        let files = DescriptorFact.outside(of: process, found.mounts, &found.unknown)
        // A process in the mount namespace of the caller has no outside.
        found.descriptors = found.isOwn("mount") == false ? [] : files.facts
        found.limits = LimitFact.all(of: process, files: files.count, &found.unknown)
        found.seccomp = SeccompFacts(status)
        found.readFilters(of: pid, filter, attaches)
        found.takePlaces()
        if (try? process.read("status", upTo: 64)) == nil {
            throw Failure("process \(pid) has ended meanwhile", .missing)
        }
        return found
    }

    private static func opened(_ pid: Int32) throws(Failure) -> ProcessDirectory {
        do throws(Errno) {
            return try ProcessDirectory(of: pid)
        } catch .noSuchFileOrDirectory {
            throw Failure("process \(pid) does not exist", .missing)
        } catch {
            throw Failure("/proc/\(pid): \(error.words)")
        }
    }

    private mutating func readFilters(
        of pid: Int32, _ known: (filter: SeccompFilter, source: String)?, _ attaches: Bool
    ) {
        guard seccomp.mode == .filter else { return }
        // Where there are more than the config's, the program has added some.
        if let known, seccomp.count ?? 1 == 1, let stack = FilterStack([known.filter]) {
            seccomp.take(stack, known.source)
        } else if attaches {
            seccomp.read(from: pid)
        } else {
            seccomp.reason = "not read, as --no-attach asks"
        }
        if seccomp.filters == nil, let known, let stack = FilterStack([known.filter]) {
            seccomp.take(stack, "\(known.source); the program has added filters of its own")
        }
    }

    private mutating func takePlaces() {
        guard let places else { return }
        for index in namespaces.indices {
            namespaces[index].place =
                places.namespace(namespaces[index].kind)
                ?? (namespaces[index].isOwn == false ? places.place("linux", "namespaces") : nil)
        }
        capabilities.place = places.place("process", "capabilities")
        identity.place = places.place("process", "user")
        security.place = places.place("process", "noNewPrivileges")
    }
}

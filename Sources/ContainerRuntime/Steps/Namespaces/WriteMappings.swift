internal import LinuxSystem
internal import SystemPackage

/// `linux.uidMappings`, `linux.gidMappings`
struct WriteMappings: TurnStep {
    static let manual = StepManual(
        "map users and groups",
        what: """
            Writes which ids of the host stand behind those of the user namespace. Without root \
            newuidmap and newgidmap do so.
            """,
        why: """
            Before the init process makes anything. Until its ids are mapped the init process has \
            the overflow ids, and waits.
            """,
        calls: "write, execve")

    let mappings: IDMappings
    let writer: Configuration.MappingWriter

    var summary: String {
        let how =
            switch writer {
            case .runtime, .itself: ""
            case .helpers(let users, _): " by \(users)"
            }
        return "map \(mappings.users.words("user")) and \(mappings.groups.words("group"))\(how)"
    }
    let undoing = "the mappings go with the user namespace"

    func shell(_ commands: inout ShellCommands) {
        commands.run("printf %s", .value(mappings.users.text), "> \"/proc/$pid/uid_map\"")
        commands.run("printf %s", .value(mappings.groups.text), "> \"/proc/$pid/gid_map\"")
    }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        try write(to: process.pid)
    }

    /// - Parameter process: Nil for this one.
    func write(to process: Int32?) throws(Failure) {
        if case .helpers(let users, let groups) = writer, let process {
            try MappingHelper(path: users, map: mappings.users).run(process)
            return try MappingHelper(path: groups, map: mappings.groups).run(process)
        }
        do throws(Failure) {
            try mappings.write(
                to: process.map(String.init) ?? "self", forbidsGroups: writer == .itself)
        } catch {
            throw error.advised(
                error.errno.flatMap {
                    writer == .itself ? NamespaceGate.adviceOnUse($0) : WriteMappings.advice($0)
                })
        }
    }

    static func advice(_ error: Errno) -> String? {
        switch error {
        case .notPermitted:
            "the runtime process may not map these ids: it needs CAP_SETUID and CAP_SETGID in its"
                + " user namespace, and ids that are mapped there"
        case .invalidArgument: "the kernel does not take these ranges"
        default: nil
        }
    }
}

extension IDMap {
    /// For people: `users 0–65535 to 100000–165535`.
    fileprivate func words(_ kind: String) -> String {
        let parts = ranges.map { range in
            range.count == 1
                ? "\(range.inside) to \(range.outside)"
                : "\(range.inside)-\(range.inside &+ (range.count - 1)) to"
                    + " \(range.outside)-\(range.outside &+ (range.count - 1))"
        }
        return "\(kind)s \(parts.joined(separator: ", "))"
    }
}

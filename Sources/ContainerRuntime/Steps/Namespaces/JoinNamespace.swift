internal import LinuxSystem
internal import SystemPackage

/// `linux.namespaces[].path`
struct JoinNamespace: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "join a namespace",
            what: "The init process joins a namespace that exists.",
            why: """
                Before the pivot, which takes away the host's paths. A mount namespace comes \
                after all steps that use the host's paths.
                """,
            calls: "openat, setns")
    }

    let namespace: Configuration.JoinedNamespace
    var summary: String { "join the \(namespace.name) namespace \(namespace.path)" }

    func apply(_ context: ContainerContext) throws(StepError) { try join() }

    func join() throws(StepError) {
        let path = namespace.path
        let file = try stepping("open", path.inQuotes) { () throws(Errno) in
            try HostPath.open(path, .readOnly)
        }
        let hosts =
            namespace.kind == .mount ? try refuseHost(file.borrowed) : []
        try stepping(
            "setns", path.inQuotes, advice: { JoinNamespace.advice($0, namespace.name) }
        ) { () throws(Errno) in
            try file.borrowed.joinNamespace(namespace.kind)
        }
        if hosts.isEmpty { return }
        let root = try stepping("statx", "\"/\"") { () throws(Errno) in
            let top = try HostPath.open("/", [.path, .directory])
            return try top.borrowed.mountID()
        }
        if hosts.contains(root) { throw JoinNamespace.isHosts }
    }

    private static let isHosts = StepError(
        "this is the host's mount namespace, in which the container would change the host's files"
            + " and mounts; name that of a container")

    /// As without a mount namespace at all.
    ///
    /// - Returns: The mounts of the host's first process, where it may not be looked into: then the
    ///   namespace is told by its root, once it is joined. No mount is in two namespaces.
    private func refuseHost(_ file: FileDescriptor) throws(StepError) -> Set<UInt64> {
        let wanted = try stepping("stat", namespace.path.inQuotes) { () throws(Errno) in
            try FileStatus.of(file)
        }
        for host in ["/proc/self/ns/mnt", "/proc/1/ns/mnt"] {
            let found: FileStatus
            do throws(Errno) {
                found = try FileStatus.of(path: host)
            } catch .permissionDenied {
                return try mountsOfFirstProcess()
            } catch {
                throw StepError(SystemCallError("stat", host.inQuotes, error))
            }
            if found.inode == wanted.inode && found.device == wanted.device {
                throw JoinNamespace.isHosts
            }
        }
        return []
    }

    private func mountsOfFirstProcess() throws(StepError) -> Set<UInt64> {
        let path = "/proc/1/mountinfo"
        let bytes = try stepping("read", path.inQuotes) { () throws(Errno) in
            try HostPath.read(path)
        }
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let numbers = lines.compactMap { line in
            UInt64(String(decoding: line.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self))
        }
        if numbers.isEmpty || numbers.count != lines.count {
            throw StepError("\(path.inQuotes) cannot be read as a list of mounts")
        }
        return Set(numbers)
    }

    static func advice(_ error: Errno, _ name: String) -> String? {
        switch error {
        case .invalidArgument where name == "user":
            "the file is not a user namespace, or it is the runtime's own"
        case .invalidArgument: "the file is not a \(name) namespace"
        case .notPermitted: "it belongs to a user namespace that this process has no rights in"
        default: nil
        }
    }
}

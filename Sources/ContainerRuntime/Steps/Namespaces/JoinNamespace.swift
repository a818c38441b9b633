internal import LinuxSystem
internal import SystemPackage

/// `linux.namespaces[].path`
struct JoinNamespace: ContainerStep {
    static let manual = StepManual(
        "join a namespace",
        what: "The init process joins a namespace that exists.",
        why: """
            Before the pivot, which takes away the host's paths. A mount namespace comes after \
            all steps that use the host's paths.
            """,
        calls: "openat, setns")

    let namespace: Configuration.JoinedNamespace
    var summary: String { "join the \(namespace.name) namespace \(namespace.path)" }

    func apply(_ context: ContainerContext) throws(Failure) { try join() }

    func join() throws(Failure) {
        let path = namespace.path
        let file = try attempt("open", on: path, try HostPath.open(path, .readOnly))
        let hosts =
            namespace.kind == .mount ? try refuseHost(file.borrowed) : []
        try attempt(
            "setns", on: path, advice: { JoinNamespace.advice($0, namespace.name) },
            try file.borrowed.joinNamespace(namespace.kind))
        if hosts.isEmpty { return }
        let top = try attempt("open", on: "/", try HostPath.open("/", [.path, .directory]))
        let root = try attempt("statx", on: "/", try top.borrowed.mountID())
        if hosts.contains(root) { throw JoinNamespace.isHosts }
    }

    private static let isHosts = Failure(
        "this is the host's mount namespace, in which the container would change the host's files"
            + " and mounts; name that of a container")

    /// As without a mount namespace at all.
    ///
    /// - Returns: The mounts of the host's first process, where it may not be looked into: then the
    ///   namespace is told by its root, once it is joined. No mount is in two namespaces.
    private func refuseHost(_ file: FileDescriptor) throws(Failure) -> Set<UInt64> {
        let wanted = try attempt("stat", on: namespace.path, try FileStatus.of(file))
        for host in ["/proc/self/ns/mnt", "/proc/1/ns/mnt"] {
            let found: FileStatus
            do throws(Errno) {
                found = try FileStatus.of(path: host)
            } catch .permissionDenied {
                return try mountsOfFirstProcess()
            } catch {
                throw Failure("stat", host.inQuotes, error)
            }
            if found.inode == wanted.inode && found.device == wanted.device {
                throw JoinNamespace.isHosts
            }
        }
        return []
    }

    private func mountsOfFirstProcess() throws(Failure) -> Set<UInt64> {
        let path = "/proc/1/mountinfo"
        let bytes = try attempt("read", on: path, try HostPath.read(path))
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let numbers = lines.compactMap { line in
            UInt64(String(decoding: line.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self))
        }
        if numbers.isEmpty || numbers.count != lines.count {
            throw Failure("\(path.inQuotes) cannot be read as a list of mounts")
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

public import JSON
public import LinuxSystem

/// `state` and `list`
extension StoredContainer {
    func known() throws(Failure) -> ContainerState {
        guard let state = try state() else {
            throw Failure(
                "container \"\(id.text)\" does not exist: its creation has not come so far")
        }
        try state.groups.requireGenuine(id)
        return state
    }

    /// Its state, as `state` and `list` print it.
    ///
    /// - Parameter withOwner: The owner's name instead of nothing, as `list` has it.
    public func report() throws(Failure) -> Report {
        let state = try known()
        let status = try status(state)
        return Report(state: state, status: status)
    }

    /// The pid of the process that is or becomes the program; nil where it has ended.
    public func programPID() throws(Failure) -> Int32? {
        let state = try known()
        return try status(state) == .stopped ? nil : state.programProcess?.pid
    }

    /// What is told of a container. Small: there may be many.
    public struct Report: Sendable {
        public let id: String
        public let bundle: String
        public let created: String
        public let ownerID: UInt32
        /// 0 where no process is left.
        public let pid: Int32
        public let status: ContainerStatus
        private let ociVersion: String
        private let rootfs: String
        private let annotations: [(key: String, value: String)]

        init(state: borrowing ContainerState, status: ContainerStatus) {
            id = state.id
            bundle = state.bundle
            created = state.created
            ownerID = state.owner
            pid = status == .stopped ? 0 : state.process?.pid ?? 0
            self.status = status
            ociVersion = state.ociVersion
            rootfs = state.rootfs
            annotations = state.annotations
        }

        /// - Parameter owner: Whose name it has.
        public func json(owner: String) -> JSONOutput {
            var members: [(key: String, value: JSONOutput)] = [
                ("ociVersion", .string(ociVersion)), ("id", .string(id)),
                ("pid", .integer(Int64(pid))), ("status", .string(status.rawValue)),
                ("bundle", .string(bundle)), ("rootfs", .string(rootfs)),
                ("created", .string(created)),
            ]
            if !annotations.isEmpty {
                members.append(
                    ("annotations", .object(annotations.map { ($0.key, .string($0.value)) })))
            }
            members.append(("owner", .string(owner)))
            return .object(members)
        }
    }
}

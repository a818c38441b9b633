internal import SystemPackage

extension ControlGroup {
    /// The anchor counts among the processes, and may leave no room for the container's first.
    func makeRoomForAnchor(_ resources: Resources) throws(ControlGroupError) {
        guard anchor != nil, let limit = resources.pids, limit >= 0 else { return }
        try setProcessLimit(resources, extra: 1)
    }

    /// The container's first process is in: from here on the cgroup is its own.
    public mutating func letAnchorGo(_ resources: Resources) throws(ControlGroupError) {
        guard let anchor else { return }
        anchor.end()
        self.anchor = nil
        if let limit = resources.pids, limit >= 0 { try setProcessLimit(resources, extra: 0) }
    }

    private func setProcessLimit(_ resources: Resources, extra: Int64) throws(ControlGroupError) {
        guard let limit = resources.pids, let (directory, _) = directory(of: "pids") else { return }
        try group("write", "\(directory)/pids.max") { () throws(Errno) in
            try GroupFile.write(directory, "pids.max", String(max(limit, 1) + extra))
        }
    }
}

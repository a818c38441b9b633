public import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// The anchor counts among the processes, and may leave no room for the container's first.
    func makeRoomForAnchor(_ resources: Resources) throws(ControlGroupError) {
        guard anchor != nil, let limit = resources.processLimit else { return }
        try setProcessLimit(limit + 1)
    }

    /// The container's first process is in: from here on the cgroup is its own.
    public mutating func letAnchorGo(_ resources: Resources) throws(ControlGroupError) {
        guard let anchor else { return }
        anchor.end()
        self.anchor = nil
        if let limit = resources.processLimit { try setProcessLimit(limit) }
    }

    private func setProcessLimit(_ limit: Int64) throws(ControlGroupError) {
        guard let (directory, _) = directory(of: "pids") else { return }
        try group("write", "\(directory)/pids.max") { () throws(Errno) in
            try GroupFile.write(directory, "pids.max", String(limit))
        }
    }
}

extension Resources {
    /// What stands in `pids.max` in the end, `unified` after `pids`; nil without a limit.
    var processLimit: Int64? {
        if let last = unified.last(where: { $0.file == "pids.max" }) {
            let text = last.value.split { $0 == "\n" || $0 == " " }.last ?? ""
            return Int64(text).flatMap { $0 < Int64.max ? $0 : nil }
        }
        return pids.flatMap { $0 < 0 || $0 == .max ? nil : max($0, 1) }
    }
}

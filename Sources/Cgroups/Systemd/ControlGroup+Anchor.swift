public import LinuxSystem
public import OCISpec
internal import SystemPackage

extension ControlGroup {
    /// The anchor counts among the processes, and may leave no room for the container's first.
    func makeRoomForAnchor(_ resources: Resources) throws(Failure) {
        guard anchor != nil, let limit = resources.processLimit else { return }
        try setProcessLimit(limit + 1)
    }

    /// The container's first process is in: from here on the cgroup is its own.
    public mutating func letAnchorGo(_ resources: Resources) throws(Failure) {
        guard let anchor else { return }
        anchor.end()
        self.anchor = nil
        if let limit = resources.processLimit { try setProcessLimit(limit) }
    }

    public func setProcessLimit(_ limit: Int64) throws(Failure) {
        guard let (directory, _) = directory(of: "pids") else { return }
        try attempt(
            "write", on: "\(directory)/pids.max",
            try GroupFile.write(directory, "pids.max", String(limit)))
    }
}

extension Resources {
    /// The final value of `pids.max`, `unified` after `pids`; nil without a limit.
    var processLimit: Int64? {
        if let last = unified.last(where: { $0.file.value == "pids.max" }) {
            let text = last.value.value.split { $0 == "\n" || $0 == " " }.last ?? ""
            return Int64(text).flatMap { $0 < Int64.max ? $0 : nil }
        }
        return pids.flatMap { $0.value < 0 || $0.value == .max ? nil : max($0.value, 1) }
    }
}

internal import LinuxSystem
internal import SystemPackage

/// What the config allows the container's first process, and what the images gave it.
struct RestoredRights {
    let bounding: CapabilitySet
    let permitted: CapabilitySet
    let forbidsNewPrivileges: Bool
    let hasFilter: Bool
    /// Nil for root, which may have become any other user.
    let userID: UInt32?
    let score: Int?
    let isRootReadOnly: Bool

    init(_ configuration: Configuration) {
        let process = configuration.process
        let sets = process.capabilities.value
        bounding = sets.bounding
        // Root gains by execve(2) what the bounding set allows.
        permitted = sets.bounding.union(sets.permitted).union(sets.inheritable)
        forbidsNewPrivileges = process.noNewPrivileges.value
        hasFilter = configuration.seccomp != nil
        let id = process.user.value.userID
        userID = id == 0 ? nil : id
        score = process.oomScoreAdjustment?.value
        isRootReadOnly = configuration.root.isReadOnly.value
    }

    /// - Returns: What the process may do that the config forbids; nil where that is nothing.
    func excess(of process: Int32) throws(Failure) -> String? {
        let place = "/proc/\(process)/status"
        let text = String(
            decoding: try attempt("read", on: place, try HostPath.read(place)), as: UTF8.self)
        func field(_ name: String) -> [String] {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            return (line?.split(whereSeparator: { $0 == "\t" || $0 == " " }) ?? []).dropFirst()
                .map(String.init)
        }
        func set(_ name: String) -> CapabilitySet {
            CapabilitySet(rawValue: UInt64(field(name).first ?? "", radix: 16) ?? .max)
        }
        if !set("CapBnd").isSubset(of: bounding) { return "process.capabilities.bounding" }
        if !set("CapPrm").isSubset(of: permitted) { return "process.capabilities.permitted" }
        if forbidsNewPrivileges && field("NoNewPrivs") != ["1"] { return "process.noNewPrivileges" }
        if hasFilter && field("Seccomp") != ["2"] { return "linux.seccomp" }
        if let userID, field("Uid").contains(where: { $0 != String(userID) }) {
            return "process.user.uid"
        }
        guard let score else { return nil }
        let file = "/proc/\(process)/oom_score_adj"
        let value = String(
            decoding: try attempt("read", on: file, try HostPath.read(file)), as: UTF8.self)
        let number = Int(value.split(separator: "\n").first ?? "") ?? -1000
        return number < score ? "process.oomScoreAdj" : nil
    }
}

internal import LinuxSystem
internal import SystemPackage

/// Controllers of a cgroup, which those above it hand on.
extension ControlGroupMaker {
    /// A new cgroup of cpuset in version 1 has neither processors nor memory, and takes no process
    /// so: it gets those of the one above, which may be as new.
    ///
    /// - Parameter own: The directories of this process's own: no other gets anything.
    static func inherit(
        _ mountPoint: String, _ inner: String, within own: Set<String>
    ) throws(Failure) {
        if inner == "/" { return }
        let way = ControlGroupPath.way(from: mountPoint, to: inner)
        for file in ["cpuset.cpus", "cpuset.mems"] {
            // The nearest one above that has something.
            var from = way.count - 1
            var value = ""
            while from >= 0, value.isEmpty {
                value = try inherited(way[from], file)
                if value.isEmpty { from -= 1 }
            }
            if value.isEmpty { continue }
            for path in way.dropFirst(from + 1) {
                guard own.contains(path) else {
                    throw Failure(
                        "\"\(path)/\(file)\" is empty; write to it, or name another place in"
                            + " linux.cgroupsPath")
                }
                try attempt("write", on: "\(path)/\(file)", try GroupFile.write(path, file, value))
            }
        }
    }

    /// Empty for a new cgroup, and where cpuset has other names (`noprefix`).
    private static func inherited(_ path: String, _ file: String) throws(Failure) -> String {
        do throws(Errno) {
            return KernelText(try HostPath.readShort("\(path)/\(file)")).words.first ?? ""
        } catch .noSuchFileOrDirectory {
            return ""
        } catch {
            throw Failure("read", "\"\(path)/\(file)\"", error)
        }
    }

    /// Switches controllers on, in version 2, in every cgroup above the container's own, so that
    /// this has them.
    static func handDown(
        _ needed: [String], _ wanted: [String], _ mountPoint: String, _ path: String
    ) throws(Failure) {
        if needed.isEmpty && wanted.isEmpty { return }
        // As a rule they are on.
        let there = GroupFile.words(path, "cgroup.controllers")
        if needed.allSatisfy(there.contains) && wanted.allSatisfy(there.contains) { return }
        let way = ControlGroupPath.way(
            from: mountPoint, to: String(path.dropFirst(mountPoint.count)))
        for path in way.dropLast() { try handOn(needed, wanted, path) }
    }

    /// Switches controllers on for the cgroups below `path`, in version 2.
    ///
    /// - Parameters:
    ///   - needed: A limit does not hold without.
    ///   - wanted: For figures, and for what divides its own cgroup; does without.
    private static func handOn(
        _ needed: [String], _ wanted: [String], _ path: String
    ) throws(Failure) {
        let there = GroupFile.words(path, "cgroup.controllers")
        let on = GroupFile.words(path, "cgroup.subtree_control")
        for controller in needed + wanted where !on.contains(controller) {
            let isNeeded = needed.contains(controller)
            if !there.contains(controller) {
                if !isNeeded { continue }
                throw Failure(
                    "the controller \(controller) is missing in \"\(path)/cgroup.controllers\":"
                        + " the parent cgroup does not delegate it; remove the limit, or name"
                        + " another place in linux.cgroupsPath")
            }
            do throws(Errno) {
                try GroupFile.write(path, "cgroup.subtree_control", "+" + controller)
            } catch {
                if !isNeeded { continue }
                let advice: String? =
                    switch error {
                    case .resourceBusy:
                        "it has processes, so it cannot enable controllers for its children; name another"
                            + " place in linux.cgroupsPath"
                    case .permissionDenied, .notPermitted:
                        "the controller \(controller) is not delegated to this user"
                    default: nil
                    }
                throw Failure(
                    "write", "\"+\(controller)\" to \"\(path)/cgroup.subtree_control\"", error,
                    advice: advice)
            }
        }
    }
}

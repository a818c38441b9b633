internal import LinuxSystem
internal import SystemPackage

/// The directories of a cgroup.
extension ControlGroupMaker {
    /// Makes what is missing of a path, and takes the cgroup at its end.
    mutating func makeAndTake(
        _ hierarchy: Hierarchies.Hierarchy, _ inner: String, _ controllers: String
    ) throws(Failure) {
        let path = hierarchy.path(inner)
        // As a rule only the last one is missing.
        let isVersion2 = controllers.isEmpty
        let mode = ControlGroupLock.newDirectoryMode(isVersion2: isVersion2)
        var outcome = try ControlGroupMaker.makeDirectory(path, mode: mode)
        if outcome == .parentIsMissing {
            for parent in ControlGroupPath.way(from: hierarchy.mountPoint, to: inner)
                .dropFirst().dropLast()
            where try ControlGroupMaker.makeDirectory(parent) == .made {
                if !made.parents.contains(parent) { made.parents.append(parent) }
            }
            outcome = try ControlGroupMaker.makeDirectory(path, mode: mode)
        } else if outcome == .isThere, request.path == nil, scope == nil, isBeside(hierarchy) {
            if restored?.paths.contains(where: { $0.path == path }) != true {
                // Beside the caller's cgroup are those of a manager, which may be empty too.
                throw Failure(
                    "the cgroup \"\(path)\" is there already; remove it with rmdir if it is"
                        + " nothing else's, or name another in linux.cgroupsPath", .taken)
            }
        } else if outcome == .isThere, request.path == nil, scope == nil {
            // Left behind by a run that was killed: its limits are not this one's.
            ControlGroup.removeLeftover(path, isVersion2: isVersion2)
            outcome = try ControlGroupMaker.makeDirectory(path, mode: mode)
        }
        if outcome == .isThere, let restored, restored.paths.contains(where: { $0.path == path }) {
            made.locks += restored.locks.filter { $0.path == path }
            made.paths.append((controllers, path))
            return
        }
        try take(path, controllers, isNew: outcome == .made)
    }

    /// Whether the place is one of a manager's of the host, with version 1.
    private func isBeside(_ hierarchy: Hierarchies.Hierarchy) -> Bool {
        !hierarchies.version1.isEmpty
            && (hierarchy.isNamed || hierarchy.mountPoint == hierarchies.version2?.mountPoint)
    }

    private enum Outcome {
        case made
        case isThere
        case parentIsMissing
    }

    private static func makeDirectory(
        _ path: String, mode: UInt32 = 0o755
    ) throws(Failure) -> Outcome {
        do throws(Errno) {
            try HostPath.makeDirectory(path, mode: mode)
            return .made
        } catch .fileExists {
            return .isThere
        } catch .noSuchFileOrDirectory {
            return .parentIsMissing
        } catch {
            let advice: String? =
                switch error {
                case .readOnlyFileSystem: "the host's cgroups are mounted read-only here"
                case .resourceTemporarilyUnavailable:
                    "cgroup.max.descendants or cgroup.max.depth of a cgroup above is reached"
                // The kernel counts the new group as memory of the one above.
                case .noMemory: ControlGroup.outOfMemory
                default: nil
                }
            throw Failure("mkdir", "\"\(path)\"", error, advice: advice)
        }
    }

    /// Locks the cgroup and makes sure that it has no processes.
    ///
    /// - Parameter isNew: This process has made it: it has no processes and is not frozen.
    private mutating func take(
        _ path: String, _ controllers: String, isNew: Bool
    ) throws(Failure) {
        let isVersion2 = controllers.isEmpty
        let lock: ControlGroupLock
        do throws(Failure) {
            lock = try self.lock(path, isVersion2: isVersion2, isNew: isNew)
        } catch {
            // No other process uses it yet. The first error is reported.
            if isNew && !error.isTaken { try? HostPath.removeDirectory(path) }
            throw error
        }
        if !isNew { try requireEmpty(in: path, controllers) }
        // From here on it is the container's, and goes with it.
        made.locks.append(lock)
        made.paths.append((controllers, path))
    }

    /// Keeps other runtime processes from taking the cgroup.
    private func lock(
        _ path: String, isVersion2: Bool, isNew: Bool
    ) throws(Failure) -> ControlGroupLock {
        do throws(Errno) {
            return try ControlGroupLock(path, isVersion2: isVersion2, isNew: isNew)
        } catch .wouldBlock {
            throw Failure(
                "the cgroup \"\(path)\" is taken by another container; name another in"
                    + " linux.cgroupsPath", .taken)
        } catch .noSuchFileOrDirectory {
            // The root of a hierarchy always has processes, and has no file to lock.
            try requireEmpty(in: path, isVersion2 ? "" : "freezer")
            throw removed(path)
        } catch {
            throw Failure("flock", path.inQuotes, error)
        }
    }

    /// systemd or an engine has removed the empty cgroup before it had a process.
    private func removed(_ path: String) -> Failure {
        Failure("the cgroup \"\(path)\" was removed while it was being made", .removed)
    }

    private func requireEmpty(
        in path: String, _ controllers: String
    ) throws(Failure) {
        let found = ControlGroup(paths: [(controllers, path)])
        let processes = try found.processes()
        if processes.contains(where: { $0 != made.anchor?.pid }) {
            throw Failure(
                "container's cgroup is not empty: \(processes.count) process(es) found in"
                    + " \"\(path)\"; name another in linux.cgroupsPath", .taken)
        }
        let isFreezer = controllers.isEmpty || controllers.split(separator: ",").contains("freezer")
        if isFreezer && found.isFrozen {
            throw Failure(
                "container's cgroup unexpectedly frozen: \"\(path)\"; thaw it or name another in"
                    + " linux.cgroupsPath", .taken)
        }
    }
}

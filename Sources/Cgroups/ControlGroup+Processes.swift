public import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// Every process in it and in the cgroups below, by its id in this pid namespace; 0 for one
    /// that has none here. None where the cgroup is gone.
    public func processes() throws(Failure) -> [Int32] {
        guard let directory = mainDirectory else { return [] }
        return try ControlGroup.processes(in: directory)
    }

    static func processes(in directory: String) throws(Failure) -> [Int32] {
        var found: [Int32] = []
        // A container may make cgroups in its own, as deep as it likes.
        var waiting = [directory]
        while let place = waiting.popLast() {
            do throws(Failure) {
                found += try attempt("read", on: "\(place)/cgroup.procs", try members(of: place))
                let below = try attempt("readdir", on: place, try HostPath.directories(in: place))
                // A container may nest names to more than a path holds: what lies there is killed with
                // the whole, and is not listed.
                waiting += below.reversed().map { "\(place)/\($0)" }.filter {
                    $0.utf8.count < 4000
                }
            } catch {
                // It may go while it is being read.
                if error.errno == .noSuchFileOrDirectory
                    || error.errno == .operationNotSupportedByDevice
                {
                    continue
                }
                throw error
            }
        }
        return found
    }

    private static func members(of directory: String) throws(Errno) -> [Int32] {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try HostPath.read("\(directory)/cgroup.procs")
        } catch .notSupportedOnSocket {
            // A threaded cgroup tells of its threads only.
            bytes = try HostPath.read("\(directory)/cgroup.threads")
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap {
            Int32($0)
        }
    }

    /// A cgroup below, which is there already.
    public struct Inner: Sendable, Hashable {
        /// Only in the hierarchies of version 1 that have these; empty for all.
        public var controllers: [String]
        /// Relative: `sub/cgroup`.
        public var path: String

        public init(controllers: [String] = [], path: String) {
            self.controllers = controllers
            self.path = path
        }
    }

    /// Moves a process into it, or into cgroups below.
    ///
    /// - Parameters:
    ///   - process: Its id here; 0 is the calling process.
    ///   - inner: Where others than the container's own are wanted; in the rest it is the
    ///     container's, so that none of its limits is left out.
    ///   - first: The container's first process. Where the container has divided its cgroup of
    ///     version 2 that holds no processes any more, and the new one joins the first one.
    ///   - isInVersion2: It was made there.
    public func add(
        process: Int32, inner: [Inner] = [], joining first: Int32? = nil,
        isInVersion2: Bool = false
    ) throws(Failure) {
        for place in inner {
            if place.path.split(separator: "/").contains("..") {
                throw Failure("bad sub cgroup path: \(place.path)")
            }
            let known = paths.flatMap { $0.controllers.split(separator: ",") }
            for name in place.controllers where !known.contains(Substring(name)) {
                throw Failure(
                    "unknown controller \(name) in SubCgroupPaths; the container has"
                        + " \(known.joined(separator: ", "))")
            }
        }
        for (own, path) in paths where !(own.isEmpty && isInVersion2) {
            let names = own.split(separator: ",").map(String.init)
            let place = inner.last {
                $0.controllers.isEmpty || !Set(names).isDisjoint(with: $0.controllers)
            }
            let target = path + (place.map { HostPath.cleaned("/" + $0.path) } ?? "")
            do throws(Failure) {
                try ControlGroup.place(process, in: target, isVersion2: own.isEmpty)
            } catch {
                if place == nil, try attach(process, after: error) { continue }
                guard error.kind == .divided, place == nil, let first,
                    let below = ControlGroup.place(of: first), below.hasPrefix(path + "/")
                else { throw error }
                try ControlGroup.place(process, in: below, isVersion2: true)
            }
        }
    }

    /// The directory of version 2 that a process is in.
    private static func place(of process: Int32) -> String? {
        guard let there = try? Hierarchies.read(of: process).version2 else { return nil }
        return there.path(there.own)
    }

    /// Moves a process into it.
    ///
    /// - Parameters:
    ///   - process: Its id here; 0 is the calling process.
    ///   - isInVersion2: It was made there.
    public func enter(process: Int32 = 0, isInVersion2: Bool) throws(Failure) {
        for (controllers, path) in paths where !(controllers.isEmpty && isInVersion2) {
            do throws(Failure) {
                try ControlGroup.place(process, in: path, isVersion2: controllers.isEmpty)
            } catch {
                if try !attach(process, after: error) { throw error }
            }
        }
    }

    /// Looks where systemd would be asked, while this process still has its environment.
    public var knowingManager: ControlGroup {
        var group = self
        group.managerPlaces = unit.map { Systemd.places(ofUser: $0.isUsers) }
        return group
    }

    /// Has systemd do it where only it may: an ordinary user moves no process from another part of
    /// the tree, as that of a session, into a unit of their own systemd.
    ///
    /// - Returns: False where that is not what was wrong.
    private func attach(
        _ process: Int32, after error: Failure
    ) throws(Failure) -> Bool {
        guard error.kind == .forbidden, let unit else { return false }
        do throws(Failure) {
            var systemd = try Systemd(ofUser: unit.isUsers, at: managerPlaces)
            try systemd.attach(process == 0 ? CurrentProcess.pid : process, to: unit.name)
        } catch let other {
            throw Failure("\(error.message); \(other.message)")
        }
        return true
    }

    /// Moving a whole process waits until no process of the machine forks or ends, which
    /// takes the kernel ten milliseconds after a pause. A thread that moves
    /// itself does not have to, in version 1; what enters by itself here has only one.
    private static func place(
        _ process: Int32, in directory: String, isVersion2: Bool
    ) throws(Failure) {
        let file = process == 0 && !isVersion2 ? "tasks" : "cgroup.procs"
        do throws(Errno) {
            try GroupFile.write(directory, file, String(process))
        } catch {
            let advice: String? =
                switch error {
                case .resourceBusy:
                    "it enables controllers for its children, so it cannot have processes"
                        + " own"
                case .notSupportedOnSocket:
                    "its parent is threaded; name another place in linux.cgroupsPath"
                case .permissionDenied:
                    "moving a process takes write access to the cgroup above both, where it is and"
                        + " where it goes"
                default: nil
                }
            var failure = Failure("write", "\"\(directory)/\(file)\"", error, advice: advice)
            failure.kind =
                switch error {
                case .resourceBusy: .divided
                case .noSuchProcess: .gone
                case .permissionDenied, .notPermitted: .forbidden
                default: .other
                }
            throw failure
        }
    }
}

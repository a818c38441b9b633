public import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// Every process in it and in the cgroups below, by its id in this pid namespace; 0 for one
    /// that has none here. None where the cgroup is gone.
    public func processes() throws(SystemCallError) -> [Int32] {
        guard let directory = mainDirectory else { return [] }
        return try ControlGroup.processes(in: directory)
    }

    static func processes(in directory: String) throws(SystemCallError) -> [Int32] {
        var found: [Int32] = []
        do throws(SystemCallError) {
            found = try attempt("read", "\"\(directory)/cgroup.procs\"") { () throws(Errno) in
                try members(of: directory)
            }
            let below = try attempt("readdir", "\"\(directory)\"") { () throws(Errno) in
                try HostPath.directories(in: directory)
            }
            for name in below { found += try processes(in: "\(directory)/\(name)") }
        } catch {
            // It may go while it is being read.
            if error.errno == .noSuchFileOrDirectory
                || error.errno == .operationNotSupportedByDevice
            {
                return found
            }
            throw error
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
    public func add(
        process: Int32, inner: [Inner] = [], joining first: Int32? = nil
    ) throws(ControlGroupError) {
        for place in inner {
            if place.path.split(separator: "/").contains("..") {
                throw ControlGroupError("bad sub cgroup path: \(place.path)")
            }
            let known = paths.flatMap { $0.controllers.split(separator: ",") }
            for name in place.controllers where !known.contains(Substring(name)) {
                throw ControlGroupError(
                    "unknown controller \(name) in SubCgroupPaths; the container has"
                        + " \(known.joined(separator: ", "))")
            }
        }
        for (own, path) in paths {
            let names = own.split(separator: ",").map(String.init)
            let place = inner.last {
                $0.controllers.isEmpty || !Set(names).isDisjoint(with: $0.controllers)
            }
            let target = path + (place.map { ControlGroupPath.cleaned("/" + $0.path) } ?? "")
            do throws(ControlGroupError) {
                try ControlGroup.place(process, in: target)
            } catch {
                guard error.isDivided, place == nil, let first,
                    let below = ControlGroup.place(of: first), below.hasPrefix(path + "/")
                else { throw error }
                try ControlGroup.place(process, in: below)
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
    public func enter(process: Int32 = 0, isInVersion2: Bool) throws(ControlGroupError) {
        for (controllers, path) in paths where !(controllers.isEmpty && isInVersion2) {
            try ControlGroup.place(process, in: path)
        }
    }

    private static func place(_ process: Int32, in directory: String) throws(ControlGroupError) {
        do throws(Errno) {
            try GroupFile.write(directory, "cgroup.procs", String(process))
        } catch {
            let advice: String? =
                switch error {
                case .resourceBusy:
                    "it hands controllers on to cgroups below, and so can have no processes of its"
                        + " own"
                case .notSupportedOnSocket:
                    "its parent is threaded; name another place in linux.cgroupsPath"
                default: nil
                }
            var failure = ControlGroupError(
                SystemCallError("write", "\"\(directory)/cgroup.procs\"", error), advice)
            failure.isDivided = error == .resourceBusy
            throw failure
        }
    }
}

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

    /// Moves a process into it, or into a cgroup below that is there already.
    ///
    /// - Parameters:
    ///   - process: Its id here; 0 is the calling process.
    ///   - inner: Relative: `sub/cgroup`.
    ///   - controllers: Only in the hierarchies of version 1 that have these; nil for all.
    public func add(
        process: Int32, inner: String = "", controllers: [String]? = nil
    ) throws(ControlGroupError) {
        if inner.split(separator: "/").contains("..") {
            throw ControlGroupError("bad sub cgroup path: \(inner)")
        }
        for (own, path) in paths {
            if let controllers {
                let names = own.split(separator: ",").map(String.init)
                if Set(names).isDisjoint(with: controllers) { continue }
            }
            let target = path + (inner.isEmpty ? "" : ControlGroupPath.cleaned("/" + inner))
            try ControlGroup.place(process, in: target)
        }
    }

    /// Moves the calling process into it.
    ///
    /// - Parameter isInVersion2: It was made there.
    public func enter(isInVersion2: Bool) throws(ControlGroupError) {
        for (controllers, path) in paths where !(controllers.isEmpty && isInVersion2) {
            try ControlGroup.place(0, in: path)
        }
    }

    private static func place(_ process: Int32, in directory: String) throws(ControlGroupError) {
        try group(
            "write", "\(directory)/cgroup.procs",
            advice: { error in
                switch error {
                case .resourceBusy:
                    "it hands controllers on to cgroups below, and so can have no processes of its"
                        + " own"
                case .notSupportedOnSocket:
                    "its parent is threaded; name another place in linux.cgroupsPath"
                default: nil
                }
            }
        ) { () throws(Errno) in
            try GroupFile.write(directory, "cgroup.procs", String(process))
        }
    }
}

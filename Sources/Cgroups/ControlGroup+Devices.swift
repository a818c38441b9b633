internal import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// Lets the processes in it use and make no other devices than the policy says.
    func apply(devices policy: DevicePolicy) throws(ControlGroupError) {
        guard let (directory, isVersion2) = directory(of: "devices") else {
            throw ControlGroupError(
                "devices: the container has no cgroup of the devices controller")
        }
        if isVersion2 { return try attach(DeviceFilter(policy), directory) }
        for (file, value) in policy.version1 {
            try group(
                "write", "\(directory)/\(file)",
                advice: {
                    $0 == .notPermitted
                        ? "the cgroup above does not allow \"\(value)\" itself" : nil
                }
            ) { () throws(Errno) in
                try GroupFile.write(directory, file, value)
            }
        }
    }

    private func attach(_ filter: DeviceFilter, _ directory: String) throws(ControlGroupError) {
        let opened = try group("open", directory) { () throws(Errno) in
            try HostPath.open(directory, [.readOnly, .directory])
        }
        try group(
            "bpf", directory,
            advice: {
                $0 == .notPermitted ? "a filter of devices takes CAP_BPF and CAP_NET_ADMIN" : nil
            }
        ) { () throws(Errno) in
            let program = try DeviceProgram.load(filter.instructions.map(\.encoded))
            try program.attach(to: opened.borrowed)
        }
    }
}
